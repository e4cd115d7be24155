"""Fewer refreshes while a big load runs, and the old interval back afterwards, whatever happens.

Each refresh makes a small segment with a vector graph of its own, which is merged again and
again. A loader says every few seconds that it is alive; when it was killed, a worker or the
next loader puts the interval back.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

import redis
import structlog
from elasticsearch import Elasticsearch

from indexer.patience import patiently
from mappings.cluster import cluster_errors
from mappings.errors import TemporaryError, UnknownIndex
from mappings.task_records import queue_errors

LEASE_SECONDS = 60
"""A loader that has said nothing for so long is taken for dead."""

_GIVE_BACK_PATIENCE_SECONDS = 15.0
_INDEXES_KEY = "shelfwise:loads:intervals"
_DEFAULT = "default"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Lease:
    """A loader's claim on an index. before: the interval to put back after the last one."""

    id: str
    index: str
    before: str


class RefreshIntervals:
    """Raises and restores the refresh interval of indexes; several loads at once share it.

    Every method raises the errors of Elasticsearch and Redis in our tree.
    """

    def __init__(
        self,
        cluster: Elasticsearch,
        queue: redis.Redis,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._cluster = cluster
        self._queue = queue
        self._clock = clock

    def raise_to(self, index: str, seconds: int) -> Lease:
        """Raise the interval of a versioned index; renew the lease and give it back."""
        before = self._read(index)
        with queue_errors():
            is_first = self._queue.hsetnx(_INDEXES_KEY, index, before)
            kept = self._queue.hget(_INDEXES_KEY, index)
        lease = Lease(secrets.token_hex(8), index, before if kept is None else _text(kept))
        self.renew(lease)
        if is_first:
            self._write(index, f"{seconds}s")
        return lease

    def is_raised(self, index: str) -> bool:
        """Return whether a load has raised the interval of a versioned index."""
        with queue_errors():
            return bool(self._queue.hexists(_INDEXES_KEY, index))

    def renew(self, lease: Lease) -> None:
        """Say that the loader is alive; what Redis has forgotten meanwhile is told it again."""
        with queue_errors(), self._queue.pipeline(transaction=True) as pipe:
            pipe.zadd(_leases_key(lease.index), {lease.id: self._clock() + LEASE_SECONDS})
            pipe.expire(_leases_key(lease.index), 10 * LEASE_SECONDS)
            pipe.hsetnx(_INDEXES_KEY, lease.index, lease.before)
            pipe.execute()

    def give_back(self, lease: Lease) -> None:
        """End a lease; the last one puts the interval back and makes the load searchable."""
        self.renew(lease)
        with queue_errors():
            self._queue.zrem(_leases_key(lease.index), lease.id)
        self._restore_when_free(lease.index)

    def restore_abandoned(self) -> list[str]:
        """Put back the interval of every index whose loaders have died; return the indexes."""
        with queue_errors():
            names = [_text(key) for key in self._queue.hkeys(_INDEXES_KEY)]
        return [name for name in names if self._restore_when_free(name)]

    def _restore_when_free(self, index: str) -> bool:
        with queue_errors():
            self._queue.zremrangebyscore(_leases_key(index), "-inf", self._clock())
            if self._queue.zcard(_leases_key(index)):
                return False
            before = self._queue.hget(_INDEXES_KEY, index)
        if before is None:
            return False
        try:
            self._write(index, None if _text(before) == _DEFAULT else _text(before))
            with cluster_errors(index=index):
                self._cluster.indices.refresh(index=index)
        except UnknownIndex:
            pass  # dropped meanwhile: there is nothing to put back
        with queue_errors():
            self._queue.hdel(_INDEXES_KEY, index)
        return True

    def _read(self, index: str) -> str:
        with cluster_errors(index=index):
            answer = self._cluster.indices.get_settings(index=index)
        settings = answer[index]["settings"]["index"]
        return str(settings.get("refresh_interval", _DEFAULT))

    def _write(self, index: str, interval: str | None) -> None:
        with cluster_errors(index=index):
            self._cluster.indices.put_settings(
                index=index, settings={"index": {"refresh_interval": interval}}
            )


class RaisedInterval:
    """The raised interval of one index for as long as a `with` block lasts; see RefreshIntervals.

    seconds: the interval meanwhile. `renew` must be called at least every LEASE_SECONDS.
    """

    def __init__(self, intervals: RefreshIntervals, index: str, seconds: int) -> None:
        self._intervals = intervals
        self._index = index
        self._seconds = seconds
        self._lease: Lease | None = None

    def __enter__(self) -> RaisedInterval:
        self._lease = self._intervals.raise_to(self._index, self._seconds)
        return self

    def renew(self) -> None:
        """Say that the load goes on."""
        if self._lease is not None:
            self._intervals.renew(self._lease)

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        lease = self._lease
        if lease is None:
            return
        try:
            patiently(
                lambda: self._intervals.give_back(lease),
                patience_seconds=_GIVE_BACK_PATIENCE_SECONDS,
            )
        except TemporaryError as error:
            # It is noted in Redis, so a worker puts the interval back when both are there again.
            _log.warning("refresh_interval_not_restored", index=self._index, reason=error.message)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _leases_key(index: str) -> str:
    return f"shelfwise:loads:{index}"
