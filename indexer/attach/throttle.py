"""Not more than so many documents a second."""

from __future__ import annotations

import time
from collections.abc import Callable


class Throttle:
    """Makes its caller wait so that documents pass at a rate at most. rate: None for no limit."""

    def __init__(
        self,
        rate: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._free_at = clock()

    def passed(self, documents: int) -> None:
        """Wait until as many documents may be on their way as have passed, these included."""
        if self._rate is None or documents == 0:
            return
        now = self._clock()
        # Time in which nothing passed is not saved up for a burst.
        self._free_at = max(self._free_at, now) + documents / self._rate
        self._sleep(self._free_at - now)
