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

_STEPS = 16


@dataclass(frozen=True)
class ProjectionModel:
    """See above. projection: P [p, f], bias: b [p], output: v [p], bound: 0 and up."""

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
        Axiomatic Attribution for Deep Networks, 2017), scaled so that they add up exactly.
        """
        features = self.scale.apply(matrix)
        added = self._added(features)
        shares = features * self._mean_gradient(features)
        whole = shares.sum(axis=1)
        near = np.abs(whole) > 1e-12
        factor = np.divide(added, whole, out=np.zeros_like(added), where=near)
        contributions = features * self.base.weights + shares * factor[:, None]
        contributions[~near, 0] += added[~near]
        return FusedScores(contributions.sum(axis=1), contributions)

    @property
    def _output(self) -> Scores:
        scaled: Scores = self.bound * self.output / max(float(np.abs(self.output).sum()), 1e-12)
        return scaled

    def _added(self, features: Scores) -> Scores:
        hidden = np.tanh(features @ self.projection.T + self.bias)  # [n, p]
        added: Scores = (hidden - np.tanh(self.bias)) @ self._output
        return added

    def _mean_gradient(self, features: Scores) -> Scores:
        whole = features @ self.projection.T  # [n, p]
        slope = np.zeros(whole.shape)
        for step in range(_STEPS):
            slope += 1.0 - np.tanh(whole * ((step + 0.5) / _STEPS) + self.bias) ** 2
        gradient: Scores = (slope / _STEPS * self._output) @ self.projection
        return gradient

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
        if not 0 <= raw["bound"] < 100:
            raise ValueError(f"bound should be 0 to 100, got {raw['bound']}")
        output = finite(raw["output"], (size,))
        return cls(base, projection, bias, output, float(raw["bound"]))
