"""How many photos of one host are fetched at a time, and how quickly one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from indexer.images.deadline import Deadline


@dataclass
class _Host:
    running: int = 0
    waiting: int = 0
    next_start: float = 0.0


class HostTurns:
    """Lets the threads of one process in, host by host.

    at_once: fetches of one host that may run at a time. delay_seconds: from the start of one
    to the start of the next. Both hold for this process: several workers add up.
    """

    def __init__(self, *, at_once: int, delay_seconds: float) -> None:
        self._at_once = at_once
        self._delay = delay_seconds
        self._changed = threading.Condition()
        self._hosts: dict[str, _Host] = {}

    @contextmanager
    def turn(self, host: str, deadline: Deadline) -> Iterator[None]:
        """Hold one of the host's places. Raises TimeoutError when none is free in time."""
        self._enter(host, deadline)
        try:
            yield
        finally:
            with self._changed:
                self._hosts[host].running -= 1
                self._changed.notify_all()

    def _enter(self, host: str, deadline: Deadline) -> None:
        with self._changed:
            self._forget_idle()
            state = self._hosts.setdefault(host, _Host())
            state.waiting += 1
            try:
                while True:
                    now = time.monotonic()
                    if state.running < self._at_once and state.next_start <= now:
                        break
                    full = state.running >= self._at_once
                    pause = deadline.remaining() if full else state.next_start - now
                    self._changed.wait(deadline.wait_at_most(max(pause, 0.0)))
                state.running += 1
                state.next_start = now + self._delay
            finally:
                state.waiting -= 1

    def _forget_idle(self) -> None:
        # A feed of a million hosts must not stay in memory.
        now = time.monotonic()
        for host, state in list(self._hosts.items()):
            if not state.running and not state.waiting and state.next_start <= now:
                del self._hosts[host]
