"""One delivery of one batch: run it, record its outcome, or say when to try again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from indexer.gathering import Group, read_group
from indexer.isolation import process_one_by_one, rejected
from indexer.patience import backoff_seconds, patiently
from indexer.pipeline import Pipeline
from indexer.rejected_changes import letters_of
from indexer.settings import IndexerSettings
from indexer.telemetry import WorkerTelemetry
from mappings.dead_letters import DeadLetters
from mappings.errors import EncoderNeeded, ShelfwiseError, TemporaryError
from mappings.outbox import BatchName, Delivery, Outbox
from mappings.product_changes import Lane, ProductChange
from mappings.task_records import BatchOutcome
from mappings.tracing import span

LOGGED_PRODUCTS = 10
"""Products of a batch that its line in the log names, and rejects that get a line."""

_Result = TypeVar("_Result")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Batch:
    """A batch as its Celery message names it; message_id: of that message.

    lane: whose queue the message came from.
    """

    task_id: str
    number: int
    index: str
    message_id: str
    lane: Lane = "bulk"

    @property
    def is_load(self) -> bool:
        """Whether it is of a load, whose changes may wait for the next refresh."""
        return self.lane == "bulk"

    @property
    def name(self) -> BatchName:
        """Return its name in the outbox."""
        return self.task_id, self.number


class BatchRunner:
    """Runs batches so that each ends in the task's record, whatever happens.

    A message of a batch that is finished, or that another worker has, is dropped. Small
    batches that wait go along with the first of them, and share its attempts.
    on_change: told of the index after a batch that is not of a load. telemetry: counts.
    """

    def __init__(
        self,
        pipeline: Callable[[], Pipeline],
        outbox: Outbox,
        letters: DeadLetters,
        settings: IndexerSettings,
        *,
        on_change: Callable[[str], None] = lambda index: None,
        telemetry: WorkerTelemetry | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pipeline = pipeline
        self._on_change = on_change
        self._telemetry = telemetry or WorkerTelemetry()
        self._outbox = outbox
        self._letters = letters
        self._settings = settings
        self._sleep = sleep

    def run(self, batch: Batch) -> float | None:
        """Run a batch; return the seconds after which it should be tried again, else None.

        Raises QueueUnavailable when Redis stays away for longer than the patience.
        """
        delivery = self._delivery(batch)
        if delivery is None:
            return None
        group = read_group(delivery)
        try:
            with span("worker.batch", index=batch.index, task=batch.task_id):
                outcome = self._outcome(batch, delivery, group)
        except EncoderNeeded:
            names = [kept.name for kept in delivery.batches]
            self._with_redis(lambda: self._outbox.move(names, batch.index, "changes"))
            self._telemetry.delivered(batch.lane, "moved")
            return None
        if isinstance(outcome, float):
            self._with_redis(lambda: self._outbox.postpone(batch.name, outcome))
            self._telemetry.delivered(batch.lane, "postponed")
            return outcome
        self._telemetry.delivered(batch.lane, "done")
        self._finish(batch, delivery, group, group.split(outcome))
        if not batch.is_load:
            self._on_change(batch.index)
        return None

    def _delivery(self, batch: Batch) -> Delivery | None:
        """Take the batch and, when it is small, others that wait, once they had time to come."""
        age = self._settings.indexer_gather_milliseconds / 1_000
        most = self._settings.indexer_products_per_task if age else 0
        if age:
            wait = self._with_redis(lambda: self._outbox.seconds_until(batch.name, age, size=most))
            if wait:
                self._sleep(wait)
        return self._with_redis(
            lambda: self._outbox.begin(batch.name, batch.message_id, together=most)
        )

    def _finish(
        self,
        batch: Batch,
        delivery: Delivery,
        group: Group,
        outcomes: Mapping[BatchName, BatchOutcome],
    ) -> None:
        letters = [
            letter
            for name, outcome in outcomes.items()
            if outcome.rejects
            for letter in letters_of(
                name[0], batch.index, group.changes_of(name), outcome, delivery.attempt + 1
            )
        ]
        if letters:
            # Before the changes leave the outbox: a change is always in one of the two.
            self._with_redis(lambda: self._letters.add(letters))
        self._with_redis(lambda: self._outbox.finish(outcomes))
        for (task, number), outcome in outcomes.items():
            changes = group.changes_of((task, number))
            arrivals = [change.arrival for _, change in changes if change.arrival]
            self._telemetry.finished(batch.lane, batch.index, outcome, min(arrivals, default=0))
            for reject in outcome.rejects[:LOGGED_PRODUCTS]:
                _log.warning(
                    "product_rejected",
                    task=task,
                    index=batch.index,
                    product=reject.product_id,
                    field=reject.field,
                    reason=reject.reason,
                )
            _log.info(
                "batch_done",
                task=task,
                batch=number,
                index=batch.index,
                indexed=outcome.indexed,
                unchanged=outcome.unchanged,
                rejected=outcome.rejected,
                together=len(outcomes),
                products=[change.product_id for _, change in changes[:LOGGED_PRODUCTS]],
            )

    def _outcome(self, batch: Batch, delivery: Delivery, group: Group) -> BatchOutcome | float:
        """Return what became of the group, by place, or the seconds until the next attempt."""
        starts, changes = delivery.starts, group.changes
        if starts > self._settings.indexer_max_deliveries:
            reason = f"given up: {starts - 1} workers died over the batch of this product"
            _log.error("batch_given_up", task=batch.task_id, batch=batch.number, reason=reason)
            return rejected(changes, reason)
        try:
            return self._apply(batch, changes, is_first=starts == 1)
        except TemporaryError as error:
            wait = self._wait(batch, delivery.attempt, error)
            reason = f"given up after {delivery.attempt + 1} attempts: {error.message}"
            return rejected(changes, reason) if wait is None else wait
        except EncoderNeeded:
            raise
        except ShelfwiseError as error:
            _log.error(
                "batch_refused", task=batch.task_id, batch=batch.number, error=error.message
            )
            return rejected(changes, error.message, field=error.field)

    def _apply(
        self, batch: Batch, changes: Sequence[tuple[int, ProductChange]], *, is_first: bool
    ) -> BatchOutcome:
        """Apply the changes together; one by one after a death or an unexpected failure."""
        pipeline = self._pipeline()
        if is_first:
            try:
                return pipeline.process(batch.index, [change for _, change in changes])
            except ShelfwiseError:
                raise
            except Exception:  # a fault of one product must not reject its neighbours
                _log.exception("batch_failed", task=batch.task_id, batch=batch.number)
        return process_one_by_one(
            lambda group: pipeline.process(batch.index, group, with_photos=False),
            changes,
            _Suspects(self._outbox, batch.name),
        )

    def _wait(self, batch: Batch, attempt: int, error: TemporaryError) -> float | None:
        """Return the seconds until the next attempt, None when there is none."""
        attempts = attempt + 1
        if attempts >= self._settings.indexer_max_attempts:
            _log.error("batch_given_up", task=batch.task_id, batch=batch.number, attempts=attempts)
            return None
        wait = backoff_seconds(
            attempt,
            first=self._settings.indexer_backoff_seconds,
            longest=self._settings.indexer_max_backoff_seconds,
        )
        _log.warning(
            "batch_postponed",
            task=batch.task_id,
            batch=batch.number,
            attempt=attempts,
            seconds=round(wait, 1),
            reason=error.message,
        )
        return wait

    def _with_redis(self, action: Callable[[], _Result]) -> _Result:
        return patiently(
            action, patience_seconds=self._settings.indexer_patience_seconds, sleep=self._sleep
        )


class _Suspects:
    """See indexer.isolation.Suspects; kept beside the batch."""

    def __init__(self, outbox: Outbox, name: BatchName) -> None:
        self._outbox = outbox
        self._name = name

    def deaths(self) -> Mapping[str, int]:
        return self._outbox.suspects(self._name)

    def started(self, product_id: str) -> None:
        self._outbox.count_suspect(self._name, product_id, 1)

    def ended(self, product_id: str) -> None:
        self._outbox.count_suspect(self._name, product_id, -1)
