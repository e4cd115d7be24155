"""Shares of yes and no, how sure they are, and whether two differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
_NORMAL = NormalDist()
_Z = _NORMAL.inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Proportion:
    """A share from 0 to 1 with its 95 % interval; of no trials 0 with the interval 0 to 1."""

    successes: int
    trials: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """Share of B minus share of A, its 95 % interval, and how likely as much is by chance.

    p_value: two-sided, 0 to 1; 1 where the trials say nothing.
    """

    value: float
    low: float
    high: float
    p_value: float


def proportion(successes: int, trials: int) -> Proportion:
    """Return a share with its 95 % score interval (Wilson, JASA 22, 1927).

    Centre (p + z^2 / 2n) / (1 + z^2 / n), half width
    z / (1 + z^2 / n) * sqrt(p (1 - p) / n + z^2 / 4n^2).
    Raises ValueError unless 0 <= successes <= trials.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials}: should be from 0 to all")
    if trials == 0:
        return Proportion(0, 0, 0.0, 0.0, 1.0)
    share, spread = successes / trials, _Z**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    # At the ends rounding would leave 1e-17 where the formula gives 0 and 1.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return Proportion(successes, trials, share, low, high)


def difference(a: Proportion, b: Proportion) -> Difference:
    """Return share of B minus share of A.

    p-value of the two-proportion z-test with the pooled share; interval of the hybrid score
    method (Newcombe, Statistics in Medicine 17, 1998, method 10). Both are approximations for
    some tens of trials and more.
    """
    value = b.value - a.value
    low = value - math.hypot(b.value - b.low, a.high - a.value)
    high = value + math.hypot(b.high - b.value, a.value - a.low)
    p_value = 1.0
    if a.trials and b.trials:
        pooled = (a.successes + b.successes) / (a.trials + b.trials)
        variance = pooled * (1 - pooled) * (1 / a.trials + 1 / b.trials)
        if variance > 0:
            p_value = 2 * _NORMAL.cdf(-abs(value) / math.sqrt(variance))
    return Difference(value, low, high, p_value)


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p-value of wins against losses by chance, exact; ties stay out.

    2 * sum over k <= min(wins, losses) of C(n, k) / 2^n, at most 1; 1 without any.
    Raises ValueError for a negative count.
    """
    if wins < 0 or losses < 0:
        raise ValueError(f"{wins} wins, {losses} losses: should be 0 or more")
    trials, fewer = wins + losses, min(wins, losses)
    # Beginning with the largest term, so that thousands of trials neither overflow nor take long.
    term = math.exp(
        math.lgamma(trials + 1)
        - math.lgamma(fewer + 1)
        - math.lgamma(trials - fewer + 1)
        - trials * math.log(2)
    )
    total = 0.0
    for count in range(fewer, -1, -1):
        total += term
        term *= count / (trials - count + 1)
        if term < total * 1e-17:
            break
    return min(1.0, 2 * total)
