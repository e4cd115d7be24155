"""Reciprocal rank fusion (Cormack, Clarke, Buettcher: SIGIR 2009)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from service.calibration import Calibration
from service.leg_ranks import leg_ranks
from service.search_results import FusedScores, LegScores


def reciprocal_rank(
    candidates: LegScores,
    *,
    weights: Mapping[str, float],
    calibrations: Mapping[str, Calibration],
    rank_constant: int,
) -> FusedScores:
    """Fuse by sum of weight / (rank_constant + rank); rank starts at 1.

    Rank is by score, ties by product id. A candidate that a leg did not find gets
    nothing from that leg. `calibrations` play no part: ranks need no common scale.
    Raises ValueError when rank_constant < 1.
    """
    if rank_constant < 1:
        raise ValueError(f"rank_constant should be at least 1, got {rank_constant}")
    ranks = leg_ranks(candidates)
    contributions = np.zeros(candidates.scores.shape)  # [candidates, legs]
    for column, leg in enumerate(candidates.legs):
        contributions[:, column] = weights.get(leg, 0.0) / (rank_constant + ranks[:, column])
    contributions = np.nan_to_num(contributions, nan=0.0)
    return FusedScores(contributions.sum(axis=1), contributions)
