"""Weighted sum of calibrated features, with weights learned from judgements or clicks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from service.calibration import Calibration
from service.search_results import FeatureMatrix, FusedScores, Scores


@dataclass(frozen=True)
class CalibratedFeatures:
    """Features on a common scale, as every model sees them.

    calibrations: by feature, in the order of the columns.
    """

    calibrations: Mapping[str, Calibration]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the features."""
        return tuple(self.calibrations)

    def apply(self, matrix: FeatureMatrix) -> Scores:
        """Return float64 [n, f], mostly 0 to 1; what is not known is 0."""
        place = {name: column for column, name in enumerate(matrix.names)}
        values = np.zeros((len(matrix.product_ids), len(self.calibrations)))
        for column, (name, scale) in enumerate(self.calibrations.items()):
            values[:, column] = scale.apply(matrix.values[:, place[name]])
        return values

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {name: asdict(scale) for name, scale in self.calibrations.items()}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> CalibratedFeatures:
        """Read it back. Raises TypeError for what no calibration has."""
        return cls({name: Calibration(**scale) for name, scale in raw.items()})


@dataclass(frozen=True)
class LinearModel:
    """score = sum of weight * calibrated feature.

    weights: float64 [f], in the order of the features.
    """

    scale: CalibratedFeatures
    weights: Scores

    fusion = "weighted_sum"

    @property
    def features(self) -> tuple[str, ...]:
        """Return the features that count."""
        return tuple(
            name for name, weight in zip(self.scale.names, self.weights, strict=True) if weight
        )

    def fuse(self, matrix: FeatureMatrix) -> FusedScores:
        """Return totals and contributions by feature, float64 [n] and [n, f]."""
        contributions = self.scale.apply(matrix) * self.weights
        return FusedScores(contributions.sum(axis=1), contributions)

    def weights_for(self, query: Scores) -> Scores:
        """Return the weights of the features, float64 [f], the same for every query."""
        return self.weights

    def to_json(self) -> dict[str, Any]:
        """Return the `model` of a weights document."""
        return {
            "calibrations": self.scale.to_json(),
            "weights": dict(zip(self.scale.names, map(float, self.weights), strict=True)),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> LinearModel:
        """Read it back. Raises KeyError, TypeError or ValueError for a broken one."""
        scale = CalibratedFeatures.from_json(raw["calibrations"])
        return cls(scale, finite([raw["weights"][name] for name in scale.names]))


def finite(values: Any, shape: tuple[int, ...] | None = None) -> Scores:  # noqa: ANN401
    """Return float64; raises ValueError for another shape, or a number that is not finite."""
    array: Scores = np.asarray(values, dtype=np.float64)
    if shape is not None and array.shape != shape:
        raise ValueError(f"should have the shape {shape}, has {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("holds a number that is not finite")
    return array
