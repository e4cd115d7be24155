"""The photo of a search request: where it is, which part of it is meant, how much it counts."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from mappings.product import Text

MAX_URL_CHARACTERS = 8_192
MAX_PART_NAME = 200

_WAYS = ("url", "base64", "upload")

Way = Literal["url", "base64", "upload"]
"""How the photo comes: fetched, in the body, or as a part of a multipart body."""

Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
PhotoWeight = Annotated[float, Field(strict=True, ge=0, le=1_000, allow_inf_nan=False)]
Box = tuple[Share, Share, Share, Share]


def _check_box(value: Box) -> Box:
    x0, y0, x1, y1 = value
    if x0 >= x1 or y0 >= y1:
        raise ValueError("should have x0 < x1 and y0 < y1")
    return value


class PhotoRequest(BaseModel):
    """A photo as (part of) the query. Exactly one of `url`, `base64` and `upload` is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[Text, StringConstraints(min_length=1, max_length=MAX_URL_CHARACTERS)] | None = (
        Field(None, repr=False, description="http or https address that the service fetches.")
    )
    base64: Annotated[str, StringConstraints(strict=True, min_length=1)] | None = Field(
        None, repr=False, description="The file in base64, or a `data:` address of it."
    )
    upload: Annotated[Text, StringConstraints(min_length=1, max_length=MAX_PART_NAME)] | None = (
        Field(None, description="Name of the multipart part that holds the file.")
    )
    crop: Annotated[Box, AfterValidator(_check_box)] | None = Field(
        None,
        description="The part of the photo that is meant: x0, y0, x1, y1 as shares of width and "
        "height from the upper left corner, as a viewer sees the photo.",
    )
    weight: PhotoWeight = Field(
        1.0, description="Factor on the weights of the photo's legs, against those of the words."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = [name for name in _WAYS if getattr(self, name) is not None]
        if len(given) != 1:
            has = " and ".join(given) or "none"
            raise ValueError(f"should have exactly one of {', '.join(_WAYS)}, has {has}")
        return self

    @property
    def way(self) -> Way:
        """Return how the photo comes."""
        if self.url is not None:
            return "url"
        return "base64" if self.base64 is not None else "upload"

    @property
    def field(self) -> str:
        """Return the part of the request that an error of the photo names."""
        return f"image.{self.way}"
