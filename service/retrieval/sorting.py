"""Sorting by fields instead of by relevance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mappings.errors import InvalidQuery
from service.product_fields import PRODUCT_FIELDS, find_field
from service.retrieval.candidates import BROWSING, BY_SCORE


def sort_clauses(
    wanted: Sequence[Mapping[str, str]], *, scored: bool, moved: bool = False
) -> Sequence[Mapping[str, Any]]:
    """Return Elasticsearch's `sort`; the product id comes last, so that no two are equal.

    wanted: field to `asc` or `desc`; empty sorts by score, or by popularity when nothing
    is scored. Products without a value come last in both directions. moved: whether rules move
    products, whose strengths are then the only scores that there are and come first.
    Raises InvalidQuery for a field without an order.
    """
    if not wanted:
        if scored:
            return BY_SCORE
        return ({"_score": "desc"}, *BROWSING) if moved else BROWSING
    clauses: list[Mapping[str, Any]] = []
    for place, part in enumerate(wanted):
        for name, order in part.items():
            field = find_field(name)
            if field is None or not field.sortable:
                sortable = sorted(name for name, known in PRODUCT_FIELDS.items() if known.sortable)
                raise InvalidQuery(
                    f"sort.{place}.{name}: cannot be sorted by; there are {', '.join(sortable)}",
                    field=f"sort.{place}.{name}",
                )
            missing = {} if name == "id" else {"missing": "_last"}
            clauses.append({field.exact: {"order": order, **missing}})
    return (*clauses, {"product_id": "asc"})
