"""What a worker does beside its batches: lost messages, abandoned loads, rebuilds, tombstones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from elasticsearch import Elasticsearch

from indexer.bulk_writer import BulkWriter, DocumentWrite, StoredDocument
from indexer.rebuild.driver import RebuildDriver, RebuildStopped
from indexer.refresh_interval import RefreshIntervals
from mappings.cluster import cluster_errors
from mappings.errors import TemporaryError
from mappings.index_lifecycle import LiveIndex, list_indexes
from mappings.index_versions import find_next, read_rebuild
from mappings.outbox import Outbox

TOMBSTONE_SECONDS = 3_600.0
_TOMBSTONES_AT_ONCE = 1_000
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Chore:
    """Something to do every so many seconds, by one worker of all unless `is_shared`."""

    name: str
    seconds: float
    action: Callable[[], object]
    is_shared: bool = False


def start_chores(chores: Sequence[Chore], outbox: Outbox, stopped: threading.Event) -> None:
    """Run each chore in a thread of its own until the event is set."""
    for chore in chores:
        threading.Thread(target=_repeat, args=(chore, outbox, stopped), daemon=True).start()


def _repeat(chore: Chore, outbox: Outbox, stopped: threading.Event) -> None:
    while not stopped.wait(chore.seconds):
        try:
            if chore.is_shared or outbox.is_my_turn(chore.seconds, chore.name):
                chore.action()
        except TemporaryError as error:
            _log.warning("chore_not_done", chore=chore.name, reason=error.message)
        except Exception:
            _log.exception("chore_not_done", chore=chore.name)


def send_overdue(outbox: Outbox) -> None:
    """Send again what was lost together with a worker."""
    if count := outbox.send_overdue():
        _log.warning("batches_sent_again", count=count)


def restore_intervals(intervals: RefreshIntervals) -> None:
    """Put back the refresh intervals that killed loads have left behind."""
    for index in intervals.restore_abandoned():
        _log.info("refresh_interval_restored", index=index)


def drop_tombstones(client: Elasticsearch, *, days: int) -> int:
    """Delete what stands for products that were deleted so long ago; return how many.

    What is delivered later than that may bring an old product back.
    """
    count = sum(_drop_tombstones(client, live, days) for live in list_indexes(client))
    if count:
        _log.info("tombstones_dropped", count=count)
    return count


def _drop_tombstones(client: Elasticsearch, live: LiveIndex, days: int) -> int:
    writer, count = BulkWriter(client), 0
    while True:
        with cluster_errors(index=live.name):
            client.indices.refresh(index=live.index)
            answer = client.search(
                index=live.index,
                query={"range": {"deleted_at": {"lt": f"now-{days}d"}}},
                size=_TOMBSTONES_AT_ONCE,
                source=False,
                seq_no_primary_term=True,
            )
        writes = [
            DocumentWrite(
                hit["_id"],
                None,
                StoredDocument(hit["_id"], hit["_seq_no"], hit["_primary_term"], {}, {}),
            )
            for hit in answer["hits"]["hits"]
        ]
        results = writer.write(live.index, writes) if writes else {}
        written = sum(result.state == "written" for result in results.values())
        count += written
        if not written:
            return count


def drive_rebuilds(client: Elasticsearch, driver: RebuildDriver) -> None:
    """Go on with rebuilds that nobody drives: of the API, or of a command that was killed."""
    for live in list_indexes(client):
        target = find_next(client, live.name)
        if target is None:
            continue
        rebuild = read_rebuild(client, target.index)
        is_fed = rebuild.kind == "feed" and rebuild.step == "copying"
        if rebuild.step == "failed" or is_fed:
            continue
        try:
            driver.drive(live.name, _LoggedProgress(live.name))
        except RebuildStopped as error:
            _log.error("rebuild_stopped", index=live.name, reason=error.message)


class _LoggedProgress:
    """Progress of a rebuild for a log."""

    LINE_SECONDS = 10.0

    def __init__(self, name: str) -> None:
        self._name = name
        self._last = time.monotonic()

    def __enter__(self) -> _LoggedProgress:
        return self

    def __exit__(self, *details: object) -> None:
        pass

    def update(self, done: int, expected: int | None, detail: str = "") -> None:
        if time.monotonic() - self._last > self.LINE_SECONDS:
            self._last = time.monotonic()
            _log.info(
                "rebuild_goes_on", index=self._name, done=done, total=expected, detail=detail
            )

    def note(self, text: str) -> None:
        _log.info("rebuild", index=self._name, note=text)
