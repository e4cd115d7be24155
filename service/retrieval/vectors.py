"""The vector legs: approximate nearest neighbours under the request's own filters.

A vector lies in the product's own document, or in one nested document for each photo. Of several
photos the nearest counts: `score_mode` max, and the filters bind the product, not its photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mappings.product import PHOTOS

Clause = dict[str, Any]

DECIMALS = 6
"""Decimals of a component in a request: int8 vectors keep two, and longer text costs time."""

MOST_PHOTOS = 32
"""Photos that a product has at most, as its record says."""

_MOST_CANDIDATES = 10_000
"""Elasticsearch's own limit of num_candidates."""


@dataclass(frozen=True)
class VectorLeg:
    """What a vector leg looks for.

    field: the dense_vector. vectors: float32 [n, dims], n from 1; a product has the best score
    that any of them gives. path: of the nested documents that the field is in, else empty.
    """

    field: str
    vectors: NDArray[np.float32]
    path: str = ""

    @property
    def is_of_photos(self) -> bool:
        """Whether it is a photo of ours that is found, so that it can be said which."""
        return self.path == PHOTOS


def leg_clause(
    name: str,
    leg: VectorLeg,
    *,
    size: int,
    num_candidates: int,
    filters: Sequence[Clause],
    boost: float = 1.0,
    floor: float | None = None,
    is_named: bool = True,
    tells_photo: bool = False,
) -> Clause:
    """Return the clause, by default named after the leg.

    size: neighbours from each shard. num_candidates: vectors that HNSW looks at for them.
    floor: least cosine of a neighbour, -1 to 1. tells_photo: whether each hit brings the nearest
    of its photos along, as `read_photos` reads it.
    """
    neighbours = _Neighbours(leg, size, num_candidates, filters, floor)
    marks: Clause = {"boost": boost, **({"_name": name} if is_named else {})}
    if len(leg.vectors) == 1 and not leg.path:
        return {"knn": neighbours.knn(0) | marks}
    queries = [
        neighbours.clause(place, _inner_hits(name, place) if tells_photo else None)
        for place in range(len(leg.vectors))
    ]
    if len(queries) == 1:
        (nested,) = queries
        return {"nested": nested["nested"] | marks}
    return {"dis_max": {"queries": queries, **marks}}


@dataclass(frozen=True)
class _Neighbours:
    leg: VectorLeg
    size: int
    num_candidates: int
    filters: Sequence[Clause]
    floor: float | None

    def knn(self, place: int) -> Clause:
        """Return the body of a knn query for one of the vectors."""
        knn: Clause = {
            "field": self.leg.field,
            "query_vector": as_json(self.leg.vectors[place]),
            "k": self.size,
            "num_candidates": self.num_candidates,
        }
        if self.filters:
            knn["filter"] = list(self.filters)
        if self.floor is not None:
            knn["similarity"] = self.floor
        return knn

    def clause(self, place: int, tells: Clause | None) -> Clause:
        """Return the query, nested where the vectors are."""
        knn: Clause = {"knn": self.knn(place)}
        if not self.leg.path:
            return knn
        nested: Clause = {"path": self.leg.path, "score_mode": "max", "query": knn}
        return {"nested": nested | ({"inner_hits": tells} if tells else {})}


def _inner_hits(name: str, place: int) -> Clause:
    """Return what a hit tells of the nearest of its photos."""
    return {
        "name": inner_hits_name(name, place),
        "size": 1,
        "_source": False,
        "docvalue_fields": [f"{PHOTOS}.position"],
    }


def inner_hits_name(name: str, place: int) -> str:
    """Return the name of what a leg's vector, the one at that place, tells of a hit's photos."""
    return f"{name}:{place}"


def candidates_for_all(leg: VectorLeg, products: int) -> int:
    """Return `num_candidates` with which every one of so many products gets its exact score."""
    most = MOST_PHOTOS if leg.path else 1
    return min(_MOST_CANDIDATES, products * most)


def as_json(vector: NDArray[np.float32]) -> list[float]:
    """Return the components as rounded Python floats."""
    rounded: list[float] = np.round(vector.astype(np.float64), DECIMALS).tolist()
    return rounded


def cosine_from_score(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cosines in Elasticsearch's kNN scores, which are (1 + cosine) / 2."""
    return 2.0 * scores - 1.0


def score_from_cosine(cosines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Elasticsearch's kNN score of cosines, of the same shape."""
    return (1.0 + cosines) / 2.0
