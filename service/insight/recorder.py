"""One quiet thread of each process: writes what was counted, samples the queue, forgets.

A search never waits for it. What cannot be written is kept for the next time, up to a limit, and
then the oldest of it is dropped and counted.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
import structlog

from mappings.errors import ShelfwiseError
from mappings.queue_state import QueueState, read_queue_state
from service.events.event_store import EventStore
from service.insight.log_store import LogStore
from service.insight.search_log import LoggedSearch, SearchLog

FLUSH_SECONDS = 10.0
SAMPLE_SECONDS = 60
PURGE_SECONDS = 3_600
MOST_WAITING = 5_000
"""Documents that are kept while the cluster is away; one takes about a kilobyte."""

CLOSE_SECONDS = 3.0
_SAMPLED = "shelfwise:insight:sampled"
_PURGED = "shelfwise:insight:purged"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Retention:
    """For how many days is kept what was recorded of searches, and events; 0 is for ever."""

    searches: int
    events: int


class Recorder:
    """Keeps the record of searches of one process.

    queue: with a short time limit. on_drop: hears how many documents were given up.
    is_on: without it nothing is noted, and old records and events are forgotten all the same.
    """

    def __init__(
        self,
        store: LogStore,
        events: EventStore,
        queue: redis.Redis,
        *,
        retention: Retention,
        is_on: bool = True,
        on_drop: Callable[[int], None] = lambda count: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._events = events
        self._queue = queue
        self._retention = retention
        self._is_on = is_on
        self._on_drop = on_drop
        self._now = now
        self._log = SearchLog()
        self._waiting: deque[dict[str, Any]] = deque()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_failing = False

    def note(self, search: LoggedSearch) -> None:
        """Count a search."""
        if self._is_on:
            self._log.note(search)

    def start(self) -> None:
        """Begin to write in the background; nothing is written before."""
        self._thread = threading.Thread(target=self._run, name="search-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is left, and end; gives up after some seconds."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def flush(self) -> int:
        """Write what was counted; return how many documents that were.

        Raises a ShelfwiseError when they were not written; they are kept for the next call.
        """
        self._waiting.extend(self._log.take())
        self._drop_oldest()
        batch = list(self._waiting)
        if batch:
            self._store.write(batch)
            self._waiting.clear()
        return len(batch)

    def sample_queue(self) -> bool:
        """Record how much waits for the workers, once a minute of all processes.

        Returns whether it was this one's turn. Raises QueueUnavailable.
        """
        if not self._is_on or not self._has_turn(_SAMPLED, SAMPLE_SECONDS - 5):
            return False
        at = round(self._now().timestamp() * 1e3)
        self._waiting.extend(_queue_documents(at, read_queue_state(self._queue)))
        return True

    def purge(self) -> bool:
        """Forget what is older than is to be kept, once an hour of all processes.

        Returns whether it was this one's turn. Raises a TemporaryError without the cluster.
        """
        if not self._has_turn(_PURGED, PURGE_SECONDS - 60):
            return False
        now, days, events = self._now(), 0, 0
        if self._retention.searches:
            days = self._store.purge(now - timedelta(days=self._retention.searches))
        if self._retention.events:
            events = self._events.purge(now - timedelta(days=self._retention.events))
        if days or events:
            log.info("old_records_purged", days_of_searches=days, events=events)
        return True

    def _has_turn(self, key: str, seconds: int) -> bool:
        """Whether this process is to do it; without Redis none is."""
        try:
            return bool(self._queue.set(key, 1, nx=True, ex=seconds))
        except redis.RedisError:
            return False

    def _run(self) -> None:
        next_sample = next_purge = time.monotonic()
        while not self._stop.wait(FLUSH_SECONDS):
            if time.monotonic() >= next_sample:
                next_sample += SAMPLE_SECONDS
                self._try(self.sample_queue)
            self._try(self.flush)
            if time.monotonic() >= next_purge:
                next_purge += PURGE_SECONDS
                self._try(self.purge)
        self._try(self.flush)

    def _try(self, step: Callable[[], object]) -> None:
        try:
            step()
        except ShelfwiseError as error:
            if not self._is_failing:
                log.warning("search_log_not_written", reason=error.message)
            self._is_failing = True
        except Exception as error:  # the thread has to outlive what nobody foresaw
            log.error("search_log_broke", exc_info=error)
        else:
            self._is_failing = False

    def _drop_oldest(self) -> None:
        over = len(self._waiting) - MOST_WAITING
        if over > 0:
            for _ in range(over):
                self._waiting.popleft()
            self._on_drop(over)


def _queue_documents(at: int, state: QueueState) -> list[dict[str, Any]]:
    batch = secrets.token_hex(8)
    return [
        {
            "id": f"{batch}-{lane}",
            "kind": "queue",
            "at": at,
            "lane": lane,
            "oldest_seconds": round(one.oldest_seconds, 3),
            "changes": one.changes,
            "waiting": one.waiting,
            "dead_letters": state.dead_letters,
        }
        for lane, one in state.lanes.items()
    ]
