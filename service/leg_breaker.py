"""Searches that do not wait for vectors while Elasticsearch has been too slow with them.

Each search with vectors waits for its whole deadline before words answer alone. After a few of
them in a row the next ones ask for words at once, for some seconds. Then one search tries the
vectors again: if they come, all have them again; if not, all wait once more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

FAILURES = 3
"""Deadlines in a row. One alone may be a pause of the collector, or a segment just merged."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _State:
    """What is known of an index. until: no search asks for vectors before; 0 for no pause."""

    failures: int = 0
    until: float = 0.0


class LegBreaker:
    """Knows of each index whether its vectors are waited for. One per process, thread-safe.

    pause_seconds: 0 for no pauses. on_timeout, on_pause: told the index of each search that was
    given up at its deadline, and of each pause.
    """

    def __init__(
        self,
        pause_seconds: float,
        *,
        failures: int = FAILURES,
        clock: Callable[[], float] = time.monotonic,
        on_timeout: Callable[[str], None] = lambda index: None,
        on_pause: Callable[[str], None] = lambda index: None,
    ) -> None:
        self._pause_seconds = pause_seconds
        self._most = failures
        self._clock = clock
        self._on_timeout = on_timeout
        self._on_pause = on_pause
        self._lock = threading.Lock()
        self._states: dict[str, _State] = {}

    def reason(self, index: str) -> str:
        """Return why a search should not ask for vectors now, empty when it should.

        The first search after a pause is told to ask, and the others wait for what becomes of it.
        """
        with self._lock:
            state = self._states.get(index)
            if state is None or not state.until:
                return ""
            now = self._clock()
            if now >= state.until:
                # Should nobody hear of this one again, the next one tries after another pause.
                self._states[index] = replace(state, until=now + self._pause_seconds)
                return ""
        return f"too slow {self._most} times in a row, left out for some seconds"

    def timed_out(self, index: str) -> None:
        """Count a search whose vectors did not come in time."""
        self._on_timeout(index)
        if not self._pause_seconds:
            return
        with self._lock:
            state = self._states.get(index, _State())
            failures = min(state.failures + 1, self._most)
            if failures < self._most:
                self._states[index] = _State(failures)
                return
            is_new = not state.until
            self._states[index] = _State(failures, self._clock() + self._pause_seconds)
        if is_new:
            _log.warning("vectors_paused", index=index, seconds=self._pause_seconds)
            self._on_pause(index)

    def answered(self, index: str) -> None:
        """Forget what was, as vectors came in time."""
        if index not in self._states:  # as nearly always
            return
        with self._lock:
            state = self._states.pop(index, None)
        if state is not None and state.until:
            _log.info("vectors_again", index=index)
