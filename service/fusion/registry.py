"""Fusion methods by name. To add one: write its module, and add a line here.

FUSIONS combine the legs by weights that the request or the shipped file gives. MODELS combine all
ranking features, learned, as a weights document keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from service.calibration import Calibration
from service.fusion.gated import GatedModel
from service.fusion.lambdamart import LambdaMartModel
from service.fusion.linear import CalibratedFeatures, LinearModel
from service.fusion.projection import ProjectionModel
from service.fusion.reciprocal_rank import reciprocal_rank
from service.fusion.weighted_sum import weighted_sum
from service.search_results import FeatureMatrix, FusedScores, LegScores, Scores


class Fusion(Protocol):
    """One score a candidate from its scores on every leg; changes no argument."""

    def __call__(
        self,
        candidates: LegScores,
        *,
        weights: Mapping[str, float],
        calibrations: Mapping[str, Calibration],
        rank_constant: int,
    ) -> FusedScores:
        """Return total and contributions, in the order of the candidates."""
        ...


FUSIONS: dict[str, Fusion] = {
    "weighted_sum": weighted_sum,
    "reciprocal_rank": reciprocal_rank,
}


def leg_fusion(name: str) -> str:
    """Return the method of FUSIONS that stands in where no learned weights are at hand."""
    return name if name in FUSIONS else "weighted_sum"


class FusionModel(Protocol):
    """A learned way from the ranking features of candidates to one score."""

    @property
    def fusion(self) -> str:
        """Return its name in MODELS."""
        ...

    @property
    def scale(self) -> CalibratedFeatures:
        """Return the features that it sees, and how they are calibrated."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """Return the features that count; the others need not be asked for."""
        ...

    def fuse(self, matrix: FeatureMatrix) -> FusedScores:
        """Return total [n] and contributions [n, f], in the order of `scale.names`."""
        ...

    def weights_for(self, query: Scores) -> Scores:
        """Return the weights of the features for a query, float64 [f]; NaN without any."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the `model` of a weights document."""
        ...


MODELS: Mapping[str, Callable[[Mapping[str, Any]], FusionModel]] = {
    "weighted_sum": LinearModel.from_json,
    "gated": GatedModel.from_json,
    "projection": ProjectionModel.from_json,
    "lambdamart": LambdaMartModel.from_json,
}


def read_model(document: Mapping[str, Any]) -> FusionModel:
    """Return the model of a weights document.

    Raises KeyError, TypeError or ValueError for one that is broken.
    """
    return MODELS[document["fusion"]](document["model"])
