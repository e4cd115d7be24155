"""Weights that depend on the query: attention over the legs by a small network.

    h = tanh(W q + b);  gate = 1 + bound * tanh(V h);  score = sum of weight * gate[leg] * feature

With V = 0 it is the weighted sum that it starts from, and a gate never leaves 1 +- bound, so that
an unusual query is ranked by weights near the global ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.fusion.linear import CalibratedFeatures, LinearModel, finite, whole_numbers
from service.search_results import FeatureMatrix, FusedScores, Scores

MOST_BOUND = 0.9


@dataclass(frozen=True)
class GatedModel:
    """See above.

    base: the global weights. legs: of the gates. leg_of: int [f], each feature's leg.
    centre, spread: float64 [q], of the query features in training; spread above 0. hidden: W
    [h, q], bias: b [h], gate: V [legs, h]. bound: 0 to MOST_BOUND.
    """

    base: LinearModel
    legs: tuple[str, ...]
    leg_of: tuple[int, ...]
    centre: Scores
    spread: Scores
    hidden: Scores
    bias: Scores
    gate: Scores
    bound: float

    fusion = "gated"

    @property
    def scale(self) -> CalibratedFeatures:
        """Return the features that it sees."""
        return self.base.scale

    @property
    def features(self) -> tuple[str, ...]:
        """Return the features that count."""
        return self.base.features

    def gates(self, query: Scores) -> Scores:
        """Return the gate of each leg for a query's features [q], float64 [legs]."""
        seen = np.clip((query - self.centre) / self.spread, -3.0, 3.0)
        hidden = np.tanh(self.hidden @ seen + self.bias)
        gates: Scores = 1.0 + self.bound * np.tanh(self.gate @ hidden)
        return gates

    def weights_for(self, query: Scores) -> Scores:
        """Return the weights of the features for a query, float64 [f]."""
        weights: Scores = self.base.weights * self.gates(query)[list(self.leg_of)]
        return weights

    def fuse(self, matrix: FeatureMatrix) -> FusedScores:
        """Return totals and contributions by feature, float64 [n] and [n, f]."""
        contributions = self.scale.apply(matrix) * self.weights_for(matrix.query)
        return FusedScores(contributions.sum(axis=1), contributions)

    def to_json(self) -> dict[str, Any]:
        """Return the `model` of a weights document."""
        return {
            **self.base.to_json(),
            "legs": list(self.legs),
            "leg_of": list(self.leg_of),
            "bound": self.bound,
            **{name: getattr(self, name).tolist() for name in _ARRAYS},
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> GatedModel:
        """Read it back. Raises KeyError, TypeError or ValueError for a broken one."""
        arrays = {name: finite(raw[name]) for name in _ARRAYS}
        size, inputs = arrays["hidden"].shape
        legs = tuple(str(leg) for leg in raw["legs"])
        finite(arrays["centre"], (inputs,))
        finite(arrays["spread"], (inputs,))
        finite(arrays["bias"], (size,))
        finite(arrays["gate"], (len(legs), size))
        if (arrays["spread"] <= 0).any():
            raise ValueError("spread should be above 0")
        base = LinearModel.from_json(raw)
        leg_of = tuple(whole_numbers(raw["leg_of"], base.weights.shape).tolist())
        if not all(0 <= leg < len(legs) for leg in leg_of):
            raise ValueError("leg_of does not fit the features and legs")
        if not 0 <= raw["bound"] <= MOST_BOUND:
            raise ValueError(f"bound should be 0 to {MOST_BOUND}, got {raw['bound']}")
        return cls(base=base, legs=legs, leg_of=leg_of, bound=float(raw["bound"]), **arrays)


_ARRAYS = ("centre", "spread", "hidden", "bias", "gate")
