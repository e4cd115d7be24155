"""The queries that were asked most, by the events that the shop's pages send."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors
from service.events.event_index import PATTERN


def frequent_queries(
    client: Elasticsearch, index: str, *, days: int, most: int
) -> dict[str, float]:
    """Return query to how often it was asked, the most frequent first; nothing without events.

    Searches and impressions count alike, so that it does not matter which of them a shop sends.
    Raises a TemporaryError.
    """
    since = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    with cluster_errors(index=PATTERN):
        answer = client.search(
            index=PATTERN,
            ignore_unavailable=True,
            allow_no_indices=True,
            size=0,
            query={
                "bool": {
                    "filter": [
                        {"term": {"index": index}},
                        {"terms": {"action_name": ["search", "impression"]}},
                        {"range": {"timestamp": {"gte": since}}},
                    ]
                }
            },
            aggregations={"queries": {"terms": {"field": "user_query", "size": most}}},
        )
    buckets = answer.get("aggregations", {}).get("queries", {}).get("buckets", [])
    found = {bucket["key"].strip(): float(bucket["doc_count"]) for bucket in buckets}
    return {query: count for query, count in found.items() if query}
