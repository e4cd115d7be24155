"""Where the time of a request goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up milliseconds by stage, from its making on."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time inside the block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1e3
            self._stages[stage] = self._stages.get(stage, 0.0) + spent

    def readings(self) -> dict[str, float]:
        """Return milliseconds by stage, and `total` since the making."""
        return {"total": (time.perf_counter() - self._start) * 1e3, **self._stages}
