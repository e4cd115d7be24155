"""Puts the batches of a load into the queue, few at a time, and collects their outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from mappings.errors import QueueUnavailable, UnknownTask
from mappings.product_changes import INDEX_CHANGES_TASK, INDEXING_QUEUE
from mappings.task_records import RETRY_AFTER_SECONDS, BatchOutcome, TaskRecords


@dataclass(frozen=True)
class SentBatch:
    """A batch that may still be under way. first_position: of its first change in the load."""

    number: int
    first_position: int
    messages: Sequence[Mapping[str, Any]]


class BatchSender:
    """The batches of one load into one index, under one task record.

    The batches under way are kept here, so that they can be sent once more when Redis came
    back without them; a worker leaves alone what is recorded already.
    """

    def __init__(self, app: Celery, records: TaskRecords, index: str) -> None:
        self._app = app
        self._records = records
        self._index = index
        self._next_number = 0
        self._next_position = 0
        self._times_sent_again = 0
        self.task_id: str | None = None
        self.under_way: dict[int, SentBatch] = {}

    def send(self, messages: Sequence[Mapping[str, Any]]) -> SentBatch:
        """Queue a batch and return it.

        It is under way from then on even when QueueUnavailable is raised: `send_again`
        brings it into the queue.
        """
        batch = SentBatch(self._next_number, self._next_position, messages)
        self._next_number += 1
        self._next_position += len(messages)
        self.under_way[batch.number] = batch
        if self.task_id is None:
            self.task_id = self._records.create(self._index, total=len(messages))
        else:
            self._records.extend(self.task_id, by=len(messages))
        self._publish(batch)
        return batch

    def collect(self) -> list[tuple[SentBatch, BatchOutcome]]:
        """Return the batches that were finished since the last call, with their outcomes.

        Raises QueueUnavailable, and UnknownTask when Redis has lost the task.
        """
        if self.task_id is None or not self.under_way:
            return []
        outcomes = self._records.read_batches(self.task_id, list(self.under_way))
        return [(self.under_way.pop(number), outcome) for number, outcome in outcomes.items()]

    def send_again(self) -> None:
        """Queue everything that is under way once more, under a new task if the old is lost."""
        try:
            if self.task_id is not None:
                self._records.read_batches(self.task_id, [])
        except UnknownTask:
            self.task_id = None
        if self.task_id is None:
            total = sum(len(batch.messages) for batch in self.under_way.values())
            self.task_id = self._records.create(self._index, total=total)
        # Another attempt to the worker, not a second start of one over which a worker died.
        self._times_sent_again += 1
        for batch in self.under_way.values():
            self._publish(batch)

    def _publish(self, batch: SentBatch) -> None:
        try:
            self._app.send_task(
                INDEX_CHANGES_TASK,
                kwargs={
                    "task_id": self.task_id,
                    "batch": batch.number,
                    "index": self._index,
                    "changes": batch.messages,
                    "first_position": batch.first_position,
                },
                queue=INDEXING_QUEUE,
                ignore_result=True,
                retries=self._times_sent_again,
                retry=False,
            )
        except OperationalError as error:
            raise QueueUnavailable(
                "Redis cannot be used: a batch was not queued",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            ) from error
