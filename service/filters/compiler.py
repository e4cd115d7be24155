"""A request's `filter` object to Elasticsearch clauses: and, or, not over the filter types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mappings.errors import InvalidFilter
from mappings.validation_faults import shorten
from service.filters.base import Clause
from service.filters.registry import FILTER_TYPES
from service.product_fields import PRODUCT_FIELDS, find_field

MAX_DEPTH = 8
MAX_CONDITIONS = 500
_COMBINATIONS = ("any", "all", "not")


@dataclass
class _Budget:
    """Conditions that one request may still have."""

    conditions: int = MAX_CONDITIONS

    def take(self, path: str) -> None:
        if self.conditions == 0:
            raise InvalidFilter(
                f"{path}: a filter has at most {MAX_CONDITIONS} conditions", field=path
            )
        self.conditions -= 1


def compile_filter(raw: Mapping[str, Any]) -> list[Clause]:
    """Return the clauses that must all match; an empty filter gives none.

    Keys are field names, all of which must match, and `any`, `all` (lists of filters)
    and `not` (a filter). Raises InvalidFilter that names the path and the value.
    """
    return _compile(raw, path="filter", depth=1, budget=_Budget())


def _compile(raw: object, *, path: str, depth: int, budget: _Budget) -> list[Clause]:
    if not isinstance(raw, Mapping):
        raise InvalidFilter(f"{path}: should be an object, got {shorten(raw)}", field=path)
    if depth > MAX_DEPTH:
        raise InvalidFilter(f"{path}: filters nest at most {MAX_DEPTH} deep", field=path)
    clauses: list[Clause] = []
    for name, value in raw.items():
        here = f"{path}.{name}"
        if not isinstance(name, str):
            raise InvalidFilter(f"{here}: names should be text", field=path)
        budget.take(here)
        if name not in _COMBINATIONS:
            clauses.append(_condition(name, value, here))
        elif name == "not":
            inner = _compile(value, path=here, depth=depth + 1, budget=budget)
            if inner:
                clauses.append({"bool": {"must_not": _all_of(inner)}})
        else:
            clauses += _combination(name, value, path=here, depth=depth, budget=budget)
    return clauses


def _combination(
    name: str, value: object, *, path: str, depth: int, budget: _Budget
) -> list[Clause]:
    if not isinstance(value, list) or not value:
        raise InvalidFilter(
            f"{path}: should be a list of at least one filter, got {shorten(value)}", field=path
        )
    parts = [
        _all_of(_compile(part, path=f"{path}.{place}", depth=depth + 1, budget=budget))
        for place, part in enumerate(value)
    ]
    if name == "all":
        return parts
    return [{"bool": {"should": parts, "minimum_should_match": 1}}]


def _all_of(clauses: list[Clause]) -> Clause:
    if len(clauses) == 1:
        return clauses[0]
    return {"bool": {"filter": clauses}} if clauses else {"match_all": {}}


def _condition(name: str, value: object, path: str) -> Clause:
    field = find_field(name)
    if field is None:
        raise InvalidFilter(
            f"{path}: there is no such field to filter by; there are "
            f"{', '.join(sorted(PRODUCT_FIELDS))} and attributes.<name>",
            field=path,
        )
    for filter_type in FILTER_TYPES:
        if filter_type.accepts(value):
            return filter_type.parse(field, value).to_clause()
    raise InvalidFilter(
        f"{path}: should be a value, a list of values, a range or {{'exists': true}}, "
        f"got {shorten(value)}",
        field=path,
    )
