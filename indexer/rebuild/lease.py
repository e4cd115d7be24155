"""One driver at a time: a lock in Redis that outlives its holder by seconds only."""

from __future__ import annotations

import threading
from types import TracebackType

import redis
import structlog
from redis.exceptions import LockError

from mappings.task_records import queue_errors

LEASE_SECONDS = 15.0
"""A holder that has said nothing for so long is taken for dead."""

_RENEW_SECONDS = 4.0
_log = structlog.get_logger(__name__)


class Lease:
    """Held and renewed by a thread of its own for as long as a `with` block lasts."""

    def __init__(self, queue: redis.Redis, name: str) -> None:
        self._name = name
        self._lock = queue.lock(
            f"shelfwise:lease:{name}", timeout=LEASE_SECONDS, thread_local=False
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self._is_lost = False

    def acquire(self) -> bool:
        """Return whether nobody else holds it; then it is ours. Raises QueueUnavailable."""
        with queue_errors():
            return bool(self._lock.acquire(blocking=False))

    @property
    def is_lost(self) -> bool:
        """Return whether somebody else may hold it meanwhile."""
        return self._is_lost

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        try:
            self._lock.release()
        except (LockError, redis.RedisError):
            _log.warning("lease_not_returned", name=self._name)

    def _renew(self) -> None:
        while not self._ended.wait(_RENEW_SECONDS):
            try:
                self._lock.reacquire()
            except LockError:
                self._is_lost = True
                return
            except redis.RedisError:
                continue  # it is held in vain until Redis is back, and then perhaps lost
