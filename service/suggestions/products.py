"""Products whose titles have the words that were typed, the last of them as a beginning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elasticsearch import Elasticsearch

from service.retrieval.elasticsearch_search import ask
from service.retrieval.photos import short_address

_SHOWN = ("title", "price", "currency", "images")
_TIMEOUT = "200ms"
"""An answer that comes later is of no use: the next letter has been typed."""


def find_products(
    client: Elasticsearch, index: str, typed: str, limit: int
) -> list[dict[str, Any]]:
    """Return products, one variant of each: {id, title, photo, price, currency}.

    What a product has not is left out. typed: folded, not empty.
    Raises a TemporaryError when the cluster cannot answer.
    """
    words = {"match_bool_prefix": {"title.words": {"query": typed, "operator": "and"}}}
    body = {
        "query": {"bool": {"must": [words]}},
        "size": limit,
        "_source": list(_SHOWN),
        "collapse": {"field": "parent_id"},
        # What sells most, among the many that begin alike.
        "sort": ["_score", {"popularity": {"order": "desc", "missing": "_last"}}, "product_id"],
        "track_total_hits": False,
        "timeout": _TIMEOUT,
    }
    answer = ask(client, index, body, preference=typed)
    return [_shown(hit) for hit in answer["hits"]["hits"]]


def _shown(hit: Mapping[str, Any]) -> dict[str, Any]:
    source = hit["_source"]
    images = source.get("images") or ()
    found = {
        "id": hit["_id"],
        "title": source.get("title", ""),
        "photo": short_address(images[0]) if images else None,
        "price": source.get("price"),
        "currency": source.get("currency"),
    }
    return {name: value for name, value in found.items() if value is not None}
