"""Sessions as arrays: one observation for each product that was shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from service.clicks.sessions import CLICK, PageSession

DEFAULT_MAX_RANK = 20
"""Deeper positions are seen too seldom to say how often they are looked at."""


@dataclass(frozen=True)
class Cells:
    """Observations added up by pair and rank; all arrays have one entry a cell.

    pair: int64, number of the pair. rank: int64, from 1. shown, clicked: float64, how often.
    """

    pair: NDArray[np.int64]
    rank: NDArray[np.int64]
    shown: NDArray[np.float64]
    clicked: NDArray[np.float64]


@dataclass(frozen=True)
class ClickLog:
    """What was shown, where, and what came of it.

    pairs: query and product id, by number. pair, rank, level: one entry an observation:
    int64 number of the pair; int64 1 to max_rank; int64 0 for nothing, else the LEVELS of the
    interaction. `clicked` means any interaction.
    """

    pairs: tuple[tuple[str, str], ...]
    pair: NDArray[np.int64]
    rank: NDArray[np.int64]
    level: NDArray[np.int64]
    max_rank: int

    @classmethod
    def from_sessions(
        cls, sessions: Sequence[PageSession], *, max_rank: int = DEFAULT_MAX_RANK
    ) -> ClickLog:
        """Return the observations at ranks 1 to max_rank; none from no session."""
        numbers: dict[tuple[str, str], int] = {}
        rows = [
            (
                numbers.setdefault((session.query, product_id), len(numbers)),
                position,
                session.levels.get(position, 0),
            )
            for session in sessions
            for product_id, position in session.shown
            if position <= max_rank
        ]
        table = np.asarray(rows, dtype=np.int64).reshape(-1, 3)  # [observations, 3]
        return cls(tuple(numbers), table[:, 0], table[:, 1], table[:, 2], max_rank)

    def seen_often(self, least: int) -> ClickLog:
        """Return the observations of pairs that were shown at least that many times."""
        shown = np.bincount(self.pair, minlength=len(self.pairs))
        kept = np.flatnonzero(shown >= least)
        number = np.full(len(self.pairs), -1, dtype=np.int64)
        number[kept] = np.arange(len(kept))
        rows = number[self.pair] >= 0
        return ClickLog(
            tuple(self.pairs[place] for place in kept),
            number[self.pair[rows]],
            self.rank[rows],
            self.level[rows],
            self.max_rank,
        )

    @cached_property
    def clicked(self) -> NDArray[np.bool_]:
        """Return whether an observation came to any interaction."""
        return np.asarray(self.level >= CLICK)

    @cached_property
    def cells(self) -> Cells:
        """Return the sums by pair and rank; no click model needs more."""
        keys, inverse = np.unique(self.pair * (self.max_rank + 1) + self.rank, return_inverse=True)
        return Cells(
            pair=keys // (self.max_rank + 1),
            rank=keys % (self.max_rank + 1),
            shown=np.bincount(inverse, minlength=len(keys)).astype(np.float64),
            clicked=sums(inverse, self.clicked.astype(np.float64), len(keys)),
        )

    @cached_property
    def comparable_ranks(self) -> NDArray[np.bool_]:
        """Return bool [max_rank]: whether a chain of pairs leads from a rank to rank 1.

        Two ranks are linked when a pair was shown at both. Without a chain nobody can tell a
        rank that is seldom looked at from one that is filled with bad products.
        """
        links = np.zeros((len(self.pairs), self.max_rank), dtype=bool)
        links[self.cells.pair, self.cells.rank - 1] = True
        linked = (links.T.astype(np.int64) @ links.astype(np.int64)) > 0  # [rank, rank]
        return linked_to_first(linked)


def linked_to_first(linked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return bool [ranks]: which a chain of links [rank, rank] leads to from the first.

    The first itself is reached when it is linked with itself.
    """
    reached = np.zeros(len(linked), dtype=bool)
    reached[0] = linked[0, 0]
    for _ in range(len(linked)):
        reached = np.asarray(reached | linked[reached].any(axis=0))
    return reached


def sums(number: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return float64 [size]: the sum of the values of each number, 0 for one that has none."""
    return np.asarray(np.bincount(number, values, minlength=size), dtype=np.float64)
