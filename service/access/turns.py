"""A bounded number of requests at a time, and a bounded number that wait, each for so long."""

from __future__ import annotations

import threading
import time
from collections import deque

_IN_ORDER_SHARE = 0.1
"""Of the longest wait: as long as that, who came first is served first."""


class _Waiter:
    __slots__ = ("has_turn", "since", "woken")

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.has_turn = False
        self.since = time.monotonic()


class Turns:
    """Gives turns to threads.

    Those who wait are served in order while they are few and the wait is short. When more than
    half of the room is taken, or somebody has waited for a tenth of the longest wait, the newest
    goes first, and one more than there is room for sends the oldest away: under overload
    somebody must be refused, and who came first has waited longest in vain. So those who are
    served have hardly waited, however many come.

    turns: how many at a time. room: how many may wait. wait_seconds: the longest wait.
    in_order_seconds: the wait from which on the newest goes first, by default a tenth of it.
    """

    def __init__(
        self,
        turns: int,
        *,
        room: int,
        wait_seconds: float,
        in_order_seconds: float | None = None,
    ) -> None:
        self._turns = turns
        self._taken = 0
        self._room = room
        self._wait_seconds = wait_seconds
        if in_order_seconds is None:
            in_order_seconds = wait_seconds * _IN_ORDER_SHARE
        self._in_order_seconds = in_order_seconds
        self._lock = threading.Lock()
        self._waiters: deque[_Waiter] = deque()

    def take(self, *, waited_seconds: float = 0.0) -> bool:
        """Return whether it is this thread's turn; who gets one gives it back.

        waited_seconds: how long the request has been waiting elsewhere, which counts.
        """
        with self._lock:
            if self._taken < self._turns:
                self._taken += 1
                return True
            left = self._wait_seconds - waited_seconds
            if not self._room or left <= 0:
                return False
            if len(self._waiters) >= self._room:
                self._waiters.popleft().woken.set()
            waiter = _Waiter()
            self._waiters.append(waiter)
        waiter.woken.wait(left)
        with self._lock:
            if not waiter.has_turn and waiter in self._waiters:
                self._waiters.remove(waiter)
            return waiter.has_turn

    def take_spare(self) -> bool:
        """Return whether a turn was free at once, while nobody waits for one."""
        with self._lock:
            if self._taken < self._turns and not self._waiters:
                self._taken += 1
                return True
            return False

    def give_back(self) -> None:
        """End a turn; the next one who waits has it at once."""
        with self._lock:
            self._taken -= 1
            self._call_next()

    def limit_to(self, turns: int) -> None:
        """Give so many turns at a time from now on; who has one keeps it."""
        with self._lock:
            self._turns = turns
            self._call_next()

    @property
    def taken(self) -> int:
        """Return how many have a turn."""
        return self._taken

    @property
    def is_overrun(self) -> bool:
        """Return whether more than half of the room is taken: more come than are answered."""
        return 2 * len(self._waiters) > self._room

    def _call_next(self) -> None:
        while self._waiters and self._taken < self._turns:
            waiter = self._waiters.pop() if self._is_crowded() else self._waiters.popleft()
            self._taken += 1
            waiter.has_turn = True
            waiter.woken.set()

    def _is_crowded(self) -> bool:
        waited = time.monotonic() - self._waiters[0].since
        return self.is_overrun or waited >= self._in_order_seconds
