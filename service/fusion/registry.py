"""Fusion methods by name. To add one: write its module, and add a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from service.calibration import Calibration
from service.fusion.reciprocal_rank import reciprocal_rank
from service.fusion.weighted_sum import weighted_sum
from service.search_results import FusedScores, LegScores


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
