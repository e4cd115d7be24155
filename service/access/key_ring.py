"""The API keys as a process knows them: read all at once, gone by for some seconds."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from mappings.errors import ShelfwiseError
from service.access.keys import ApiKey

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 1.0
AGAIN_READS = 10
"""How often the keys are read again for ids that are not among them, as new ones may be: so many
times at once, and then once in so many seconds.

All keys are read, never the one that was asked for: who tries ids costs the cluster one request
a second in the long run, and fills no memory.
"""


class KeyRing:
    """Finds keys by id.

    read: returns all keys. ttl_seconds: how long what was read counts; while the cluster is away
    it counts on, so the keys that are known keep working. clock: seconds that only grow.
    """

    def __init__(
        self,
        read: Callable[[], Sequence[ApiKey]],
        *,
        ttl_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._keys: Mapping[str, ApiKey] | None = None
        self._failure: ShelfwiseError | None = None
        self._read_at = -math.inf
        self._reads_left = float(AGAIN_READS)
        self._counted_at = clock()

    def find(self, key_id: str) -> ApiKey | None:
        """Return a key, expired and revoked ones too, or None.

        Raises a TemporaryError when no key was ever read and the cluster does not serve.
        """
        self._refresh(self._ttl_seconds)
        if self._keys is None or key_id not in self._keys:
            self._refresh(0.0 if self._may_read_again() else self._ttl_seconds)
        return (self._keys or {}).get(key_id)

    def _may_read_again(self) -> bool:
        now = self._clock()
        with self._counting:
            more = (now - self._counted_at) / AGAIN_SECONDS
            self._reads_left = min(float(AGAIN_READS), self._reads_left + more)
            self._counted_at = now
            if self._reads_left < 1:
                return False
            self._reads_left -= 1
            return True

    def _refresh(self, older_than_seconds: float) -> None:
        if self._clock() - self._read_at < older_than_seconds and self._keys is not None:
            return
        asked_at = self._clock()
        # One thread reads; the others go by what is known meanwhile, unless nothing is.
        if not self._lock.acquire(blocking=self._keys is None):
            return
        try:
            if self._clock() - self._read_at < older_than_seconds and self._keys is not None:
                return
            if self._failure is not None and self._read_at > asked_at:
                # Else those who wait for the cluster would each wait as long as all before them.
                raise self._failure.with_traceback(None)
            self._read_all()
        finally:
            self._lock.release()

    def _read_all(self) -> None:
        try:
            self._keys = {key.id: key for key in self._read()}
            self._failure = None
        except ShelfwiseError as error:
            if self._keys is None:
                self._failure = error
                raise
            log.warning("keys_not_read", code=error.code, known=len(self._keys))
        finally:
            self._read_at = self._clock()
