"""The vector legs: approximate nearest neighbours under the request's own filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Clause = dict[str, Any]

DECIMALS = 6
"""Decimals of a component in a request: int8 vectors keep two, and longer text costs time."""


def knn_clause(
    field: str,
    vector: NDArray[np.float32],
    *,
    size: int,
    num_candidates: int,
    filters: Sequence[Clause],
    boost: float = 1.0,
    floor: float | None = None,
    is_named: bool = True,
) -> Clause:
    """Return the clause, by default named after the vector field.

    vector: float32 [dims]. size: neighbours from each shard. num_candidates: products
    that HNSW looks at for them. floor: least cosine of a neighbour, -1 to 1.
    """
    knn: Clause = {
        "field": field,
        "query_vector": as_json(vector),
        "k": size,
        "num_candidates": num_candidates,
        "boost": boost,
    }
    if is_named:
        knn["_name"] = field
    if filters:
        knn["filter"] = list(filters)
    if floor is not None:
        knn["similarity"] = floor
    return {"knn": knn}


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
