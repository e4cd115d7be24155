"""Two systems on the same queries: differences, how sure they are, and who wins where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mappings.errors import InvalidQuery
from service.evaluation.means import Mean, mean

DRAWS = 10_000
_EXACT_QUERIES = 13
"""With up to 13 differences there are at most 8,192 patterns of signs, fewer than draws."""
_SEED = 20_261_121
_SAME = 1e-9
"""Values that differ by less are equal: they come from sums in another order."""


@dataclass(frozen=True)
class Comparison:
    """One measure of the systems A and B over the same queries.

    a, b: means. difference: mean of B - A with its 95 % bootstrap interval. p_value: of the
    two-sided randomisation test. wins, losses: queries on which B is better, or worse, than A.
    """

    measure: str
    a: float
    b: float
    difference: Mean
    p_value: float
    wins: int
    ties: int
    losses: int

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self)


def differences(a: Mapping[str, float], b: Mapping[str, float]) -> dict[str, float]:
    """Return query to B - A; what differs by a rounding error alone is 0.

    Raises InvalidQuery when the two were not measured on the same queries.
    """
    if set(a) != set(b):
        odd = sorted(set(a) ^ set(b))[0]
        raise InvalidQuery(
            f"judgements: both systems should be measured on the same queries, got {odd!r} of one",
            field="judgements",
        )
    found = {query: b[query] - a[query] for query in sorted(a)}
    return {query: 0.0 if abs(gain) < _SAME else gain for query, gain in found.items()}


def compare(measure: str, a: Mapping[str, float], b: Mapping[str, float]) -> Comparison:
    """Return how B differs from A on one measure, from query to value of both.

    Raises what `differences` raises, and InvalidQuery when there is no query.
    """
    gains = differences(a, b)
    return Comparison(
        measure=measure,
        a=mean(a).value,
        b=mean(b).value,
        difference=mean(gains),
        p_value=randomisation_test(list(gains.values())),
        wins=sum(gain > 0 for gain in gains.values()),
        ties=sum(gain == 0 for gain in gains.values()),
        losses=sum(gain < 0 for gain in gains.values()),
    )


def randomisation_test(gains: Sequence[float]) -> float:
    """Return the two-sided p-value of a mean difference, by flipping the signs of the gains.

    Were A and B alike, each gain could as well have the other sign. The p-value is the share
    of sign patterns whose mean is as far from 0 as the one seen: over all of them when at most
    13 gains are not 0, else over 10,000 patterns drawn with a fixed seed and the one seen.
    Fisher 1935; for retrieval: Smucker, Allan and Carterette, CIKM 2007. 1 without any gain.
    """
    # A gain of 0 is the same with either sign and changes no mean.
    numbers = np.asarray([gain for gain in gains if gain != 0])
    if not len(numbers):
        return 1.0
    seen = abs(numbers.sum()) - _SAME
    if len(numbers) <= _EXACT_QUERIES:
        patterns = np.arange(2 ** len(numbers))[:, None] >> np.arange(len(numbers)) & 1
        sums = (1 - 2 * patterns) @ numbers
        return float((abs(sums) >= seen).mean())
    signs = np.random.default_rng(_SEED).integers(0, 2, (DRAWS, len(numbers)), dtype=np.int8)
    sums = (1 - 2 * signs) @ numbers
    return float((1 + (abs(sums) >= seen).sum()) / (1 + DRAWS))
