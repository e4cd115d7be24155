"""Which product fields can be filtered, counted and sorted by, and where they lie in the index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["keyword", "number", "date", "category", "attribute"]

ATTRIBUTE_PREFIX = "attributes."


@dataclass(frozen=True)
class ProductField:
    """A field as a request names it.

    name: in the request. kind: what its values are.
    exact: index field of exact values, for terms and facets.
    match: index field that a term filter uses, which may fold case.
    """

    name: str
    kind: Kind
    exact: str
    match: str

    @property
    def sortable(self) -> bool:
        """Whether a page can be sorted by it."""
        return self.kind in ("number", "date") or self.name == "id"


def _field(
    name: str, kind: Kind, exact: str | None = None, match: str | None = None
) -> ProductField:
    return ProductField(name, kind, exact or name, match or exact or name)


PRODUCT_FIELDS = {
    field.name: field
    for field in (
        _field("id", "keyword", "product_id"),
        _field("brand", "keyword", match="brand.folded"),
        _field("categories", "category", "category_paths"),
        _field("price", "number"),
        _field("currency", "keyword"),
        _field("availability", "keyword"),
        _field("identifiers", "keyword"),
        _field("parent_id", "keyword"),
        _field("popularity", "number"),
        _field("released_at", "date"),
        _field("updated_at", "date"),
    )
}

RETURNED_FIELDS = (
    "title",
    "description",
    "brand",
    "categories",
    "price",
    "currency",
    "availability",
    "attributes",
    "identifiers",
    "images",
    "parent_id",
    "popularity",
    "released_at",
    "updated_at",
)
"""Fields of a document that are the product's own, in the order of the answer."""


def find_field(name: str) -> ProductField | None:
    """Return the field of that name, None when there is none.

    `attributes.<name>` is a field for every name.
    """
    attribute = name.removeprefix(ATTRIBUTE_PREFIX)
    if attribute != name and attribute and "\0" not in attribute:
        return ProductField(name, "attribute", name, name)
    return PRODUCT_FIELDS.get(name)
