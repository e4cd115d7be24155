"""`"price": {"gte": 10, "lt": 50}`: between two boundaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mappings.sortable_numbers import SORTABLE_LENGTH, encode_sortable
from service.filters.base import Clause, finite, invalid
from service.filters.terms import check_date
from service.product_fields import ATTRIBUTE_PREFIX, ProductField

_WORDS = {"gt": "above", "gte": "from", "lt": "below", "lte": "to"}
NUMBERS_PREFIX = "attribute_numbers."
_LOWEST = "0" * SORTABLE_LENGTH
_HIGHEST = "f" * SORTABLE_LENGTH


@dataclass(frozen=True)
class RangeFilter:
    """Keeps products whose value lies between the boundaries."""

    field: ProductField
    boundaries: Mapping[str, float | str]

    def to_clause(self) -> Clause:
        """Return a `range` clause.

        Numbers of attributes are compared by their sortable text, since thousands of
        attribute names share one flattened field, which knows only text.
        """
        if self.field.kind != "attribute":
            return {"range": {self.field.match: dict(self.boundaries)}}
        numbers = NUMBERS_PREFIX + self.field.name.removeprefix(ATTRIBUTE_PREFIX)
        encoded = {
            operator: encode_sortable(float(value)) for operator, value in self.boundaries.items()
        }
        # Elasticsearch 8 compares flattened values only between two boundaries.
        if not encoded.keys() & {"gt", "gte"}:
            encoded["gte"] = _LOWEST
        if not encoded.keys() & {"lt", "lte"}:
            encoded["lte"] = _HIGHEST
        return {"range": {numbers: encoded}}

    def describe(self) -> str:
        """Return e.g. 'price from 10 below 50'."""
        words = (f"{_WORDS[operator]} {value:}" for operator, value in self.boundaries.items())
        return f"{self.field.name} {' '.join(words)}"


class RangeType:
    """An object of `gt`, `gte`, `lt`, `lte`."""

    def accepts(self, value: object) -> bool:
        """Whether it is an object that has a boundary."""
        return isinstance(value, Mapping) and any(operator in _WORDS for operator in value)

    def parse(self, field: ProductField, value: Mapping[str, Any]) -> RangeFilter:
        """Return the filter; a date field takes ISO 8601 dates, all others numbers."""
        if field.kind in ("keyword", "category"):
            raise invalid(field, "has no order, so no range; name its values", value)
        unknown = sorted(set(value) - set(_WORDS))
        if unknown:
            raise invalid(field, f"a range has gt, gte, lt and lte, not {unknown[0]!r}", value)
        for pair in (("gt", "gte"), ("lt", "lte")):
            if pair[0] in value and pair[1] in value:
                raise invalid(field, f"should have {pair[0]} or {pair[1]}, not both", value)
        return RangeFilter(field, {operator: _check(field, value[operator]) for operator in value})


def _check(field: ProductField, value: object) -> float | str:
    if field.kind == "date":
        return check_date(field, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(field, "a boundary should be a number", value)
    return finite(field, value)
