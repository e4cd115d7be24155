"""`ext.shelfwise` and `ext.ubi` of a body: what is ours, checked and taken out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from mappings.errors import InvalidQuery
from mappings.validation_faults import first_fault
from service.photo_request import PhotoRequest
from service.search_request import MAX_WINDOW, Count, LegName, SearchRequest, Weight

OWN = "shelfwise"
UBI = "ubi"

_Model = TypeVar("_Model", bound=BaseModel)
Id = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=256)]


class ShelfwiseOptions(BaseModel):
    """`ext.shelfwise`: how a body is made hybrid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hybrid: Annotated[bool, Field(strict=True)] = Field(
        True, description="False passes the body straight through."
    )
    mode: Literal["precise", "fast"] = Field(
        "precise", description="`fast` ranks by one request, as Elasticsearch adds up its scores."
    )
    weights: Literal["auto"] | Annotated[dict[LegName, Weight], Field(min_length=1)] = Field(
        "auto", description="Weight of each leg; one that is not named weighs nothing."
    )
    fusion: Literal["auto", "weighted_sum", "reciprocal_rank"] = Field(
        "auto", description="How the scores of the legs become one."
    )
    rank_constant: Annotated[Count, Field(ge=1, le=10_000)] = Field(
        60, description="Constant of reciprocal rank fusion."
    )
    rank_window_size: Annotated[Count, Field(ge=1, le=MAX_WINDOW)] = Field(
        200, description="Best candidates that get exact scores on every leg."
    )
    num_candidates: Annotated[Count, Field(ge=1, le=10_000)] = Field(
        200, description="Vectors that each vector leg looks at in each shard."
    )
    rules: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None,
        description="A stored version of the rules and synonyms instead of the active one, or "
        "`off` for none.",
    )
    image: PhotoRequest | None = Field(
        None, description="A photo to find products by, alone or with the words of the query."
    )

    def as_request(self, words: str) -> SearchRequest:
        """Return the search of our own that makes the legs.

        It is of mode `fast` whatever ours is: of learned weights those of whole legs are
        wanted, as ranking features are made of fields that a shop's index does not have.
        Raises InvalidQuery.
        """
        try:
            return SearchRequest.parse(
                {
                    "q": words,
                    "mode": "fast",
                    "understand": "off",
                    **self.model_dump(exclude={"hybrid", "mode"}, exclude_none=True),
                }
            )
        except InvalidQuery as error:
            raise own_fault(error) from error


class UbiOptions(BaseModel):
    """`ext.ubi`, in the shape of the User Behavior Insights plugin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query_id: Id | None = None
    client_id: Annotated[str, StringConstraints(strict=True, max_length=256)] | None = Field(
        None, repr=False
    )
    user_query: Annotated[str, StringConstraints(strict=True, max_length=10_000)] | None = None
    application: Annotated[str, StringConstraints(strict=True, max_length=256)] | None = None
    object_id_field: Annotated[str, StringConstraints(strict=True, max_length=256)] | None = None
    query_attributes: dict[str, Any] | None = None


@dataclass(frozen=True)
class Extension:
    """What a body's `ext` says to us.

    ubi: None when the body does not ask for a query id. rest: what is for others.
    """

    options: ShelfwiseOptions
    ubi: UbiOptions | None
    rest: Mapping[str, Any]


NO_EXTENSION = Extension(ShelfwiseOptions(), None, {})


def read_extension(body: Mapping[str, Any]) -> Extension:
    """Return what `ext` of a decoded body says.

    Raises InvalidQuery, whose field is the path in the body.
    """
    ext = body.get("ext")
    if ext is None:
        return NO_EXTENSION
    if not isinstance(ext, dict):
        raise InvalidQuery(f"ext: should be an object, got {type(ext).__name__}", field="ext")
    return Extension(
        options=_read(ShelfwiseOptions, ext.get(OWN, {}), f"ext.{OWN}"),
        ubi=_read(UbiOptions, ext[UBI], f"ext.{UBI}") if UBI in ext else None,
        rest={name: value for name, value in ext.items() if name not in (OWN, UBI)},
    )


def own_fault(error: InvalidQuery) -> InvalidQuery:
    """Return a fault of the search that we made, told of the body that it was made of."""
    path = f"ext.{OWN}.{error.field}"
    message = error.message
    if error.field and message.startswith(f"{error.field}:"):
        message = f"{path}{message.removeprefix(error.field)}"
    return InvalidQuery(message, field=path)


def _read(model: type[_Model], raw: object, path: str) -> _Model:
    if not isinstance(raw, dict):
        raise InvalidQuery(f"{path}: should be an object, got {type(raw).__name__}", field=path)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        fault = first_fault(error, raw)
        field = f"{path}.{fault.path}" if fault.path else path
        raise InvalidQuery(f"{path}.{fault.describe('')}", field=field) from error
