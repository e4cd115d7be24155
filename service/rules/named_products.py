"""Whether the products that rules name are in the index."""

from __future__ import annotations

from collections.abc import Iterable

from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors

MAX_CHECKED = 10_000
"""Ids that are looked up; of more the first ones are."""
_AT_ONCE = 1_000


def missing_products(client: Elasticsearch, index: str, product_ids: Iterable[str]) -> list[str]:
    """Return those ids that no document of the index has, each once, in their order.

    Raises ClusterUnavailable or ClusterOverloaded when the cluster does not serve.
    """
    asked = list(dict.fromkeys(product_ids))[:MAX_CHECKED]
    found: set[str] = set()
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        with cluster_errors(index=index):
            answer = client.search(
                index=index,
                query={"ids": {"values": some}},
                size=len(some),
                source=False,
                track_total_hits=False,
            )
        found.update(hit["_id"] for hit in answer["hits"]["hits"])
    return [one for one in asked if one not in found]
