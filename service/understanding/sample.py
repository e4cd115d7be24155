"""A sample of an index's products, read page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors

MAX_PRODUCTS = 50_000
"""About this many of a larger index are drawn at random; a smaller one is read as a whole."""

PAGE_PRODUCTS = 500
TIMEOUT_SECONDS = 60.0
"""For a page: nobody waits for it, and the searches' own timeout may be short."""

_SEED = 20
_FIELDS = ("title", "description", "brand", "categories", "attributes")
# What stands for a deleted product says nothing of the catalogue.
_LIVING: dict[str, Any] = {"bool": {"must_not": [{"exists": {"field": "deleted_at"}}]}}


@dataclass(frozen=True)
class Sample:
    """Products to be read once. complete: whether they are all of the index."""

    products: Iterator[Mapping[str, Any]]
    complete: bool


def draw_sample(client: Elasticsearch, index: str, *, size: int = MAX_PRODUCTS) -> Sample:
    """Return all products of an index, or about `size` of them drawn uniformly at random.

    The draw depends on the index's content alone. Raises UnknownIndex when there is no such
    index and a TemporaryError when the cluster cannot answer, also while products are read.
    """
    patient = client.options(request_timeout=TIMEOUT_SECONDS)
    with cluster_errors(index=index):
        total = int(patient.count(index=index, query=_LIVING)["count"])
    return Sample(_read(patient, index, size / total if total > size else None), total <= size)


def _read(client: Elasticsearch, index: str, share: float | None) -> Iterator[Mapping[str, Any]]:
    body: dict[str, Any] = {
        "query": _LIVING if share is None else _random(),
        "size": PAGE_PRODUCTS,
        "sort": [{"product_id": "asc"}],
        "source": list(_FIELDS),
        "track_total_hits": False,
    }
    if share is not None:
        body["min_score"] = 1.0 - share
    after: list[Any] | None = None
    while True:
        with cluster_errors(index=index):
            answer = client.search(index=index, search_after=after, **body)
        hits = answer["hits"]["hits"]
        for hit in hits:
            yield hit["_source"]
        if len(hits) < PAGE_PRODUCTS:
            return
        after = hits[-1]["sort"]


def _random() -> dict[str, Any]:
    """Return a query whose scores are uniform between 0 and 1, the same for every page."""
    return {
        "function_score": {
            "query": _LIVING,
            "random_score": {"seed": _SEED, "field": "_seq_no"},
            "boost_mode": "replace",
        }
    }
