"""A mean over queries, and how far it may be off by chance."""

from __future__ import annotations

import math

import numpy as np

from service.search_results import Scores

RESAMPLES = 2_000
SEED = 20_261_121


def interval(values: Scores, *, looks: int = 1, seed: int = SEED) -> tuple[float, float, float]:
    """Return the mean with its 95 % bootstrap interval, from resampling the queries.

    values: float64 [queries], one at least. looks: how many ways the best was taken of; the
    interval is wider by Bonferroni's rule, since one of several is easily good by chance.
    """
    draws = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    tail = 0.025 / looks
    low, high = np.quantile(values[draws].mean(axis=1), (tail, 1.0 - tail))
    # fsum, so that a mean of equal values is that value and not a hair beside it.
    return math.fsum(values) / len(values), float(low), float(high)
