"""Vectors of texts that were encoded lately, kept in Redis for all workers together.

The same text comes again with another product, under another index, or with a product that was
deleted and comes back; then its vector is taken from here and no encoder runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import redis
import structlog
from numpy.typing import NDArray
from redis.backoff import NoBackoff
from redis.retry import Retry

from indexer.settings import IndexerSettings

Vector = NDArray[np.float32]

OnLookup = Callable[[int, int], None]
"""Told the hits and misses of a look-up."""

UNUSED_SECONDS = 7 * 86_400
"""A cache that nobody has used for so long goes, e.g. one that was switched off."""

PAUSE_SECONDS = 30.0
"""How long Redis is left alone after a failure, so that batches do not wait for it in turn."""

_SOCKET_SECONDS = 2.0
_KEYS = ("shelfwise:vectors:by-digest", "shelfwise:vectors:last-uses")
_STORED = "<f4"
_log = structlog.get_logger(__name__)

# KEYS: vectors by digest, times of the last use by digest. ARGV: seconds to keep, digests.
_GET = """
local now = redis.call('TIME')
local found = {}
for place = 2, #ARGV do
  local vector = redis.call('HGET', KEYS[1], ARGV[place])
  if vector then
    redis.call('ZADD', KEYS[2], now[1] * 1000000 + now[2], ARGV[place])
  end
  found[place - 1] = vector
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return found
"""

# ARGV: seconds to keep, most entries, then digest and vector in turn. Takes away what it has
# brought and 10,000 more at most, so that a smaller limit than before does not stop Redis.
_PUT = """
if redis.call('HLEN', KEYS[1]) ~= redis.call('ZCARD', KEYS[2]) then
  redis.call('UNLINK', KEYS[1], KEYS[2])
end
local now = redis.call('TIME')
for place = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[place], ARGV[place + 1])
  redis.call('ZADD', KEYS[2], now[1] * 1000000 + now[2], ARGV[place])
end
local excess = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[2])
if excess > 0 then
  local oldest = redis.call('ZPOPMIN', KEYS[2], math.min(excess, #ARGV + 10000))
  for place = 1, #oldest, 2 do
    redis.call('HDEL', KEYS[1], oldest[place])
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
"""


class VectorCache:
    """The vectors used last, by digest; several workers and threads share it.

    entries: most vectors kept, of all encoders together; 0 switches the cache off.
    on_lookup: told hits and misses.
    A Redis that is away or full makes every look-up a miss and fails nothing. It is told in
    the log, and Redis is asked again after PAUSE_SECONDS.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        entries: int,
        clock: Callable[[], float] = time.monotonic,
        on_lookup: OnLookup = lambda hits, misses: None,
    ) -> None:
        self._entries = entries
        self._clock = clock
        self._on_lookup = on_lookup
        self._asleep_until = -float("inf")
        self._get = client.register_script(_GET)
        self._put = client.register_script(_PUT)

    def get_many(self, digests: Sequence[str]) -> dict[str, Vector]:
        """Return digest to vector, float32, of those that are there.

        Their length is not checked here: the reader knows what its encoder's should be.
        """
        if not digests or not self._entries:
            return {}
        vectors = self._read(digests) if self._is_awake() else {}
        self._on_lookup(len(vectors), len(set(digests)) - len(vectors))
        return vectors

    def _read(self, digests: Sequence[str]) -> dict[str, Vector]:
        try:
            found = self._get(_KEYS, [UNUSED_SECONDS, *digests])
        except redis.RedisError as error:
            self._sleep(error)
            return {}
        return {
            digest: np.frombuffer(raw, dtype=_STORED).astype(np.float32)
            for digest, raw in zip(digests, found, strict=True)
            if raw and len(raw) % np.dtype(_STORED).itemsize == 0
        }

    def put_many(self, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors by digest; what was not used for longest makes room for them."""
        if not vectors or not self._is_awake():
            return
        arguments: list[str | bytes | int] = [UNUSED_SECONDS, self._entries]
        for digest, vector in vectors.items():
            arguments += [digest, np.asarray(vector, dtype=_STORED).tobytes()]
        try:
            self._put(_KEYS, arguments)
        except redis.RedisError as error:
            self._sleep(error)

    def _is_awake(self) -> bool:
        return self._entries > 0 and self._clock() >= self._asleep_until

    def _sleep(self, error: redis.RedisError) -> None:
        self._asleep_until = self._clock() + PAUSE_SECONDS
        _log.warning(
            "vector_cache_unavailable",
            reason=f"{type(error).__name__}: {error}",
            pause_seconds=PAUSE_SECONDS,
        )


def connect_cache(
    settings: IndexerSettings, *, on_lookup: OnLookup = lambda hits, misses: None
) -> VectorCache:
    """Return the cache of the settings' Redis; nothing is sent until its first use."""
    client = redis.Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=_SOCKET_SECONDS,
        socket_connect_timeout=_SOCKET_SECONDS,
        # One more try for a connection that a restarted Redis has closed; a batch must not wait.
        retry=Retry(NoBackoff(), 1),
    )
    return VectorCache(client, entries=settings.indexer_vector_cache_entries, on_lookup=on_lookup)
