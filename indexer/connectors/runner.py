"""A pass over a source: read what has changed, send it, move the cursor once it is indexed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import orjson
import redis
import structlog
from elasticsearch import Elasticsearch

from indexer.batch_sender import BatchSender
from indexer.connectors.base import Page, UnreadRecord
from indexer.connectors.page_sender import DonePage, PageSender
from indexer.connectors.product_ids import ProductIds, find_absent
from indexer.connectors.states import HeldSource, SourceStates
from indexer.connectors.sync_config import Source
from indexer.settings import IndexerSettings
from indexer.target_index import find_or_create
from mappings.errors import InvalidQuery, ShelfwiseError, SourceBusy
from mappings.outbox import Outbox
from mappings.product_changes import ProductChange
from mappings.task_records import TaskRecords, queue_errors

SAVE_SECONDS = 1.0
"""How often the cursor is stored while pages come in fast."""
_STOP_SECONDS = 10.0
"""How long a pass that is told to stop waits for what is under way."""
_SHOWN_UNREAD = 10
_OUTCOMES = ("indexed", "unchanged", "deleted", "stale", "missing", "rejected", "cancelled")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SyncParts:
    """What every source's passes need. owner: a name for this process, unlike all others.

    on_changes: told the source, the index and what became of changes, as soon as it is known.
    """

    settings: IndexerSettings
    client: Elasticsearch
    queue: redis.Redis
    outbox: Outbox
    states: SourceStates
    owner: str
    on_changes: Callable[[str, str, Mapping[str, int]], None] = lambda source, index, counts: None


@dataclass
class PassSummary:
    """What a pass did.

    complete_as_of: up to when all is in the index (ISO 8601). counts: `records`, `unread`, and
    what became of the changes by name.
    """

    source: str
    index: str
    is_complete: bool = False
    complete_as_of: str | None = None
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def has_faults(self) -> bool:
        """Whether some record is not in the index as it should be."""
        return bool(self.counts["unread"] or self.counts["rejected"])

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        done = self.counts["records"]
        rate = done / self.seconds if self.seconds > 0 else 0.0
        return {
            "counts": dict(self.counts),
            "seconds": round(self.seconds, 3),
            "records_per_second": round(rate, 1),
            "is_complete": self.is_complete,
        }


class SourcePass:
    """One pass over a source, by a process that holds it. max_share: of deletes, 0 to 1."""

    def __init__(
        self,
        source: Source,
        parts: SyncParts,
        held: HeldSource,
        stop: Event,
        *,
        max_share: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        options = source.options
        self._source, self._parts, self._held, self._stop = source, parts, held, stop
        self._max_share = options.max_delete if max_share is None else max_share
        self._clock = clock
        self._started = self._saved = clock()
        self._before = Counter(held.state.counts)
        self._unread: list[UnreadRecord] = []
        self._cursor = self._sent_to = held.state.cursor
        self.summary = PassSummary(source.name, options.index)
        settings = parts.settings
        # The first pass is a load; later ones are changes that customers wait for.
        self._sender = PageSender(
            BatchSender(
                parts.outbox,
                TaskRecords(parts.queue, ttl_seconds=settings.task_ttl_seconds),
                options.index,
            ),
            lane="changes" if held.state.complete_as_of else "bulk",
            batch_products=settings.indexer_products_per_task,
            most_batches=settings.indexer_tasks_in_flight,
            patience_seconds=settings.indexer_patience_seconds,
            overdue_seconds=settings.indexer_visibility_timeout_seconds,
        )

    def run(self) -> PassSummary:
        """Read to the present, or until the stop; the state is stored either way.

        Raises what the connector raises, TooManyDeletes, QueueUnavailable, ClusterUnavailable.
        """
        now = datetime.now(UTC).isoformat("T", "milliseconds")
        since = self._arrival()
        try:
            with self._held.kept():
                self._read(since)
        except SourceBusy:
            raise  # what the other process stored stays as it is
        except Exception as error:
            self._save(release=True, last_error={"at": now, "message": described_error(error)})
            raise
        finally:
            self.summary.seconds = self._clock() - self._started
        done = {"complete_as_of": now, "last_error": None} if self.summary.is_complete else {}
        self.summary.complete_as_of = done.get("complete_as_of", self._held.state.complete_as_of)
        self._save(release=True, **done)
        return self.summary

    def _read(self, since: int) -> None:
        is_at_end = True
        with closing(self._source.open()) as connector:
            for page in connector.changes(self._cursor):
                self._take(page, since)
                if self._stop.is_set():
                    is_at_end = False
                    break
        self._drain()
        self.summary.is_complete = is_at_end and self._sender.is_idle

    def _take(self, page: Page, since: int) -> None:
        """Send a page, as soon as there is room for it."""
        self.summary.counts["records"] += len(page.changes) + len(page.unread)
        self._wait_for_room()
        if page.all_ids is None:
            self._sender.send(page.changes, page.cursor, page.unread)
            self._sent_to = page.cursor
            return
        # What is too many deletes is told by an index that has all the source's products. Until
        # then the source counts as read no further than before this page.
        self._sender.send(page.changes, self._sent_to or {}, page.unread)
        self._drain()
        if not self._stop.is_set():
            deletes = self._deletes(page.all_ids, since)
            self._sender.send(deletes, page.cursor, ())

    def _deletes(self, present: ProductIds, since: int) -> Sequence[ProductChange]:
        index = self._source.options.index
        absent = find_absent(
            self._parts.client, index, present, before=since, max_share=self._max_share
        )
        # They count as of the beginning of the pass: what came since then stays.
        return [ProductChange("delete", name, {}, arrival=since) for name in absent]

    def _wait_for_room(self) -> None:
        self._commit(self._sender.collect() if not self._sender.is_idle else [])
        while not self._sender.has_room and not self._stop.is_set():
            self._commit(self._sender.collect())

    def _drain(self) -> None:
        """Wait until all that was sent is in the index, or for a while once told to stop."""
        stopped_at: float | None = None
        while not self._sender.is_idle:
            self._commit(self._sender.collect())
            if self._stop.is_set():
                stopped_at = self._clock() if stopped_at is None else stopped_at
                if self._clock() - stopped_at > _STOP_SECONDS:
                    return

    def _commit(self, pages: Sequence[DonePage]) -> None:
        """Move the cursor behind pages that are in the index; store it now and then."""
        for page in pages:
            counts = Counter(unread=len(page.unread))
            for outcome in page.outcomes:
                for name in _OUTCOMES:
                    self.summary.counts[name] += getattr(outcome, name)
                    counts[name] += getattr(outcome, name)
            self._parts.on_changes(self._source.name, self._source.options.index, counts)
            if any(outcome.cancelled for outcome in page.outcomes):
                raise InvalidQuery("the task of this pass was cancelled", field="task_id")
            self._keep_unread(page.unread)
            self._cursor = page.cursor
        if pages and self._clock() - self._saved >= SAVE_SECONDS:
            self._save()

    def _keep_unread(self, unread: Sequence[UnreadRecord]) -> None:
        self.summary.counts["unread"] += len(unread)
        self._unread = [*self._unread, *unread][-_SHOWN_UNREAD:]
        rejects = self._source.options.rejects
        if unread and rejects is not None:
            with (self._source.context.folder / Path(rejects)).open("ab") as file:
                file.writelines(orjson.dumps(asdict(one)) + b"\n" for one in unread)

    def _save(self, *, release: bool = False, **changes: object) -> None:
        self._saved = self._clock()
        self.summary.seconds = self._clock() - self._started
        counts = self._before + self.summary.counts
        values: dict[str, Any] = {
            "cursor": self._cursor,
            "counts": dict(counts),
            "last_pass": self.summary.to_json(),
            **changes,
        }
        if self._unread:
            values["last_unread"] = tuple(asdict(one) for one in self._unread)
        if release:
            self._held.release(**values)
        else:
            self._held.save(**values)

    def _arrival(self) -> int:
        """Return the present as Redis counts arrivals: microseconds since 1970."""
        with queue_errors():
            seconds, microseconds = self._parts.queue.time()
        return int(seconds) * 1_000_000 + int(microseconds)


def run_pass(
    source: Source, parts: SyncParts, stop: Event, *, max_share: float | None = None
) -> PassSummary:
    """Claim a source and read it to the present.

    Raises SourceBusy while another process reads it, and what SourcePass.run raises.
    """
    index = source.options.index

    def note(text: str) -> None:
        log.warning("source_waits", source=source.name, index=index, reason=text)

    find_or_create(parts.client, index, parts.settings, note=note)
    identity = source.options.identity
    held = parts.states.claim(source.name, parts.owner, index=index, identity=identity)
    return SourcePass(source, parts, held, stop, max_share=max_share).run()


def described_error(error: Exception) -> str:
    """Return what a user is told of an error that ended a pass."""
    if isinstance(error, ShelfwiseError):
        return error.message[:2_000]
    return f"unforeseen: {type(error).__name__}"  # its text may hold anything
