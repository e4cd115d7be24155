"""Means over queries; of measures, the part that the running service needs too."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mappings.errors import InvalidQuery
from service.intervals import interval


@dataclass(frozen=True)
class Mean:
    """A mean over queries with its 95 % interval, from resampling the queries."""

    value: float
    low: float
    high: float


def mean(values: Mapping[str, float]) -> Mean:
    """Return the mean over queries and its 95 % bootstrap interval, always the same one.

    Raises InvalidQuery when there is no query to average over.
    """
    if not values:
        raise InvalidQuery(
            "judgements: no query has a relevant product, so nothing can be measured",
            field="judgements",
        )
    return Mean(*interval(np.asarray([values[query] for query in sorted(values)])))


def ndcg(grades: Mapping[str, int], ids: Sequence[str], *, cutoff: int = 10) -> float | None:
    """Return NDCG of one ranked list, 0 to 1; None where no product is relevant.

    Sum over rank r of (2^grade - 1) / log2(1 + r), over the same of the best possible order.
    Järvelin and Kekäläinen 2002, with the gain of Burges et al. 2005. A product without a grade
    gains nothing. The same as `ndcg` of the measures, which need the extra `evaluate`.
    """
    ideal = _dcg(sorted(grades.values(), reverse=True)[:cutoff])
    if not ideal:
        return None
    return _dcg([grades.get(product_id, 0) for product_id in ids[:cutoff]]) / ideal


def _dcg(grades: Sequence[int]) -> float:
    return math.fsum((2**grade - 1) / math.log2(1 + rank) for rank, grade in enumerate(grades, 1))
