"""Reciprocal rank fusion (Cormack, Clarke, Buettcher: SIGIR 2009)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from service.calibration import Calibration
from service.search_results import FusedScores, LegScores, Scores


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


def leg_ranks(candidates: LegScores) -> Scores:
    """Return each candidate's rank on each leg from 1, float64 [n, m]; NaN where not found."""
    ranks = np.full(candidates.scores.shape, np.nan)
    ids = candidates.product_ids
    by_id = np.empty(len(ids), dtype=np.int64)  # [candidates]: place of each among sorted ids
    by_id[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    for column in range(len(candidates.legs)):
        scores = candidates.scores[:, column]
        found = np.flatnonzero(~np.isnan(scores))
        order = found[np.lexsort((by_id[found], -scores[found]))]
        ranks[order, column] = np.arange(1, len(order) + 1)
    return ranks
