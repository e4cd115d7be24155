"""Each candidate's place on each leg."""

from __future__ import annotations

import numpy as np

from service.search_results import LegScores, Scores


def leg_ranks(candidates: LegScores) -> Scores:
    """Return each candidate's rank on each leg from 1, float64 [n, m]; NaN where not found.

    Rank is by score, ties by product id.
    """
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
