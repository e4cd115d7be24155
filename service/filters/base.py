"""What every type of filter promises."""

from __future__ import annotations

import math
from typing import Any, Protocol

from mappings.errors import InvalidFilter
from mappings.validation_faults import shorten
from service.product_fields import ProductField

Clause = dict[str, Any]


class Filter(Protocol):
    """One condition on one field."""

    def to_clause(self) -> Clause:
        """Return the Elasticsearch clause, used alike for BM25, kNN and facets."""
        ...

    def describe(self) -> str:
        """Return the condition in words, e.g. 'price below 50'."""
        ...


class FilterType(Protocol):
    """A type of filter: recognises its JSON and parses it."""

    def accepts(self, value: object) -> bool:
        """Whether this JSON value is meant for this type of filter."""
        ...

    def parse(self, field: ProductField, value: Any) -> Filter:  # noqa: ANN401 - decoded JSON
        """Return the filter; raises InvalidFilter that names the field and the value."""
        ...


def finite(field: ProductField, value: float) -> float:
    """Return a number that a double can hold; raises InvalidFilter for any other."""
    try:
        fits = math.isfinite(value)
    except OverflowError:
        fits = False
    if not fits:
        raise invalid(field, "should be a number that a double can hold", value)
    return value


def invalid(field: ProductField, expectation: str, value: object) -> InvalidFilter:
    """Return the error of a value that the field cannot have."""
    path = f"filter.{field.name}"
    return InvalidFilter(f"{path}: {expectation}, got {shorten(value)}", field=path)
