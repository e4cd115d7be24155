"""One delivery of one batch: run it, record its outcome, or say when to try again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from indexer.patience import backoff_seconds, patiently
from indexer.pipeline import Pipeline
from indexer.settings import IndexerSettings
from mappings.errors import ShelfwiseError, TemporaryError
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome, Reject, TaskRecords

_Result = TypeVar("_Result")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Batch:
    """A batch as it came from the queue.

    attempt: how often it was put back before, from 0. first_position: place of its first
    change in what the sender got. changes: messages of ProductChange.
    """

    task_id: str
    number: int
    index: str
    changes: Sequence[Mapping[str, Any]]
    first_position: int = 0
    attempt: int = 0


class BatchRunner:
    """Runs batches so that each ends in the task's record, whatever happens.

    A batch that was delivered twice and is recorded already is left alone.
    """

    def __init__(
        self,
        pipeline: Callable[[], Pipeline],
        records: TaskRecords,
        settings: IndexerSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pipeline = pipeline
        self._records = records
        self._settings = settings
        self._sleep = sleep

    def run(self, batch: Batch) -> float | None:
        """Run a batch; return the seconds after which it should be tried again, else None.

        Raises QueueUnavailable when Redis stays away for longer than the patience.
        """
        if self._with_redis(lambda: self._records.is_finished(batch.task_id, batch.number)):
            return None
        outcome = self._outcome(batch)
        if isinstance(outcome, float):
            return outcome
        self._with_redis(lambda: self._records.finish_batch(batch.task_id, batch.number, outcome))
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

    def _outcome(self, batch: Batch) -> BatchOutcome | float:
        starts = self._with_redis(
            lambda: self._records.count_delivery(batch.task_id, batch.number, batch.attempt)
        )
        if starts > self._settings.indexer_max_deliveries:
            reason = f"given up: {starts - 1} workers died over the batch of this product"
            _log.error("batch_given_up", task=batch.task_id, batch=batch.number, reason=reason)
            return _all_rejected(batch, reason)
        try:
            changes = [ProductChange.from_message(message) for message in batch.changes]
            return self._pipeline().process(
                batch.index, changes, first_position=batch.first_position
            )
        except TemporaryError as error:
            return self._later(batch, error)
        except ShelfwiseError as error:
            _log.error(
                "batch_refused", task=batch.task_id, batch=batch.number, error=error.message
            )
            return _all_rejected(batch, error.message, field=error.field)
        except Exception as error:  # the products must not vanish, whatever the fault
            _log.exception("batch_failed", task=batch.task_id, batch=batch.number)
            return _all_rejected(batch, f"unexpected failure: {type(error).__name__}: {error}")

    def _later(self, batch: Batch, error: TemporaryError) -> BatchOutcome | float:
        attempts = batch.attempt + 1
        if attempts >= self._settings.indexer_max_attempts:
            _log.error("batch_given_up", task=batch.task_id, batch=batch.number, attempts=attempts)
            return _all_rejected(batch, f"given up after {attempts} attempts: {error.message}")
        wait = backoff_seconds(
            batch.attempt,
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


def _all_rejected(batch: Batch, reason: str, *, field: str | None = None) -> BatchOutcome:
    rejects = tuple(
        Reject(message.get("id"), field, reason, batch.first_position + position)
        for position, message in enumerate(batch.changes)
    )
    return BatchOutcome(rejects=rejects, rejected=len(rejects))
