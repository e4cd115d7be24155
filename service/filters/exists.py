"""`"price": {"exists": true}`: has a value, or has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.filters.base import Clause, invalid
from service.product_fields import ProductField


@dataclass(frozen=True)
class ExistsFilter:
    """Keeps products with a value in the field, or those without."""

    field: ProductField
    wanted: bool

    def to_clause(self) -> Clause:
        """Return an `exists` clause, negated when no value is wanted."""
        clause = {"exists": {"field": self.field.exact}}
        return clause if self.wanted else {"bool": {"must_not": clause}}

    def describe(self) -> str:
        """Return e.g. 'has price'."""
        return f"{'has' if self.wanted else 'has no'} {self.field.name}"


class ExistsType:
    """An object whose only key is `exists`."""

    def accepts(self, value: object) -> bool:
        """Whether it has the key."""
        return isinstance(value, Mapping) and "exists" in value

    def parse(self, field: ProductField, value: Mapping[str, Any]) -> ExistsFilter:
        """Return the filter."""
        if len(value) != 1 or not isinstance(value["exists"], bool):
            raise invalid(field, 'should be {"exists": true} or {"exists": false}', value)
        return ExistsFilter(field, value["exists"])
