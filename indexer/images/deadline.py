"""The moment by which a fetch must be over, whatever the server does."""

from __future__ import annotations

import time
from collections.abc import Callable


class Deadline:
    """Counts down from a number of seconds; one belongs to one fetch."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Return the seconds left, 0 or less once it is over."""
        return self._end - self._clock()

    def wait_at_most(self, seconds: float) -> float:
        """Return how long one step may wait: `seconds`, or less if less is left.

        Raises TimeoutError when nothing is left.
        """
        remaining = self.remaining()
        if remaining <= 0:
            raise TimeoutError("the time for this photo is over")
        return min(seconds, remaining)
