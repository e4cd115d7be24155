"""A number in Redis that tells every process of a service that the rules have changed."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

SIGNAL_SECONDS = 0.05
"""How long a search waits at most for Redis to say whether the rules have changed."""

RETRY_SECONDS = 2.0
"""How long a Redis that did not answer is left alone, so that not every search waits for it."""


def connect_signal(url: str, *, timeout_seconds: float = SIGNAL_SECONDS) -> redis.Redis:
    """Return a Redis client that answers in time or not at all; nothing is sent yet."""
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )


class RulesSignal:
    """Counts the changes of an index's rules; neither method ever raises.

    client: of `connect_signal`. clock: seconds that only grow.
    """

    def __init__(
        self, client: redis.Redis, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._silent_until = float("-inf")

    def send(self, index: str) -> bool:
        """Tell every process that the rules of an index have changed; False without Redis."""
        try:
            self._client.incr(_key(index))
        except redis.RedisError as error:
            # The change itself is kept. Others find it when they look at the state next.
            log.warning("rules_signal_not_sent", index=index, reason=str(error))
            return False
        return True

    def read(self, index: str) -> bytes | None:
        """Return what changes with the rules; None before the first change and without Redis."""
        if self._clock() < self._silent_until:
            return None
        try:
            value = self._client.get(_key(index))
        except redis.RedisError as error:
            self._silent_until = self._clock() + RETRY_SECONDS
            log.warning("rules_signal_not_read", index=index, reason=str(error))
            return None
        return value if isinstance(value, bytes) else None


def _key(index: str) -> str:
    return f"shelfwise:rules:{index}"
