"""How far the index was behind, from a sample of the queue each minute."""

from __future__ import annotations

from datetime import UTC, datetime

from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors
from mappings.product_changes import LANES
from service.insight.log_store import HIDDEN, PATTERN
from service.insight.rows import LagRow
from service.insight.time_range import TimeRange

_FIELDS = ("oldest_seconds", "changes", "waiting", "dead_letters")


def read_lag(client: Elasticsearch, span: TimeRange) -> list[LagRow]:
    """Return the greatest sample of each lane by step; steps without one are left out.

    The queue is one for all indexes. Raises a TemporaryError without the cluster.
    """
    with cluster_errors(index=PATTERN):
        answer = client.search(
            index=PATTERN,
            expand_wildcards=HIDDEN,
            allow_no_indices=True,
            size=0,
            query={"bool": {"filter": [{"term": {"kind": "queue"}}, span.clause("at")]}},
            aggregations={
                "steps": {
                    "date_histogram": {**span.histogram("at"), "min_doc_count": 1},
                    "aggs": {
                        "lanes": {
                            "terms": {"field": "lane", "size": len(LANES)},
                            "aggs": {name: {"max": {"field": name}} for name in _FIELDS},
                        }
                    },
                }
            },
        )
    steps = answer.body.get("aggregations", {}).get("steps", {}).get("buckets", [])
    return [
        LagRow(
            at=datetime.fromtimestamp(step["key"] / 1e3, UTC),
            lane=lane["key"],
            oldest_seconds=round(lane["oldest_seconds"]["value"], 1),
            changes=round(lane["changes"]["value"]),
            waiting=round(lane["waiting"]["value"]),
            dead_letters=round(lane["dead_letters"]["value"]),
        )
        for step in steps
        for lane in sorted(step["lanes"]["buckets"], key=lambda one: str(one["key"]))
    ]
