"""Measures of a run against judgements, query by query, by ir-measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ir_measures
import numpy as np
from ir_measures import RR, R, nDCG

from service.evaluation.judgements import (
    MAX_GRADE,
    RELEVANT_GRADE,
    Judgements,
    answerable,
)

RankedIds = Mapping[str, Sequence[str]]
"""Query to product ids, best first."""

GAINS = {grade: 2**grade - 1 for grade in range(MAX_GRADE + 1)}
_NDCG = nDCG(gains=GAINS) @ 10
_RECALL = R(rel=RELEVANT_GRADE) @ 100
_RECIPROCAL_RANK = RR(rel=RELEVANT_GRADE) @ 10
NAMES = {_NDCG: "ndcg@10", _RECALL: "recall@100", _RECIPROCAL_RANK: "mrr@10"}
JUDGED_NDCG = "ndcg@10_judged_only"

_RESAMPLES = 2_000
_SEED = 20_261_121


@dataclass(frozen=True)
class Mean:
    """A mean over queries with its 95 % interval, from resampling the queries."""

    value: float
    low: float
    high: float


def per_query(judgements: Judgements, ranked: RankedIds) -> dict[str, dict[str, float]]:
    """Return measure to query to value, 0 to 1.

    ndcg@10 has the gain 2^grade - 1; grade 1 and over counts as relevant for recall@100
    and mrr@10. A query without hits counts 0. One without any relevant product says
    nothing of a ranking, since every order of it scores 0, and is left out.
    """
    judgements = answerable(judgements)
    run = {
        query: {product_id: float(-place) for place, product_id in enumerate(ids)}
        for query, ids in ranked.items()
    }
    values = {name: dict.fromkeys(judgements, 0.0) for name in NAMES.values()}
    qrels = {query: dict(grades) for query, grades in judgements.items()}
    for metric in ir_measures.iter_calc(list(NAMES), qrels, run):
        values[NAMES[metric.measure]][metric.query_id] = metric.value
    return values


def ndcg_per_query(judgements: Judgements, ranked: RankedIds) -> dict[str, float]:
    """Return query to ndcg@10."""
    return per_query(judgements, ranked)[NAMES[_NDCG]]


def mean(values: Mapping[str, float]) -> Mean:
    """Return the mean over queries and its 95 % bootstrap interval, always the same one."""
    numbers = np.asarray([values[query] for query in sorted(values)])
    draws = np.random.default_rng(_SEED).integers(0, len(numbers), (_RESAMPLES, len(numbers)))
    low, high = np.quantile(numbers[draws].mean(axis=1), (0.025, 0.975))
    return Mean(float(numbers.mean()), float(low), float(high))
