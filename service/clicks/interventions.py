"""A second estimate of the position bias, from products that were seen at two positions.

It shares no assumption with EM about how attractive products are, so that the two agreeing says
something.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.clicks.click_log import ClickLog, linked_to_first
from service.clicks.position_bias import PositionBias

MIN_CLICKS = 5
"""Clicks that each of two ranks needs for a comparison; the logarithm of fewer is mostly noise."""


@dataclass(frozen=True)
class BiasComparison:
    """Two estimates side by side.

    difference: float64 [ranks], second / first - 1, NaN where either is missing. largest: its
    greatest absolute value, and `rank` where; NaN and 0 without any rank beyond the first.
    """

    difference: NDArray[np.float64]
    largest: float
    rank: int


def estimate_by_interventions(log: ClickLog) -> PositionBias:
    """Return the examination of ranks from pairs that were shown at several of them.

    The same product for the same query has the same attractiveness wherever it stands, so the
    ratio of its clicks at two ranks is that of their examinations: Joachims, Swaminathan,
    Schnabel (2017) by swaps, Agarwal et al. (2019), "intervention harvesting", with any pair.
    For each two ranks the ratio over all pairs is Mantel and Haenszel's (1959), by its variance
    after Greenland and Robins (1985); all ratios together give the logarithms of the
    examinations by weighted least squares (all pairs of ranks, as Agarwal et al. do).
    NaN at ranks that no chain of such comparisons links to rank 1.
    """
    clicked, shown = _tables(log)
    ratios = list(_ratios(clicked, shown))
    reached = _reached(ratios, log.max_rank)
    examination = np.full(log.max_rank, np.nan)
    examination[0] = 1.0
    others = np.flatnonzero(reached[1:]) + 1
    if len(others):
        column = {int(rank): place for place, rank in enumerate(others)}
        used = [ratio for ratio in ratios if reached[ratio[0]] and reached[ratio[1]]]
        design = np.zeros((len(used), len(others)))  # [comparisons, ranks beyond the first]
        for row, (upper, lower, _, _) in enumerate(used):
            design[row, column[lower]] = 1
            if upper:
                design[row, column[upper]] = -1
        values = np.array([ratio[2] for ratio in used])
        # Square roots of the weights, as each residual is squared.
        weight = 1 / np.sqrt([ratio[3] for ratio in used])
        solved = np.linalg.lstsq(design * weight[:, None], values * weight, rcond=None)[0]
        examination[others] = np.exp(solved)
    return PositionBias(examination, reached)


def compare_estimates(first: PositionBias, second: PositionBias) -> BiasComparison:
    """Return how far the second estimate is from the first; both have the same ranks."""
    difference = second.examination / first.examination - 1
    beyond = np.abs(difference[1:])
    if not np.isfinite(beyond).any():
        return BiasComparison(difference, float("nan"), 0)
    place = int(np.nanargmax(beyond))
    return BiasComparison(difference, float(beyond[place]), place + 2)


def _tables(log: ClickLog) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return clicks and looks [pairs, ranks] of the pairs that were shown at several ranks."""
    cells = log.cells
    numbers, row, ranks = np.unique(cells.pair, return_inverse=True, return_counts=True)
    tables = np.zeros((2, len(numbers), log.max_rank))
    tables[0, row, cells.rank - 1] = cells.clicked
    tables[1, row, cells.rank - 1] = cells.shown
    return tables[0, ranks > 1], tables[1, ranks > 1]


def _ratios(
    clicked: NDArray[np.float64], shown: NDArray[np.float64]
) -> Iterator[tuple[int, int, float, float]]:
    """Yield upper rank, lower rank (from 0), log ratio lower / upper, and its variance."""
    ranks = shown.shape[1]
    for upper in range(ranks):
        for lower in range(upper + 1, ranks):
            both = (shown[:, upper] > 0) & (shown[:, lower] > 0)
            a, m = clicked[both, lower], shown[both, lower]
            b, n = clicked[both, upper], shown[both, upper]
            if min(a.sum(), b.sum()) < MIN_CLICKS:
                continue
            total = m + n
            at_lower, at_upper = (a * n / total).sum(), (b * m / total).sum()
            spread = (((a + b) * m * n - a * b * total) / total**2).sum()
            variance = spread / (at_lower * at_upper)
            # Without chance (every look a click at both) the ratio would have all the weight.
            yield upper, lower, float(np.log(at_lower / at_upper)), max(float(variance), 1e-9)


def _reached(ratios: list[tuple[int, int, float, float]], ranks: int) -> NDArray[np.bool_]:
    linked = np.eye(ranks, dtype=bool)
    for upper, lower, _, _ in ratios:
        linked[upper, lower] = linked[lower, upper] = True
    return linked_to_first(linked)
