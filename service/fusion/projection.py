"""The weighted sum and, added to it, a small learned projection of all features.

score = w z + bound * (v tanh(P z + b) - v tanh(b)) / |v|_1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.fusion.linear import CalibratedFeatures, LinearModel, finite
from service.search_results import FeatureMatrix, FusedScores, Scores

MOST_BOUND = 100.0
_STILL = 1e-6
"""A hidden unit that the features move by less has the slope of its start."""


@dataclass(frozen=True)
class ProjectionModel:
    """See above. projection: P [p, f], bias: b [p], output: v [p], bound: 0 to MOST_BOUND."""

    base: LinearModel
    projection: Scores
    bias: Scores
    output: Scores
    bound: float

    fusion = "projection"

    @property
    def scale(self) -> CalibratedFeatures:
        """Return the features that it sees."""
        return self.base.scale

    @property
    def features(self) -> tuple[str, ...]:
        """Return the features that count: all of them go into the projection."""
        return self.scale.names

    def weights_for(self, query: Scores) -> Scores:
        """Return the weights of the linear part, float64 [f]."""
        return self.base.weights

    def fuse(self, matrix: FeatureMatrix) -> FusedScores:
        """Return totals and contributions by feature, float64 [n] and [n, f].

        What the projection adds is divided among the features by Aumann-Shapley values: the
        gradient's mean along the straight way from no feature at all (Sundararajan, Taly, Yan:
        Axiomatic Attribution for Deep Networks, 2017). Along that way each hidden unit depends on
        one number, so the mean has a closed form, (tanh(Pz + b) - tanh(b)) / Pz by unit, and the
        shares add up to what is added.
        """
        features = self.scale.apply(matrix)
        moved = features @ self.projection.T  # [n, p]
        still = np.abs(moved) < _STILL
        slope = np.where(
            still,
            1.0 - np.tanh(self.bias) ** 2,
            (np.tanh(moved + self.bias) - np.tanh(self.bias)) / np.where(still, 1.0, moved),
        )
        gradient = (slope * self._output) @ self.projection  # [n, f]
        contributions = features * (self.base.weights + gradient)
        return FusedScores(contributions.sum(axis=1), contributions)

    @property
    def _output(self) -> Scores:
        scaled: Scores = self.bound * self.output / max(float(np.abs(self.output).sum()), 1e-12)
        return scaled

    def to_json(self) -> dict[str, Any]:
        """Return the `model` of a weights document."""
        return {
            **self.base.to_json(),
            "projection": self.projection.tolist(),
            "bias": self.bias.tolist(),
            "output": self.output.tolist(),
            "bound": self.bound,
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> ProjectionModel:
        """Read it back. Raises KeyError, TypeError or ValueError for a broken one."""
        base = LinearModel.from_json(raw)
        bias = finite(raw["bias"])
        (size,) = bias.shape
        projection = finite(raw["projection"], (size, len(base.weights)))
        if not 0 <= raw["bound"] <= MOST_BOUND:
            raise ValueError(f"bound should be 0 to {MOST_BOUND}, got {raw['bound']}")
        output = finite(raw["output"], (size,))
        return cls(base, projection, bias, output, float(raw["bound"]))
