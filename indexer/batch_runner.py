"""One delivery of one batch: run it, record its outcome, or say when to try again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from indexer.isolation import placed, process_one_by_one, rejected, total
from indexer.patience import backoff_seconds, patiently
from indexer.pipeline import Pipeline
from indexer.settings import IndexerSettings
from mappings.errors import EncoderNeeded, ShelfwiseError, TemporaryError
from mappings.outbox import BatchName, Delivery, KeptBatch, Outbox
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome, Reject

_Result = TypeVar("_Result")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Batch:
    """A batch as its Celery message names it; message_id: of that message."""

    task_id: str
    number: int
    index: str
    message_id: str

    @property
    def name(self) -> BatchName:
        """Return its name in the outbox."""
        return self.task_id, self.number


class BatchRunner:
    """Runs batches so that each ends in the task's record, whatever happens.

    A message of a batch that is finished, or that another worker has, is dropped.
    """

    def __init__(
        self,
        pipeline: Callable[[], Pipeline],
        outbox: Outbox,
        settings: IndexerSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pipeline = pipeline
        self._outbox = outbox
        self._settings = settings
        self._sleep = sleep

    def run(self, batch: Batch) -> float | None:
        """Run a batch; return the seconds after which it should be tried again, else None.

        Raises QueueUnavailable when Redis stays away for longer than the patience.
        """
        delivery = self._with_redis(lambda: self._outbox.begin(batch.name, batch.message_id))
        if delivery is None:
            return None
        try:
            outcome = self._outcome(batch, delivery)
        except EncoderNeeded:
            names = [kept.name for kept in delivery.batches]
            self._with_redis(lambda: self._outbox.move(names, batch.index, "changes"))
            return None
        if isinstance(outcome, float):
            self._with_redis(lambda: self._outbox.postpone(batch.name, outcome))
            return outcome
        self._with_redis(lambda: self._outbox.finish({batch.name: outcome}))
        _log.info(
            "batch_done",
            task=batch.task_id,
            batch=batch.number,
            index=batch.index,
            indexed=outcome.indexed,
            unchanged=outcome.unchanged,
            rejected=outcome.rejected,
        )
        return None

    def _outcome(self, batch: Batch, delivery: Delivery) -> BatchOutcome | float:
        starts = delivery.starts
        changes, malformed = _read(delivery.batches[0])
        if starts > self._settings.indexer_max_deliveries:
            reason = f"given up: {starts - 1} workers died over the batch of this product"
            _log.error("batch_given_up", task=batch.task_id, batch=batch.number, reason=reason)
            return total([rejected(changes, reason), malformed])
        try:
            return total([self._apply(batch, changes, is_first=starts == 1), malformed])
        except TemporaryError as error:
            wait = self._wait(batch, delivery.attempt, error)
            reason = f"given up after {delivery.attempt + 1} attempts: {error.message}"
            return total([rejected(changes, reason), malformed]) if wait is None else wait
        except EncoderNeeded:
            raise
        except ShelfwiseError as error:
            _log.error(
                "batch_refused", task=batch.task_id, batch=batch.number, error=error.message
            )
            return total([rejected(changes, error.message, field=error.field), malformed])

    def _apply(
        self, batch: Batch, changes: Sequence[tuple[int, ProductChange]], *, is_first: bool
    ) -> BatchOutcome:
        """Apply the changes together; one by one after a death or an unexpected failure."""
        pipeline = self._pipeline()
        if is_first:
            try:
                outcome = pipeline.process(batch.index, [change for _, change in changes])
                return placed(outcome, [position for position, _ in changes])
            except ShelfwiseError:
                raise
            except Exception:  # a fault of one product must not reject its neighbours
                _log.exception("batch_failed", task=batch.task_id, batch=batch.number)
        return process_one_by_one(
            lambda group: pipeline.process(batch.index, group),
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


def _read(batch: KeptBatch) -> tuple[list[tuple[int, ProductChange]], BatchOutcome]:
    """Return the changes with their positions, and the rejects of what is none."""
    changes: list[tuple[int, ProductChange]] = []
    rejects: list[Reject] = []
    for position, message in batch.changes:
        try:
            changes.append((position, ProductChange.from_message(message)))
        except (KeyError, TypeError, AttributeError) as error:
            reason = f"the message is no change of a product: {type(error).__name__}: {error}"
            rejects.append(Reject(None, None, reason, position))
    return changes, BatchOutcome(rejects=tuple(rejects), rejected=len(rejects))
