"""Whether the next version holds and finds what the live one does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from indexer.bulk_writer import BulkWriter, StoredDocument
from indexer.change_plan import read_state
from indexer.product_state import is_same
from mappings.cluster import cluster_errors
from mappings.index_lifecycle import LiveIndex
from mappings.product import TEXT_VECTOR

SAMPLE_DOCUMENTS = 200
SAMPLE_SEARCHES = 25
LEAST_FOUND = 0.9
"""Share of sampled products that must be found by their own title, and by their own vector."""

PATIENCE_SECONDS = 60.0
_WAIT_SECONDS = 1.0
_ALIVE = {"bool": {"must_not": [{"exists": {"field": "deleted_at"}}]}}
_TOP = 10
_AS_NEAR = 0.99  # Elasticsearch's score of a cosine of 0.98: vectors are quantized


@dataclass(frozen=True)
class Verification:
    """What was compared. problems: in words, empty when all is well.

    products: in source and target. documents: compared and different. found_by_title,
    found_by_vector: shares of sampled products among the first 10 of the target; NaN without any.
    """

    products: tuple[int, int]
    documents: tuple[int, int]
    problems: tuple[str, ...]
    found_by_title: float = math.nan
    found_by_vector: float = math.nan

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "products": {"source": self.products[0], "target": self.products[1]},
            "documents": {"compared": self.documents[0], "different": self.documents[1]},
            "found_by_title": _number(self.found_by_title),
            "found_by_vector": _number(self.found_by_vector),
            "problems": list(self.problems),
        }


def verify(
    client: Elasticsearch,
    source: LiveIndex,
    target: LiveIndex,
    *,
    same_products: bool,
    in_flight: Callable[[], int],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Verification:
    """Compare counts, a sample of documents and a sample of searches.

    same_products: False when the target comes from a feed or its fields were remapped; then
        only the searches are held against it.
    in_flight: number of changes under way, by which the counts may differ.
    What does not agree is compared again for a while, since writes go on. Raises TemporaryError.
    """
    deadline = clock() + PATIENCE_SECONDS
    while True:
        found = _compare(client, source, target, same_products, in_flight)
        found = _search(client, target, found)
        if not found.problems or clock() > deadline:
            return found
        sleep(_WAIT_SECONDS)


def _search(client: Elasticsearch, target: LiveIndex, found: Verification) -> Verification:
    with cluster_errors(index=target.name):
        client.indices.refresh(index=target.index)
    by_title, by_vector = _found(client, target)
    problems = [
        f"only {share:.0%} of sampled products are found by their {what}"
        for what, share in (("title", by_title), ("vector", by_vector))
        if share < LEAST_FOUND
    ]
    return replace(
        found,
        found_by_title=by_title,
        found_by_vector=by_vector,
        problems=(*found.problems, *problems),
    )


def _compare(
    client: Elasticsearch,
    source: LiveIndex,
    target: LiveIndex,
    same_products: bool,
    in_flight: Callable[[], int],
) -> Verification:
    with cluster_errors(index=source.name):
        client.indices.refresh(index=[source.index, target.index])
        under_way = in_flight()
        products = (_count(client, source.index), _count(client, target.index))
    if not same_products:
        problems = ["there are no products"] if products[0] and not products[1] else []
        return Verification(products, (0, 0), tuple(problems))
    problems = []
    if abs(products[0] - products[1]) > under_way:
        problems.append(f"{products[0]:,} products in {source.index}, {products[1]:,} here")
    sample = _sample(client, source.index, SAMPLE_DOCUMENTS)
    different = _different(client, source, target, sample)
    if different:
        problems.append(f"{len(different)} of {len(sample)} documents differ: {different[:3]}")
    return Verification(products, (len(sample), len(different)), tuple(problems))


def _count(client: Elasticsearch, index: str) -> int:
    return int(client.count(index=index, query=_ALIVE)["count"])


def _sample(client: Elasticsearch, index: str, size: int) -> list[str]:
    return [hit["_id"] for hit in _random_hits(client, index, size, source=False)]


def _random_hits(
    client: Elasticsearch, index: str, size: int, *, source: object
) -> list[dict[str, Any]]:
    query = {"function_score": {"query": _ALIVE, "random_score": {}, "boost_mode": "replace"}}
    with cluster_errors(index=index):
        answer = client.search(index=index, query=query, size=size, source=source)  # type: ignore[arg-type]
    hits: list[dict[str, Any]] = answer["hits"]["hits"]
    return hits


def _different(
    client: Elasticsearch, source: LiveIndex, target: LiveIndex, product_ids: Sequence[str]
) -> list[str]:
    writer = BulkWriter(client)
    ours, theirs = (writer.read(one.index, product_ids) for one in (source, target))
    return [
        name
        for name in product_ids
        if name in ours and (name not in theirs or _differs(ours[name], theirs[name]))
    ]


def _differs(one: StoredDocument, other: StoredDocument) -> bool:
    # An arrival that changes nothing is written only while older changes may still come, so
    # that one version may have it and the other not.
    state, copied = read_state(one), read_state(other)
    return not is_same(state, copied) or state.versions != copied.versions


def _found(client: Elasticsearch, target: LiveIndex) -> tuple[float, float]:
    """Return how often a sampled product is among the first 10 for its title and its vector."""
    hits = _random_hits(client, target.index, SAMPLE_SEARCHES, source=["title"])
    names = [hit["_id"] for hit in hits]
    by_title = [
        _is_found(client, target.index, hit["_id"], query=_title_query(hit["_source"]["title"]))
        for hit in hits
    ]
    documents = BulkWriter(client).read_vectors(target.index, names)
    by_vector = [
        _is_found(client, target.index, name, knn=_knn(document.vectors[TEXT_VECTOR].tolist()))
        for name, document in documents.items()
        if TEXT_VECTOR in document.vectors
    ]
    return _share(by_title), _share(by_vector)


def _title_query(title: str) -> dict[str, Any]:
    return {"match": {"title": {"query": " ".join(title.split()[:64])}}}


def _knn(vector: list[float]) -> dict[str, Any]:
    return {"field": TEXT_VECTOR, "query_vector": vector, "k": _TOP, "num_candidates": 100}


def _is_found(client: Elasticsearch, index: str, product_id: str, **search: Any) -> bool:  # noqa: ANN401
    """Return whether a product is among the first, or all of those are as good."""
    with cluster_errors(index=index):
        hits = client.search(index=index, size=_TOP, source=False, **search)["hits"]["hits"]
        if any(hit["_id"] == product_id for hit in hits):
            return True
        if len(hits) < _TOP:
            return False
        if "knn" in search:
            return bool(hits[-1]["_score"] >= _AS_NEAR)
        own = client.explain(index=index, id=product_id, query=search["query"])
    score = own["explanation"]["value"] if own["matched"] else 0.0
    return bool(score >= hits[-1]["_score"] * (1 - 1e-4))


def _share(found: Sequence[bool]) -> float:
    return float(np.mean(found)) if found else float("nan")


def _number(share: float) -> float | None:
    return None if np.isnan(share) else round(share, 3)
