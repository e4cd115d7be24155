"""The weighted sum, learned: bounded departures from a start that needs no training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from service.fusion.linear import CalibratedFeatures, LinearModel
from service.learning.dataset import JudgedQuery
from service.learning.quality import gain
from service.ranking.features import FEATURES
from service.search_results import Scores

_MOST_WEIGHT = 2.0
_LEAST_SIGNED = -0.3
"""What a feature that is no relevance may take away at most, against a whole of about 1."""

_FORGOTTEN = 1e-3


@dataclass(frozen=True)
class Example:
    """One query as a loss sees it.

    features: float64 [n, f], calibrated. target: float64 [n], shares of the gain, add up to 1.
    mass: float64 [n], how much a candidate counts among those that should not be above:
        1 for a judged one, `unjudged` for the others.
    """

    features: Scores
    target: Scores
    mass: Scores
    query: Scores


def examples(
    queries: Sequence[JudgedQuery], scale: CalibratedFeatures, *, unjudged: float
) -> list[Example]:
    """Return what a listwise loss needs of the queries that have a right answer.

    Raises ValueError when none has.
    """
    found = []
    for query in queries:
        if not query.is_useful:
            continue
        gains = gain(query.grades) * query.confidence
        found.append(
            Example(
                features=scale.apply(query.matrix),
                target=gains / gains.sum(),
                mass=np.where(query.judged, query.confidence, unjudged),
                query=query.matrix.query,
            )
        )
    if not found:
        raise ValueError("no query has a right answer among its candidates")
    return found


class LinearTrainer:
    """Minimises a listwise cross-entropy (ListNet's top-one form: Cao et al., ICML 2007).

        loss = mean over queries of -sum target * log softmax(sharpness * score)
               + strength * |weights - start|^2

    by L-BFGS-B under bounds: no relevance feature is weighed below 0.
    """

    name = "weighted_sum"
    grid: Sequence[Mapping[str, float]] = tuple(
        {"strength": strength, "unjudged": unjudged, "sharpness": sharpness}
        for strength in (0.3, 1.0, 3.0)
        for unjudged in (0.1, 0.3)
        for sharpness in (10.0,)
    )

    def fit(
        self,
        queries: Sequence[JudgedQuery],
        start: LinearModel,
        settings: Mapping[str, float],
        *,
        seed: int,
    ) -> LinearModel:
        """Return the learned weights; `seed` plays no part."""
        scale = start.scale
        data = examples(queries, scale, unjudged=settings["unjudged"])
        sharpness, strength = settings["sharpness"], settings["strength"]
        # All candidates of all queries in one array, each query's from its first row on.
        features = np.concatenate([one.features for one in data])  # [rows, f]
        target = np.concatenate([one.target for one in data])
        mass = np.concatenate([one.mass for one in data])
        sizes = np.array([len(one.target) for one in data])
        first = np.concatenate([[0], np.cumsum(sizes)[:-1]])

        def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            scores = sharpness * (features @ weights)
            scores -= np.repeat(np.maximum.reduceat(scores, first), sizes)
            share = np.exp(scores) * mass
            whole = np.add.reduceat(share, first)
            apart = weights - start.weights
            value = (np.log(whole).sum() - target @ scores) / len(data) + strength * apart @ apart
            slope = sharpness / len(data) * ((share / np.repeat(whole, sizes) - target) @ features)
            return float(value), slope + 2 * strength * apart

        # Steps of microseconds: two threads of BLAS would only wait for each other.
        with threadpool_limits(1, user_api="blas"):
            found = minimize(
                loss, start.weights, jac=True, method="L-BFGS-B", bounds=bounds(scale)
            )
        weights = np.where(np.abs(found.x) < _FORGOTTEN, 0.0, found.x)
        return LinearModel(scale, weights)


def bounds(scale: CalibratedFeatures) -> list[tuple[float, float]]:
    """Return the least and greatest weight of every feature."""
    return [
        (_LEAST_SIGNED, -_LEAST_SIGNED) if FEATURES[name].may_be_negative else (0.0, _MOST_WEIGHT)
        for name in scale.names
    ]
