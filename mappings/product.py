"""The product record: what a shop sends, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from mappings.errors import ProductRejected
from mappings.validation_faults import first_fault
from mappings.validation_faults import shorten as shorten

MAX_ID_BYTES = 512  # Elasticsearch's own limit of an _id
MAX_ATTRIBUTES = 2_000
MAX_VECTOR_DIMS = 4_096  # Elasticsearch's own limit of a dense_vector
CATEGORY_SEPARATOR = " > "
TEXT_VECTOR = "text_vector"
IMAGE_VECTOR = "image_vector"
VECTOR_FIELDS = (TEXT_VECTOR, IMAGE_VECTOR)
PHOTOS = "photos"
"""Nested documents of a product, one for each photo that an encoder of ours has seen."""
PHOTO_VECTOR = f"{PHOTOS}.vector"
PHOTO_STATE_FIELDS = ("photos_due_at", "photo_attempts", "photo_problems", "photo_faults")
"""What a document keeps of its photos' work; whoever writes the product leaves it as it is."""

MAX_ADDRESS_CHARACTERS = 2_048
MAX_DATA_ADDRESS_CHARACTERS = 1_000_000
"""Of a `data:` address, which holds the photo itself: 750 kB of it in base64."""

FAST_FIELDS = ("price", "currency", "availability", "popularity", "updated_at")
"""What changes all day. No encoder reads it and `product_hash` leaves it out, so that it can be
written without reading, or writing, anything else of the document."""

STATE_FIELDS = (
    "version",
    "arrival",
    "last_arrival",
    "field_stamps",
    "pending",
    "deleted_at",
    "product_hash",
    "sent_hash",
    "content_hash",
    *FAST_FIELDS,
)
"""What must be known of a document to plan a change of it that is no patch."""

Availability = Literal["in_stock", "out_of_stock", "preorder", "backorder", "discontinued"]


def _check_id(value: str) -> str:
    if len(value.encode()) > MAX_ID_BYTES:
        raise ValueError(f"is longer than {MAX_ID_BYTES} bytes")
    return value


def _check_text(value: str) -> str:
    if "\0" in value:
        raise ValueError("holds a null character")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("holds half of a surrogate pair, which is not text") from error
    return value


def _check_vector(value: tuple[float, ...]) -> tuple[float, ...]:
    if not any(value):
        raise ValueError("is all zeros, so it has no direction to compare")
    return value


def _check_address(value: str) -> str:
    is_data = value[:5].lower() == "data:"
    most = MAX_DATA_ADDRESS_CHARACTERS if is_data else MAX_ADDRESS_CHARACTERS
    if len(value) > most:
        raise ValueError(f"should have at most {most} characters")
    return value


_NUMBER = re.compile(r"\s*[-+]?[0-9.]+\s*")


def _date_from_text(value: object) -> object:
    # pydantic would also take a bare number as seconds or milliseconds, by its size.
    # So it does with text that is a number, where 20200101 would be a day of 1970.
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise ValueError("should be an ISO 8601 date and time as text")
    return value


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is before the year 1 or after the year 9999 in UTC") from error


Text = Annotated[str, StringConstraints(strict=True), AfterValidator(_check_text)]
# Stripped before it is measured, so that a blank name is an empty one.
Name = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=256),
    AfterValidator(_check_text),
]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Date = Annotated[datetime, BeforeValidator(_date_from_text), AfterValidator(_in_utc)]
AttributeText = Annotated[Text, StringConstraints(max_length=8_192)]
Scalar = (
    Annotated[bool, Field(strict=True)]
    | Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]
    | Number
    | AttributeText
)
AttributeValue = Scalar | Annotated[tuple[Scalar, ...], Field(max_length=256)]
Vector = Annotated[
    tuple[Annotated[float, Field(strict=True, allow_inf_nan=False)], ...],
    Field(min_length=1, max_length=MAX_VECTOR_DIMS),
    AfterValidator(_check_vector),
]


class Product(BaseModel):
    """What the shop sells. Only `id` and `title` must be there.

    The names are those of the document's fields and of the answer of a search.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: Annotated[Text, StringConstraints(min_length=1), AfterValidator(_check_id)] = Field(
        description="The shop's own id, at most 512 bytes."
    )
    title: Annotated[
        str,
        StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=2_000),
        AfterValidator(_check_text),
    ] = Field(description="Name shown to the customer.")
    description: Annotated[Text, StringConstraints(max_length=100_000)] | None = Field(
        None, description="Longer text, without markup."
    )
    brand: Name | None = Field(None, description="Maker or label.")
    categories: Annotated[tuple[Name, ...], Field(max_length=64)] = Field(
        (), description="Category paths, levels divided by ' > ', e.g. 'Computers > Mice'."
    )
    price: Annotated[Number, Field(ge=0, le=1e12)] | None = Field(
        None, description="Price in `currency`, in whole units (12.5, not cents)."
    )
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = Field(
        None, description="ISO 4217 code."
    )
    availability: Availability | None = Field(None, description="Whether it can be bought.")
    attributes: Annotated[dict[Name, AttributeValue], Field(max_length=MAX_ATTRIBUTES)] = Field(
        {}, description="Any further facts by name; numbers can be filtered by range."
    )
    identifiers: Annotated[tuple[Name, ...], Field(max_length=512)] = Field(
        (), description="Model, part and article numbers, EAN, GTIN, SKU."
    )
    images: Annotated[
        tuple[
            Annotated[Text, StringConstraints(min_length=1), AfterValidator(_check_address)], ...
        ],
        Field(max_length=32),
    ] = Field(
        (),
        description="Addresses of photos, the first one first: `https:`, `http:`, `file:` or "
        "`data:` (at most 1,000,000 characters; others 2,048).",
    )
    parent_id: Annotated[Name, AfterValidator(_check_id)] | None = Field(
        None, description="Groups the variants of one product."
    )
    popularity: Annotated[Number, Field(ge=0, le=1e15)] | None = Field(
        None, description="Any number that grows with demand, e.g. sales of 30 days."
    )
    released_at: Date | None = Field(None, description="When it came out (ISO 8601).")
    updated_at: Date | None = Field(None, description="When the shop last changed it (ISO 8601).")
    vectors: dict[Literal["text_vector", "image_vector"], Vector] = Field(
        {}, description="Embeddings that the shop brings itself."
    )

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Return the product that a decoded JSON object describes.

        Raises ProductRejected, whose `field` and message name the first thing
        that is wrong and its value.
        """
        if not isinstance(raw, Mapping):
            raise ProductRejected(
                f"a product should be a JSON object, not {type(raw).__name__}", field="product"
            )
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            fault = first_fault(error, raw)
            raise ProductRejected(
                fault.describe("product"),
                field=fault.path or "product",
                product_id=_id_of(raw),
            ) from error

    @classmethod
    def check_changes(cls, product_id: str, fields: Mapping[str, Any]) -> None:
        """Check a partial update: a subset of the fields, None to remove one.

        Raises ProductRejected as `parse` does, also for an attempt to change `id`
        or to remove `title`.
        """
        if fields.get("id", product_id) != product_id:
            raise ProductRejected(
                f"id cannot be changed from {product_id!r} to {fields['id']!r}",
                field="id",
                product_id=product_id,
            )
        if unknown := [name for name in fields if name not in _FIELD_NAMES]:
            raise ProductRejected(
                f"{unknown[0]}: there is no such field, got {shorten(fields[unknown[0]])}",
                field=str(unknown[0]),
                product_id=product_id,
            )
        if not fields:
            raise ProductRejected(
                "names no field to change", field="product", product_id=product_id
            )
        cls.parse(
            {"title": "-", **merge_changes({}, fields, keep_none=("title",)), "id": product_id}
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fields that are set, as plain JSON values."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude_none=True)


def merge_changes(
    present: Mapping[str, Any], changes: Mapping[str, Any], *, keep_none: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the product fields after a partial update; neither argument is changed.

    A field set to None is removed. `attributes` merges by name, so that one
    attribute can be changed alone; every other field is replaced whole.
    """
    merged = dict(present)
    for name, value in changes.items():
        if name == "attributes" and isinstance(value, Mapping):
            old = dict(merged.get("attributes") or {})
            old.update(value)
            merged[name] = {key: item for key, item in old.items() if item is not None}
        elif value is None and name not in keep_none:
            merged.pop(name, None)
        else:
            merged[name] = value
    return merged


def _id_of(raw: Mapping[str, Any]) -> str | None:
    value = raw.get("id")
    return value if isinstance(value, str) else None


_FIELD_NAMES = frozenset(Product.model_fields)
