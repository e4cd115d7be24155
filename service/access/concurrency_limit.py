"""How many requests at a time an overloaded service works on, so that none of them is slow.

Additive increase and multiplicative decrease by how much slower requests are beside others than
alone, as adaptive concurrency limits of proxies do it (Envoy's gradient controller, Netflix's
concurrency-limits): what is best depends on cores, on the cluster and on what is asked, so no
setting is right for long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

CALM_SECONDS = 5.0
"""Not overrun for so long, as many are worked on at a time as the settings allow."""

_KEPT = 0.7
"""Of the limit when requests were too slow."""
_WINDOW = 20
"""Requests of which the mean decides."""
_MOST = 3.0
"""A request counts as at most so many times as slow: one that hangs says little of the others."""
_CALM_WEIGHT = 0.1
_OVERRUN_WEIGHT = 0.01
"""Of a new time among the former ones; overrun, even who works alone is slowed by refusals."""


@dataclass(frozen=True)
class _Aim:
    """shrinks, grows: mean times as slow as alone above and below which the limit moves.

    step: more when they were fast enough.
    """

    shrinks: float
    grows: float
    step: float


_ANSWERING = _Aim(2.0, 1.6, 0.2)
"""While most who come are answered, many answers count for more than fast ones."""
_FLOODED = _Aim(1.3, 1.15, 0.02)
"""Most are refused in any case, so those who are answered shall be fast. A whole one more is tried
every fifty windows: those who find it one too many are too few to show at the 95th percentile."""


class ConcurrencyLimit:
    """Learns what requests take alone, and how many at a time are not in each other's way.

    most: the limit while it is not overrun. on_lowered: called whenever it is lowered. Threads
    may share it.
    """

    def __init__(
        self,
        most: int,
        *,
        on_lowered: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._on_lowered = on_lowered
        self._clock = clock
        self._lock = threading.Lock()
        self._limit = float(most)
        self._alone: dict[str, float] = {}
        self._window: list[float] = []
        self._refused = 0
        self._overrun_at = float("-inf")

    def refused(self) -> None:
        """Note that a request found no room."""
        with self._lock:
            self._refused += 1

    def ended(self, seconds: float, *, kind: str, alone: bool, overrun: bool) -> int:
        """Note what a request took, and return how many at a time there may be now.

        kind: what was asked, one of few: each has times of its own. alone: whether no other was
        worked on meanwhile. overrun: whether more come than are answered; some who wait are no
        reason, as fewer turns at a time answer fewer in all.
        """
        with self._lock:
            now = self._clock()
            if alone:
                self._learn(kind, seconds, _OVERRUN_WEIGHT if overrun else _CALM_WEIGHT)
            if overrun:
                self._overrun_at = now
                self._judge(kind, seconds)
            elif now - self._overrun_at > CALM_SECONDS:
                self._limit = float(self._most)
                self._forget()
            return int(self._limit)

    def _learn(self, kind: str, seconds: float, weight: float) -> None:
        known = self._alone.get(kind, seconds)
        self._alone[kind] = known + weight * (min(seconds, _MOST * known) - known)

    def _judge(self, kind: str, seconds: float) -> None:
        known = self._alone.get(kind)
        # Of what was never alone nothing is known but that others are in its way.
        self._window.append(_MOST if known is None else min(seconds / max(known, 1e-6), _MOST))
        if len(self._window) < _WINDOW:
            return
        slower = sum(self._window) / len(self._window)
        aim = _FLOODED if self._refused > len(self._window) else _ANSWERING
        self._forget()
        if slower > aim.shrinks:
            if self._limit > 1.0:
                self._on_lowered()
            self._limit = max(1.0, self._limit * _KEPT)
        elif slower < aim.grows:
            self._limit = min(float(self._most), self._limit + aim.step)

    def _forget(self) -> None:
        self._window.clear()
        self._refused = 0
