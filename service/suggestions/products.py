"""Products whose titles have the words that were typed, the last of them as a beginning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elasticsearch import Elasticsearch

from service.retrieval.elasticsearch_search import ask
from service.retrieval.photos import short_address

_SHOWN = ("title", "price", "currency", "images")
_VARIANTS = 4
"""Products that are read for each that is shown: of several variants one is. Collapsing them in
Elasticsearch would look at every product that begins so."""

_TIMEOUT = "200ms"
"""An answer that comes later is of no use: the next letter has been typed."""


def find_products(
    client: Elasticsearch,
    index: str,
    typed: str,
    limit: int,
    filters: Sequence[dict[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Return products, one variant of each: {id, title, photo, price, currency}.

    What a product has not is left out. typed: folded, not empty. filters: what products fulfil.
    Raises a TemporaryError when the cluster cannot answer.
    """
    words = {"match_bool_prefix": {"title.words": {"query": typed, "operator": "and"}}}
    body = {
        # A filter: all of them have all the words, so that a score would say little, and what
        # sells most is likelier meant. Elasticsearch then skips most of what begins alike.
        "query": {"bool": {"filter": [words, *filters]}},
        "size": limit * _VARIANTS,
        "_source": [*_SHOWN, "parent_id"],
        "sort": [{"popularity": {"order": "desc", "missing": "_last"}}, "product_id"],
        "track_total_hits": False,
        "timeout": _TIMEOUT,
    }
    answer = ask(client, index, body, preference=typed)
    first: dict[str, Mapping[str, Any]] = {}
    for hit in answer["hits"]["hits"]:
        first.setdefault(hit["_source"].get("parent_id", hit["_id"]), hit)
    return [_shown(hit) for hit in first.values()][:limit]


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
