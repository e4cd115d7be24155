"""Loads a file of products: reads, maps, sends batches and follows them to their outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from indexer.batch_sender import BatchSender
from indexer.load_progress import LoadProgress
from indexer.patience import patiently
from indexer.records import RecordFile, SourceRecord
from indexer.rejects_file import RejectsFile
from indexer.settings import IndexerSettings
from mappings.errors import ProductRejected, QueueUnavailable, TemporaryError, UnknownTask
from mappings.feeds.field_map import RecordMap
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome

POLL_SECONDS = 0.05
_RENEW_SECONDS = 10.0
_NO_WORKER_NOTE_SECONDS = 20.0
_RESTORE_SECONDS = 30.0
"""Wait beyond the visibility timeout until a killed worker's batches are surely back."""


class Lease(Protocol):
    """Something that must hear from the load now and then; see RaisedInterval."""

    def renew(self) -> None:
        """Say that the load goes on."""
        ...


@dataclass
class LoadSummary:
    """What became of the records; the counts add up to `records`.

    with_photos: how many name a photo beside their title.
    """

    records: int = 0
    with_photos: int = 0
    indexed: int = 0
    unchanged: int = 0
    stale: int = 0
    rejected: int = 0
    cancelled: int = 0
    seconds: float = 0.0

    def add(self, outcome: BatchOutcome) -> None:
        """Count a batch."""
        self.indexed += outcome.indexed
        self.unchanged += outcome.unchanged
        self.stale += outcome.stale
        self.rejected += outcome.rejected
        self.cancelled += outcome.cancelled

    @property
    def done(self) -> int:
        """Records whose outcome is known."""
        return self.indexed + self.unchanged + self.stale + self.rejected + self.cancelled


@dataclass
class _Pending:
    """The batch that is being filled."""

    records: list[SourceRecord] = field(default_factory=list)
    changes: list[ProductChange] = field(default_factory=list)


class Loader:
    """Loads one file. Redis holds at most `indexer_tasks_in_flight` of its batches.

    lease: renewed while the load runs.
    """

    def __init__(
        self,
        sender: BatchSender,
        rejects: RejectsFile,
        progress: LoadProgress,
        settings: IndexerSettings,
        *,
        lease: Lease | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sender = sender
        self._rejects = rejects
        self._progress = progress
        self._settings = settings
        self._lease = lease
        self._clock = clock
        self._sleep = sleep
        self._records: dict[int, list[SourceRecord]] = {}
        self._last_progress = self._last_renewal = self._started = clock()
        self._last_sent_again = self._started
        self._is_noted = False
        self._expected: int | None = None
        self._summary = LoadSummary()

    def load(self, file: RecordFile, mapping: RecordMap) -> LoadSummary:
        """Load every record and return the summary once the last batch is done.

        When somebody cancels the task, what is left of the file is not read.

        Raises QueueUnavailable when Redis, or every worker, is away longer than the patience.
        """
        for pending in self._batches(file, mapping):
            self._wait_until_fewer(self._settings.indexer_tasks_in_flight)
            if self._summary.cancelled:
                break
            self._send(pending)
        self._expected = self._summary.records
        self._wait_until_fewer(1)
        self._tell()
        self._summary.seconds = self._clock() - self._started
        return self._summary

    def _batches(self, file: RecordFile, mapping: RecordMap) -> Iterator[_Pending]:
        pending = _Pending()
        for record in file:
            self._summary.records += 1
            change = self._change(record, mapping)
            if change is None:
                continue
            pending.records.append(record)
            pending.changes.append(change)
            if len(pending.changes) >= self._settings.indexer_products_per_task:
                self._expect(file.fraction_read)
                yield pending
                pending = _Pending()
        if pending.changes:
            yield pending

    def _change(self, record: SourceRecord, mapping: RecordMap) -> ProductChange | None:
        if record.value is None:
            self._reject(record, None, None, record.problem)
            return None
        try:
            change = mapping.apply(record.value)
        except ProductRejected as error:
            self._reject(record, error.product_id, error.field, error.message)
            return None
        if change.fields.get("title") and change.fields.get("images"):
            self._summary.with_photos += 1
        return change

    def _reject(
        self, record: SourceRecord, product_id: str | None, at: str | None, reason: str
    ) -> None:
        self._summary.rejected += 1
        self._rejects.add(record, product_id=product_id, field=at, reason=reason)

    def _expect(self, fraction_read: float) -> None:
        if 0 < fraction_read:
            self._expected = max(
                self._summary.records, round(self._summary.records / fraction_read)
            )

    def _send(self, pending: _Pending) -> None:
        try:
            batch = self._sender.send(pending.changes, self._expected)
        except QueueUnavailable:
            batch = next(reversed(self._sender.under_way.values()))
            self._records[batch.number] = pending.records
            self._wait_for_redis()
        else:
            self._records[batch.number] = pending.records

    def _wait_until_fewer(self, limit: int) -> None:
        """Collect outcomes until fewer than `limit` batches are under way."""
        while True:
            self._collect()
            self._tell()
            if len(self._sender.under_way) < limit:
                return
            self._check_patience()
            self._sleep(POLL_SECONDS)

    def _collect(self) -> None:
        try:
            finished = self._sender.collect()
        except (QueueUnavailable, UnknownTask):
            self._wait_for_redis()
            return
        for batch, outcome in finished:
            records = self._records.pop(batch.number)
            self._summary.add(outcome)
            for reject in outcome.rejects:
                if reject.position is not None:
                    record = records[reject.position - batch.positions[0]]
                    self._rejects.add(
                        record,
                        product_id=reject.product_id,
                        field=reject.field,
                        reason=reject.reason,
                    )
        if finished:
            self._last_progress = self._clock()

    def _wait_for_redis(self) -> None:
        self._send_again("Redis does not answer or has lost the task; trying again")
        self._last_progress = self._clock()

    def _send_again(self, reason: str) -> None:
        """Queue again what may have been lost, as soon as Redis answers."""
        self._progress.note(reason)
        patiently(
            self._sender.send_again,
            patience_seconds=self._settings.indexer_patience_seconds,
            clock=self._clock,
            sleep=self._sleep,
            on_failure=lambda error: self._progress.note(error.message),
        )
        self._last_sent_again = self._clock()

    def _check_patience(self) -> None:
        quiet = self._clock() - self._last_progress
        if quiet > self._settings.indexer_patience_seconds:
            raise QueueUnavailable(
                f"no worker has finished a batch for {quiet:.0f} s: is `shelfwise worker` "
                "running with the same SHELFWISE_REDIS_URL?"
            )
        if quiet > _NO_WORKER_NOTE_SECONDS and not self._is_noted:
            self._is_noted = True
            self._progress.note(f"no batch was finished for {quiet:.0f} s; waiting for a worker")
        # A worker that is killed just after it took a message from Redis, and before Redis was
        # told who has it, takes the message along. A batch that comes twice does no harm.
        overdue = self._settings.indexer_visibility_timeout_seconds + _RESTORE_SECONDS
        if self._clock() - max(self._last_progress, self._last_sent_again) > overdue:
            self._send_again("No batch was finished for long; sending what is under way again")

    def _tell(self) -> None:
        self._progress.update(self._summary.done, self._expected)
        now = self._clock()
        if self._lease is not None and now - self._last_renewal > _RENEW_SECONDS:
            self._last_renewal = now
            try:
                self._lease.renew()
            except TemporaryError as error:
                self._progress.note(error.message)
