"""Judgements from clicks: how relevant a product is to a query, and how sure that is.

Three ways with one result: the posterior of the click model, inverse propensities, and plain
counting, which is there to be compared with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.clicks.click_log import ClickLog, sums
from service.clicks.position_bias import PositionBias
from service.clicks.sessions import CART, CLICK, PURCHASE

DEFAULT_CLIP = 0.05
"""Least propensity: one click at a rank that nobody looks at counts as 20 at the most."""

_STEPS = 400
"""Values of relevance at which a posterior is computed; steps of 0.0025."""

_CHUNK = 5_000
"""Pairs computed at a time: 16 MB for each array of pairs and steps."""


@dataclass(frozen=True)
class Worth:
    """What an interaction counts, 0 to 1; a choice and no measurement, click < cart < purchase.

    A shop that sends clicks alone sets `click` to 1, else no relevance exceeds 0.4.
    """

    click: float = 0.4
    cart: float = 0.7
    purchase: float = 1.0

    def of(self, level: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the worth of each level; 0 without an interaction."""
        table = np.zeros(PURCHASE + 1)
        table[[CLICK, CART, PURCHASE]] = self.click, self.cart, self.purchase
        return table[level]


@dataclass(frozen=True)
class ClickJudgements:
    """Judgements as arrays of one length, one entry a query-product pair, ready for training.

    relevance: float64, 0 to 1. weight: float64 above 0, how often the product was looked at for
    the query, as far as is known. low, high: float64, bounds of relevance with 95 %
    probability, where they are known: of the posterior.
    """

    query: NDArray[np.str_]
    product_id: NDArray[np.str_]
    relevance: NDArray[np.float64]
    weight: NDArray[np.float64]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class _Pairs:
    """Sums by pair over the observations at identified ranks; pairs without any are left out."""

    number: NDArray[np.int64]
    row: NDArray[np.int64]  # of each observation
    propensity: NDArray[np.float64]  # of each observation
    worth: NDArray[np.float64]  # of each observation

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return sums(self.row, values, len(self.number))


def posterior_judgements(
    log: ClickLog,
    bias: PositionBias,
    *,
    worth: Worth = Worth(),
    prior: tuple[float, float] = (1.0, 1.0),
) -> ClickJudgements:
    """Return mean and 95 % interval of each pair's relevance, given the position bias.

    An observation at examination e, of a worth w, has the likelihood (e r)^w (1 - e r)^(1 - w):
    a click is a success in part. With w = 1 this is the position-based model's own posterior of
    the attractiveness. prior: parameters of a Beta distribution of relevance; (1, 1) is flat.
    weight: sum of the examinations. Computed on a grid, exact to 0.001.
    """
    pairs = _usable(log, bias, worth)
    relevance = (np.arange(_STEPS) + 0.5) / _STEPS
    start = (prior[0] - 1) * np.log(relevance) + (prior[1] - 1) * np.log1p(-relevance)
    mean, low, high = (np.zeros(len(pairs.number)) for _ in range(3))
    for first, density in _posteriors(pairs, relevance, start):
        rows = slice(first, first + len(density))
        mean[rows] = density @ relevance
        below = np.cumsum(density, axis=1)
        low[rows] = relevance[(below < 0.025).sum(axis=1)]
        high[rows] = relevance[np.minimum((below < 0.975).sum(axis=1), _STEPS - 1)]
    return _judgements(log, pairs, mean, pairs.total(pairs.propensity), low, high)


def propensity_judgements(
    log: ClickLog, bias: PositionBias, *, worth: Worth = Worth(), clip: float = DEFAULT_CLIP
) -> ClickJudgements:
    """Return the mean over looks of worth / max(examination, clip), at most 1.

    Inverse propensity scoring after Joachims, Swaminathan, Schnabel (2017): unbiased up to the
    clipping, which trades a little bias for less noise. weight: sum of max(examination, clip).
    Raises ValueError unless 0 < clip <= 1.
    """
    pairs = _usable(log, bias, worth)
    propensity = _clipped(pairs.propensity, clip)
    looks = pairs.total(np.ones(len(pairs.row)))
    relevance = np.minimum(pairs.total(pairs.worth / propensity) / looks, 1.0)
    return _judgements(log, pairs, relevance, pairs.total(propensity))


def counted_judgements(log: ClickLog, *, worth: Worth = Worth()) -> ClickJudgements:
    """Return the mean worth over looks, wherever the product stood; for comparison only.

    What stands high is clicked more, so this learns to leave the ranking as it is.
    """
    nobody = PositionBias(np.ones(log.max_rank), np.ones(log.max_rank, dtype=bool))
    pairs = _usable(log, nobody, worth)
    looks = pairs.total(pairs.propensity)
    return _judgements(log, pairs, pairs.total(pairs.worth) / looks, looks)


def inverse_propensity_weights(
    log: ClickLog, bias: PositionBias, *, clip: float = DEFAULT_CLIP
) -> NDArray[np.float64]:
    """Return float64 [observations]: 1 / max(examination, clip), 1 to 1 / clip.

    The weight of an observation's click in a training loss. 0 at ranks whose examination is not
    identified, so that they count for nothing. Raises ValueError unless 0 < clip <= 1.
    """
    known = bias.identified[log.rank - 1]
    examination = np.where(known, bias.at(log.rank), 1.0)
    return np.where(known, 1 / _clipped(examination, clip), 0.0)


def _clipped(propensity: NDArray[np.float64], clip: float) -> NDArray[np.float64]:
    if not 0 < clip <= 1:
        raise ValueError(f"clip should be above 0 and at most 1, got {clip}")
    # Noise may put a lower rank above rank 1, whose examination is 1 by definition.
    return np.clip(propensity, clip, 1.0)


def _usable(log: ClickLog, bias: PositionBias, worth: Worth) -> _Pairs:
    known = bias.identified[log.rank - 1]
    number, row = np.unique(log.pair[known], return_inverse=True)
    propensity = np.minimum(bias.at(log.rank[known]), 1.0)
    return _Pairs(number, row, propensity, worth.of(log.level[known]))


def _posteriors(
    pairs: _Pairs, relevance: NDArray[np.float64], start: NDArray[np.float64]
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield the number of a first pair and probabilities [pairs, steps], chunk by chunk."""
    gained = pairs.total(pairs.worth)  # the e of (e r)^w is a constant
    # Observations of one pair at one examination add up.
    levels, level = np.unique(pairs.propensity, return_inverse=True)
    missed = np.zeros((len(pairs.number), len(levels)))
    np.add.at(missed, (pairs.row, level), 1 - pairs.worth)
    unlooked = np.log1p(-levels[:, None] * relevance)  # [levels, steps]
    for first in range(0, len(pairs.number), _CHUNK):
        rows = slice(first, first + _CHUNK)
        density = start + gained[rows, None] * np.log(relevance) + missed[rows] @ unlooked
        density = np.exp(density - density.max(axis=1, keepdims=True))
        yield first, density / density.sum(axis=1, keepdims=True)


def _judgements(
    log: ClickLog,
    pairs: _Pairs,
    relevance: NDArray[np.float64],
    weight: NDArray[np.float64],
    low: NDArray[np.float64] | None = None,
    high: NDArray[np.float64] | None = None,
) -> ClickJudgements:
    names = [log.pairs[number] for number in pairs.number]
    return ClickJudgements(
        np.array([query for query, _ in names], dtype=np.str_),
        np.array([product_id for _, product_id in names], dtype=np.str_),
        relevance,
        weight,
        low,
        high,
    )
