"""How often each position is looked at: the position-based click model, fitted by EM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.clicks.click_log import Cells, ClickLog, sums

_MOST = 1 - 1e-9
"""A probability of 1 would make a product that was once not clicked impossible."""


@dataclass(frozen=True)
class Prior:
    """Looks that are imagined beforehand, so that one click is no certainty; each at least 0.

    clicked, unclicked: pseudo-counts for each pair's attractiveness; examined, unexamined: for
    each rank's examination. They are small on purpose: with one half each, products that are
    clicked at every look are held to be less than that, and all ranks beyond the first come out
    too high, by 10 % with 500 sessions a query.
    """

    clicked: float = 0.05
    unclicked: float = 0.05
    examined: float = 0.05
    unexamined: float = 0.05


@dataclass(frozen=True)
class PositionBias:
    """How often a rank is looked at, relative to rank 1.

    examination: float64 [ranks], entry 0 is rank 1 and is 1. NaN at ranks that are not
    identified: none was shown there, or no chain of pairs links it to rank 1.
    identified: bool [ranks].
    """

    examination: NDArray[np.float64]
    identified: NDArray[np.bool_]

    def at(self, rank: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the examination of each of the ranks, which count from 1."""
        return self.examination[rank - 1]


@dataclass(frozen=True)
class PositionModel:
    """A fitted model.

    attractiveness: float64 [pairs], probability of a click where the product is looked at.
    objectives: log-likelihood plus the prior's share, after each step; it never falls.
    converged: False when it still rose after the last step that was allowed.
    """

    bias: PositionBias
    attractiveness: NDArray[np.float64]
    objectives: tuple[float, ...]
    converged: bool


def fit_position_bias(
    log: ClickLog,
    prior: Prior = Prior(),
    *,
    tolerance: float = 1e-10,
    max_steps: int = 5_000,
) -> PositionModel:
    """Fit P(click) = examination[rank] * attractiveness[query, product] by EM.

    The model is that of Richardson et al. (2007) and Craswell et al. (2008); the updates are
    those of Chuklin, Markov, de Rijke, "Click Models for Web Search" (2015), section 4.2: a
    product that was not clicked was attractive all the same with probability
    (1 - e) a / (1 - e a), and looked at with (1 - a) e / (1 - e a); each parameter becomes the
    mean over its observations. Examination of rank 1 is held at 1, which sets the scale.
    Each pair has a parameter of its own, so below some 200 sessions a query the examination comes
    out too high: keep to `log.seen_often`, or take `estimate_by_interventions`.
    tolerance: relative gain of the objective at which it ends.
    """
    cells = log.cells
    known = log.comparable_ranks
    examination = np.where(np.arange(log.max_rank) == 0, 1.0, 0.5)
    attractiveness = np.full(len(log.pairs), 0.5)
    looks = sums(cells.pair, cells.shown, len(log.pairs))
    shown = sums(cells.rank - 1, cells.shown, log.max_rank)
    objectives: list[float] = []
    converged = False
    for _ in range(max_steps):
        seen, liked = examination[cells.rank - 1], attractiveness[cells.pair]
        unclicked = cells.shown - cells.clicked
        missed = unclicked / (1 - seen * liked)
        was_attractive = cells.clicked + missed * (1 - seen) * liked
        was_examined = cells.clicked + missed * (1 - liked) * seen
        attractiveness = _mean(
            sums(cells.pair, was_attractive, len(log.pairs)),
            looks,
            prior.clicked,
            prior.unclicked,
        )
        examination = _mean(
            sums(cells.rank - 1, was_examined, log.max_rank),
            shown,
            prior.examined,
            prior.unexamined,
        )
        examination[0] = 1.0
        objectives.append(_objective(cells, examination, attractiveness, prior))
        if len(objectives) > 1:
            gain = objectives[-1] - objectives[-2]
            if gain <= tolerance * abs(objectives[-1]):
                converged = True
                break
    bias = PositionBias(np.where(known, examination, np.nan), known)
    return PositionModel(bias, attractiveness, tuple(objectives), converged)


def naive_position_bias(log: ClickLog) -> PositionBias:
    """Return the clicks a look at each rank over those at rank 1, for comparison only.

    It takes the ranking's own work for a habit of shoppers: what stands lower is worse, too.
    NaN where nothing was shown, and everywhere without a click at rank 1.
    """
    cells = log.cells
    shown = sums(cells.rank - 1, cells.shown, log.max_rank)
    clicked = sums(cells.rank - 1, cells.clicked, log.max_rank)
    rate = _rate(clicked, shown)
    examination = rate / rate[0] if rate[0] > 0 else np.full(log.max_rank, np.nan)
    return PositionBias(examination, np.isfinite(examination))


def _rate(clicked: NDArray[np.float64], shown: NDArray[np.float64]) -> NDArray[np.float64]:
    rate = np.full(len(shown), np.nan)
    np.divide(clicked, shown, out=rate, where=shown > 0)
    return rate


def _mean(
    total: NDArray[np.float64], count: NDArray[np.float64], good: float, bad: float
) -> NDArray[np.float64]:
    """Return the mean with pseudo-counts; one half where there is neither."""
    weight = count + good + bad
    mean = np.full(len(total), 0.5)
    np.divide(total + good, weight, out=mean, where=weight > 0)
    return np.asarray(np.minimum(mean, _MOST))


def _objective(
    cells: Cells,
    examination: NDArray[np.float64],
    attractiveness: NDArray[np.float64],
    prior: Prior,
) -> float:
    click = examination[cells.rank - 1] * attractiveness[cells.pair]
    likelihood = _log_weight(cells.clicked, click) + _log_weight(
        cells.shown - cells.clicked, 1 - click
    )
    others = examination[1:]  # rank 1 is not fitted
    imagined = (
        (prior.clicked, attractiveness),
        (prior.unclicked, 1 - attractiveness),
        (prior.examined, others),
        (prior.unexamined, 1 - others),
    )
    share = sum(count * float(np.log(chance).sum()) for count, chance in imagined if count > 0)
    return likelihood + share


def _log_weight(weight: NDArray[np.float64], chance: NDArray[np.float64]) -> float:
    used = weight > 0
    return float((weight[used] * np.log(chance[used])).sum())
