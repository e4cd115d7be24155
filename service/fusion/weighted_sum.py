"""Weighted sum of calibrated scores."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from service.calibration import Calibration
from service.search_results import FusedScores, LegScores


def weighted_sum(
    candidates: LegScores,
    *,
    weights: Mapping[str, float],
    calibrations: Mapping[str, Calibration],
    rank_constant: int,
) -> FusedScores:
    """Fuse by sum of weight * calibrated score, weights scaled to add up to 1.

    A candidate that a leg did not find gets nothing from that leg. The total is from
    0 to 1. `rank_constant` plays no part.
    """
    sum_of_weights = sum(weights.get(leg, 0.0) for leg in candidates.legs)
    contributions = np.zeros(candidates.scores.shape)  # [candidates, legs]
    for column, leg in enumerate(candidates.legs):
        share = weights.get(leg, 0.0) / sum_of_weights if sum_of_weights else 0.0
        contributions[:, column] = share * calibrations[leg].apply(candidates.scores[:, column])
    return FusedScores(contributions.sum(axis=1), contributions)
