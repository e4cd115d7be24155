"""Click and purchase rate by position, from events alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors
from service.events.event_index import PATTERN
from service.insight.rows import PositionRow
from service.insight.time_range import TimeRange
from service.weights.proportions import proportion

MAX_POSITION = 200
EXACT_TO = 3_000
"""Searches that are counted exactly at a position; of more Elasticsearch estimates within 6 %."""

MOST_PURCHASES = 10_000
_AT_ONCE = 500
"""Searches whose clicks are asked for in one request."""

_ORDINAL = "event_attributes.position.ordinal"
_PRODUCT = "event_attributes.object.object_id"


def read_positions(
    client: Elasticsearch, index: str, span: TimeRange, *, limit: int
) -> tuple[list[PositionRow], bool]:
    """Return the positions that were shown, from 1 to limit; whether all purchases were read.

    A search counts once at a position, however often a product there was clicked. A purchase
    counts at the position that it names, else at that of the click on the same product.
    Raises a TemporaryError without the cluster.
    """
    shown, clicked = _count(client, index, span, limit)
    purchases, is_all = _purchases(client, index, span)
    bought = _bought(client, index, purchases)
    rows = [
        position_row(place, shown[place], clicked.get(place, 0), bought.get(place, 0))
        for place in sorted(shown)
    ]
    return rows, is_all


def position_row(position: int, shown: int, clicked: int, purchased: int) -> PositionRow:
    """Return what the table shows of a position.

    Of events that got lost on their way a click may be there without its impression: never more
    than were shown are counted.
    """
    clicks = proportion(min(clicked, shown), shown)
    purchases = proportion(min(purchased, shown), shown)
    return PositionRow(
        position=position,
        shown=shown,
        clicked=clicks.successes,
        click_rate=round(clicks.value, 4),
        click_low=round(clicks.low, 4),
        click_high=round(clicks.high, 4),
        purchased=purchases.successes,
        purchase_rate=round(purchases.value, 4),
        purchase_low=round(purchases.low, 4),
        purchase_high=round(purchases.high, 4),
    )


def _search(client: Elasticsearch, clauses: list[Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    with cluster_errors(index=PATTERN):
        answer = client.search(
            index=PATTERN,
            allow_no_indices=True,
            query={"bool": {"filter": clauses}},
            track_total_hits=False,
            **more,
        )
    return dict(answer.body)


def _count(
    client: Elasticsearch, index: str, span: TimeRange, limit: int
) -> tuple[dict[int, int], dict[int, int]]:
    searches = {"cardinality": {"field": "query_id", "precision_threshold": EXACT_TO}}
    answer = _search(
        client,
        [
            {"term": {"index": index}},
            {"terms": {"action_name": ["impression", "click"]}},
            {"range": {_ORDINAL: {"gte": 1, "lte": limit}}},
            span.clause("timestamp"),
        ],
        size=0,
        aggregations={
            "actions": {
                "terms": {"field": "action_name", "size": 2},
                "aggs": {
                    "places": {
                        "terms": {
                            "field": _ORDINAL,
                            "include": list(range(1, limit + 1)),
                            "size": limit,
                        },
                        "aggs": {"searches": searches},
                    }
                },
            }
        },
    )
    counts: dict[str, dict[int, int]] = {"impression": {}, "click": {}}
    for action in answer.get("aggregations", {}).get("actions", {}).get("buckets", []):
        for place in action["places"]["buckets"]:
            counts[action["key"]][int(place["key"])] = int(place["searches"]["value"])
    return counts["impression"], counts["click"]


def _purchases(
    client: Elasticsearch, index: str, span: TimeRange
) -> tuple[list[dict[str, Any]], bool]:
    """Return the newest purchases as query_id, product and position (or None)."""
    answer = _search(
        client,
        [
            {"term": {"index": index}},
            {"term": {"action_name": "purchase"}},
            span.clause("timestamp"),
        ],
        size=MOST_PURCHASES,
        sort=[{"timestamp": "desc"}],
        source=["query_id", _PRODUCT, _ORDINAL],
    )
    found = [_facts(hit["_source"]) for hit in answer["hits"]["hits"]]
    return found, len(found) < MOST_PURCHASES


def _facts(source: Mapping[str, Any]) -> dict[str, Any]:
    attributes = source.get("event_attributes", {})
    return {
        "id": source["query_id"],
        "product": attributes.get("object", {}).get("object_id"),
        "place": attributes.get("position", {}).get("ordinal"),
    }


def _bought(
    client: Elasticsearch, index: str, purchases: Sequence[Mapping[str, Any]]
) -> dict[int, int]:
    """Return position to the searches that led to a purchase there."""
    known = {(one["id"], one["place"]) for one in purchases if one["place"]}
    open_ones = {(one["id"], one["product"]) for one in purchases if not one["place"]}
    ids = sorted({search for search, _ in open_ones})
    for start in range(0, len(ids), _AT_ONCE):
        # Of any time: the click came before the purchase, perhaps before the span.
        answer = _search(
            client,
            [
                {"term": {"index": index}},
                {"term": {"action_name": "click"}},
                {"terms": {"query_id": ids[start : start + _AT_ONCE]}},
            ],
            size=MOST_PURCHASES,
            source=["query_id", _PRODUCT, _ORDINAL],
        )
        clicks = [_facts(hit["_source"]) for hit in answer["hits"]["hits"]]
        known |= {
            (one["id"], one["place"]) for one in clicks if (one["id"], one["product"]) in open_ones
        }
    counts: dict[int, int] = {}
    for _, place in known:
        counts[place] = counts.get(place, 0) + 1
    return counts
