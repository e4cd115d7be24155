"""The weighted sum, learned: bounded departures from a start that needs no training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

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

        def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            value = 0.0
            slope = np.zeros_like(weights)
            for one in data:
                scores = sharpness * (one.features @ weights)
                scores -= scores.max()
                mass = np.exp(scores) * one.mass
                whole = mass.sum()
                value += float(np.log(whole) - one.target @ scores)
                slope += sharpness * (one.features.T @ (mass / whole - one.target))
            apart = weights - start.weights
            value = value / len(data) + strength * float(apart @ apart)
            return value, slope / len(data) + 2 * strength * apart

        found = minimize(loss, start.weights, jac=True, method="L-BFGS-B", bounds=bounds(scale))
        weights = np.where(np.abs(found.x) < _FORGOTTEN, 0.0, found.x)
        return LinearModel(scale, weights)


def bounds(scale: CalibratedFeatures) -> list[tuple[float, float]]:
    """Return the least and greatest weight of every feature."""
    return [
        (_LEAST_SIGNED, -_LEAST_SIGNED) if FEATURES[name].may_be_negative else (0.0, _MOST_WEIGHT)
        for name in scale.names
    ]
