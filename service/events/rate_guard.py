"""How many events a client may send in a minute."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import redis
import structlog

from mappings.errors import RequestError

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60
_KEY_SECONDS = 2 * WINDOW_SECONDS
_WITHOUT_REDIS_SECONDS = 10.0
"""How long Redis is not asked after it failed: each request would wait for it once more."""


class TooManyEvents(RequestError):
    """A client sent more events than it may in a minute."""

    http_status = 429
    code = "too_many_events"


class RateGuard:
    """Counts events by client and whole minute, in Redis for all web processes.

    Without Redis each process counts for itself, so the limit is that many times higher.
    queue: a Redis client. clock: seconds since 1970.
    """

    def __init__(
        self, queue: redis.Redis, *, limit: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._queue = queue
        self.limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._window = -1
        self._counts: dict[str, int] = {}
        self._redis_again_at = -math.inf

    def admit(self, counts: Mapping[str, int]) -> None:
        """Count events of one request, by the client's hash.

        Raises TooManyEvents when a client has no room for its own; then none is counted.
        """
        now = self._clock()
        window = int(now // WINDOW_SECONDS)
        totals = self._add(counts, window, now)
        over = [client for client, total in totals.items() if total > self.limit]
        if not over:
            return
        self._add({client: -count for client, count in counts.items()}, window, now)
        wait = max(1, math.ceil((window + 1) * WINDOW_SECONDS - now))
        raise TooManyEvents(
            f"client_id: a client may send {self.limit:,} events a minute, and "
            f"{counts[over[0]]:,} more of one are too many; again in {wait} s",
            field="client_id",
            retry_after_seconds=wait,
        )

    def _add(self, counts: Mapping[str, int], window: int, now: float) -> dict[str, int]:
        if now >= self._redis_again_at:
            try:
                return self._add_in_redis(counts, window)
            except redis.RedisError as error:
                self._redis_again_at = now + _WITHOUT_REDIS_SECONDS
                log.warning("events_counted_without_redis", reason=type(error).__name__)
        return self._add_in_memory(counts, window)

    def _add_in_redis(self, counts: Mapping[str, int], window: int) -> dict[str, int]:
        keys = [f"shelfwise:events:rate:{window}:{client}" for client in counts]
        with self._queue.pipeline(transaction=False) as pipe:
            for key, count in zip(keys, counts.values(), strict=True):
                pipe.incrby(key, count)
                pipe.expire(key, _KEY_SECONDS)
            answers: list[Any] = pipe.execute()
        return dict(zip(counts, answers[::2], strict=True))

    def _add_in_memory(self, counts: Mapping[str, int], window: int) -> dict[str, int]:
        with self._lock:
            if window != self._window:
                self._window, self._counts = window, {}
            for client, count in counts.items():
                self._counts[client] = max(0, self._counts.get(client, 0) + count)
            return {client: self._counts[client] for client in counts}
