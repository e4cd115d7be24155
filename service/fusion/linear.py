"""Weighted sum of calibrated features, with weights learned from judgements or clicks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from service.calibration import Calibration, Kind
from service.search_results import FeatureMatrix, FusedScores, Scores

_LARGEST = 2**31
"""More nodes, features or legs than this is no model."""


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
        """Return float64 [n, f], mostly 0 to 1; what is not known is 0.

        The same as Calibration.apply on each column, in a tenth of the time.
        Raises KeyError for a feature that the matrix does not have.
        """
        place = {name: column for column, name in enumerate(matrix.names)}
        raw = matrix.values[:, [place[name] for name in self.calibrations]]
        kinds, pivot, low, high = self._columns
        positive = np.maximum(raw, 0.0)
        values: Scores = np.select(
            [kinds == "saturation", kinds == "linear"],
            [positive / (positive + pivot), np.clip((raw - low) / (high - low), 0.0, 1.0)],
            raw,
        )
        return np.nan_to_num(values, nan=0.0)

    @cached_property
    def _columns(self) -> tuple[NDArray[np.str_], Scores, Scores, Scores]:
        """Return kind, pivot, low and high of every column."""
        scales = self.calibrations.values()
        numbers = np.array([[scale.pivot, scale.low, scale.high] for scale in scales])  # [f, 3]
        pivot, low, high = numbers.T
        return np.array([scale.kind for scale in scales]), pivot, low, high

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {name: asdict(scale) for name, scale in self.calibrations.items()}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> CalibratedFeatures:
        """Read it back. Raises TypeError or ValueError for what is no calibration."""
        if not isinstance(raw, Mapping) or not raw:
            raise ValueError("calibrations should be an object with at least one feature")
        return cls({name: _calibration(name, scale) for name, scale in raw.items()})


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
        unknown = set(raw["weights"]) - set(scale.names)
        if unknown:
            raise ValueError(f"weights of features without a calibration: {sorted(unknown)}")
        weights = [raw["weights"][name] for name in scale.names]
        return cls(scale, finite(weights, (len(weights),)))


def finite(values: Any, shape: tuple[int, ...] | None = None) -> Scores:  # noqa: ANN401
    """Return float64; raises ValueError for another shape, or a number that is not finite."""
    try:
        array: Scores = np.asarray(values, dtype=np.float64)
    except OverflowError as error:
        raise ValueError("holds a number that is too large") from error
    if shape is not None and array.shape != shape:
        raise ValueError(f"should have the shape {shape}, has {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("holds a number that is not finite")
    return array


def whole_numbers(values: Any, shape: tuple[int, ...] | None = None) -> NDArray[np.int64]:  # noqa: ANN401
    """Return int64; raises ValueError as `finite` does, and for a fraction."""
    array = finite(values, shape)
    if (array != np.floor(array)).any() or (np.abs(array) > _LARGEST).any():
        raise ValueError("holds a number that is not a whole one")
    return array.astype(np.int64)


def _calibration(name: str, raw: Mapping[str, Any]) -> Calibration:
    scale = Calibration(**raw)
    pivot, low, high = map(float, finite([scale.pivot, scale.low, scale.high], (3,)))
    if scale.kind not in get_args(Kind) or pivot <= 0 or low >= high:
        raise ValueError(f"calibration of {name}: {dict(raw)} is none")
    return Calibration(scale.kind, pivot, low, high)
