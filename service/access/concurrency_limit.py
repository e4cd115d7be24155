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

CALM_SECONDS = 5.0
"""Not overrun for so long, as many are worked on at a time as the settings allow."""

_SLOWER_SHRINKS = 1.3
_SLOWER_GROWS = 1.15
_KEPT = 0.7
"""Of the limit when requests were too slow."""
_STEP = 0.02
"""More when they were fast enough. A whole one more is tried every fifty windows, so that the few
requests which find it one too many are too few to show at the 95th percentile."""
_WINDOW = 20
"""Requests of which the mean decides."""
_MOST = 3.0
"""A request counts as at most so many times as slow: one that hangs says little of the others."""
_CALM_WEIGHT = 0.1
_OVERRUN_WEIGHT = 0.01
"""Of a new time among the former ones; overrun, even who works alone is slowed by refusals."""


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
        self._overrun_at = float("-inf")

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
                self._window.clear()
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
        self._window.clear()
        if slower > _SLOWER_SHRINKS:
            if self._limit > 1.0:
                self._on_lowered()
            self._limit = max(1.0, self._limit * _KEPT)
        elif slower < _SLOWER_GROWS:
            self._limit = min(float(self._most), self._limit + _STEP)
