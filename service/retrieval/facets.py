"""Facets as aggregations over exactly the products that `total` counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappings.errors import InvalidQuery
from service.product_fields import PRODUCT_FIELDS, find_field
from service.search_request import RangeFacet
from service.search_results import FacetCount, Facets, RangeCount, Total

GROUPS = "__groups"
# Below this many groups Elasticsearch's cardinality is counted one by one; above, to 1 %.
PRECISION_THRESHOLD = 40_000


def aggregations(
    facets: Mapping[str, int | RangeFacet], *, collapse: str | None
) -> dict[str, Any]:
    """Return the `aggs` of a request.

    With `collapse` products are counted by group, so that two variants are one.
    Raises InvalidQuery for a field that cannot be counted that way.
    """
    groups = (
        {GROUPS: {"cardinality": {"field": collapse, "precision_threshold": PRECISION_THRESHOLD}}}
        if collapse
        else {}
    )
    aggs: dict[str, Any] = dict(groups)
    for name, wanted in facets.items():
        aggs[f"facet:{name}"] = _aggregation(name, wanted, grouped=bool(groups)) | (
            {"aggs": groups} if groups else {}
        )
    return aggs


def _aggregation(name: str, wanted: int | RangeFacet, *, grouped: bool) -> dict[str, Any]:
    field = find_field(name)
    if field is None:
        raise InvalidQuery(
            f"facets.{name}: there is no such field; there are "
            f"{', '.join(sorted(PRODUCT_FIELDS))} and attributes.<name>",
            field=f"facets.{name}",
        )
    if isinstance(wanted, RangeFacet):
        if field.kind != "number":
            raise InvalidQuery(
                f"facets.{name}: only numbers have ranges, use a number of values",
                field=f"facets.{name}",
            )
        edges = (None, *wanted.ranges, None)
        ranges = [
            {key: edge for key, edge in (("from", low), ("to", high)) if edge is not None}
            for low, high in zip(edges, edges[1:], strict=False)
        ]
        return {"range": {"field": field.exact, "ranges": ranges}}
    if field.kind in ("number", "date"):
        raise InvalidQuery(
            f'facets.{name}: numbers are counted by ranges, use {{"ranges": [25, 50]}}',
            field=f"facets.{name}",
        )
    order = (
        [{GROUPS: "desc"}, {"_key": "asc"}] if grouped else [{"_count": "desc"}, {"_key": "asc"}]
    )
    return {"terms": {"field": field.exact, "size": wanted, "order": order}}


def read_facets(answer: Mapping[str, Any]) -> Facets:
    """Return the counts in Elasticsearch's answer, by facet name."""
    found: dict[str, list[FacetCount | RangeCount]] = {}
    for key, aggregation in answer.get("aggregations", {}).items():
        if not key.startswith("facet:"):
            continue
        found[key.removeprefix("facet:")] = [
            FacetCount(str(bucket["key"]), _count(bucket))
            if not ("from" in bucket or "to" in bucket)
            else RangeCount(bucket.get("from"), bucket.get("to"), _count(bucket))
            for bucket in aggregation["buckets"]
        ]
    return found


def read_total(answer: Mapping[str, Any]) -> Total:
    """Return the number of products, or of groups when they are collapsed."""
    groups = answer.get("aggregations", {}).get(GROUPS)
    if groups is not None:
        return Total(groups["value"])
    total = answer["hits"]["total"]
    return Total(total["value"], total["relation"])


def _count(bucket: Mapping[str, Any]) -> int:
    count: int = bucket[GROUPS]["value"] if GROUPS in bucket else bucket["doc_count"]
    return count
