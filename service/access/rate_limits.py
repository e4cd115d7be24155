"""How many requests a minute a key and an address may send."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import redis
import structlog

from mappings.errors import QueueUnavailable, TooManyRequests

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60
_WITHOUT_REDIS_SECONDS = 10.0
"""How long Redis is not asked after it failed: each request would wait for it once more."""
_ROOT = "shelfwise:rate:"

# Buckets that hold a minute's requests and fill evenly. A key holds the time at which its bucket
# is full again (the generic cell rate algorithm), so it is one number, and gone when it is full.
# All buckets of a request are charged, or none is: who is refused pays nothing.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1e6
local window = tonumber(ARGV[1])
local full, refused = {}, false
for place, key in ipairs(KEYS) do
  local step = window / tonumber(ARGV[place + 1])
  local at = math.max(tonumber(redis.call('GET', key) or '0'), now) + step
  full[place] = at
  if at - now > window + 1e-6 then refused = true end
end
local answer = {refused and 1 or 0}
for place, key in ipairs(KEYS) do
  local step = window / tonumber(ARGV[place + 1])
  local at = full[place]
  if refused then
    at = at - step
  else
    redis.call('SET', key, string.format('%.6f', at), 'PX', math.ceil((at - now) * 1000))
  end
  answer[place + 1] = string.format('%.6f', at - now)
end
return answer
"""


@dataclass(frozen=True)
class Bucket:
    """Whose requests are counted, and how they stand. full_in_seconds: until none counts."""

    of: str
    limit: int
    full_in_seconds: float

    @property
    def remaining(self) -> int:
        """Return how many requests may still be sent at once."""
        free = (WINDOW_SECONDS - self.full_in_seconds) * self.limit / WINDOW_SECONDS
        return max(0, math.floor(free + 1e-6))

    @property
    def wait_seconds(self) -> int:
        """Return the whole seconds until the next request, at least 1."""
        step = WINDOW_SECONDS / self.limit
        return max(1, math.ceil(self.full_in_seconds + step - WINDOW_SECONDS - 1e-6))


@dataclass(frozen=True)
class Verdict:
    """What is said of a request. buckets: none where nothing was counted."""

    is_refused: bool = False
    buckets: tuple[Bucket, ...] = ()

    def require(self) -> None:
        """Raise TooManyRequests for one that is refused."""
        if self.is_refused:
            bucket = max(self.buckets, key=lambda one: one.wait_seconds)
            raise TooManyRequests(
                f"this {bucket.of} may send {bucket.limit:,} requests a minute; again in "
                f"{bucket.wait_seconds} s",
                field=bucket.of,
                retry_after_seconds=bucket.wait_seconds,
            )

    def headers(self) -> dict[str, str]:
        """Return the `RateLimit-*` headers of the bucket that is nearest to its limit."""
        if not self.buckets:
            return {}
        tight = min(self.buckets, key=lambda one: one.remaining)
        return {
            "RateLimit-Limit": str(tight.limit),
            "RateLimit-Remaining": str(tight.remaining),
            "RateLimit-Reset": str(math.ceil(tight.full_in_seconds)),
        }


class RateLimits:
    """Counts requests in Redis, for all processes together.

    client: should have a short timeout, as each request asks it. per_key, per_address: requests
    a minute, 0 for no limit. closed: whether requests are refused while Redis is away.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        per_key: int,
        per_address: int,
        closed: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._take = client.register_script(_TAKE)
        self._per_key = per_key
        self._per_address = per_address
        self._closed = closed
        self._clock = clock
        self._redis_again_at = -math.inf

    def count(self, address: str, key_id: str | None) -> Verdict:
        """Count a request; raises QueueUnavailable without Redis when that is `closed`."""
        wanted: list[tuple[str, str, int]] = []
        if key_id is not None and self._per_key:
            wanted.append(("key", f"{_ROOT}key:{key_id}", self._per_key))
        if self._per_address:
            wanted.append(("address", f"{_ROOT}address:{address}", self._per_address))
        if not wanted:
            return Verdict()
        if self._clock() < self._redis_again_at:
            return self._without_redis()
        try:
            answer: Sequence[Any] = self._take(
                keys=[key for _, key, _ in wanted],
                args=[WINDOW_SECONDS, *(limit for _, _, limit in wanted)],
            )
        except redis.RedisError as error:
            self._redis_again_at = self._clock() + _WITHOUT_REDIS_SECONDS
            log.warning("requests_not_counted", reason=type(error).__name__)
            return self._without_redis()
        buckets = tuple(
            Bucket(of, limit, float(left))
            for (of, _, limit), left in zip(wanted, answer[1:], strict=True)
        )
        return Verdict(bool(answer[0]), buckets)

    def _without_redis(self) -> Verdict:
        if self._closed:
            raise QueueUnavailable(
                "requests cannot be counted without Redis",
                retry_after_seconds=math.ceil(_WITHOUT_REDIS_SECONDS),
            )
        return Verdict()
