"""Puts the batches of a load into the outbox, few at a time, and collects their outcomes."""

from __future__ import annotations

from collections.abc import Sequence

from mappings.errors import UnknownTask
from mappings.outbox import Outbox, Outgoing, new_task_id
from mappings.product_changes import Lane, ProductChange
from mappings.task_records import BatchOutcome, TaskRecords


class BatchSender:
    """The batches of one load into one index, under one task record.

    The batches under way are kept here too, so that they can be submitted once more when
    Redis came back without them.
    """

    def __init__(self, outbox: Outbox, records: TaskRecords, index: str) -> None:
        self._outbox = outbox
        self._records = records
        self._index = index
        self._next_number = 0
        self._next_position = 0
        self.task_id: str | None = None
        self.under_way: dict[int, Outgoing] = {}

    def send(
        self,
        changes: Sequence[ProductChange],
        expected: int | None = None,
        *,
        lane: Lane = "bulk",
    ) -> Outgoing:
        """Submit a batch and return it.

        expected: about how many products the load has in all.

        It is under way from then on even when QueueUnavailable is raised: `send_again`
        submits it.
        """
        positions = range(self._next_position, self._next_position + len(changes))
        batch = Outgoing(self._next_number, lane, changes, positions)
        self._next_number += 1
        self._next_position += len(changes)
        self.under_way[batch.number] = batch
        self._submit([batch], expected)
        return batch

    def collect(self) -> list[tuple[Outgoing, BatchOutcome]]:
        """Return the batches that were finished since the last call, with their outcomes.

        Raises QueueUnavailable, and UnknownTask when Redis has lost the task.
        """
        if self.task_id is None or not self.under_way:
            return []
        outcomes = self._records.read_batches(self.task_id, list(self.under_way))
        return [(self.under_way.pop(number), outcome) for number, outcome in outcomes.items()]

    def send_again(self) -> None:
        """Submit everything that is under way once more, under a new task if the old is lost.

        What Redis has kept is only sent again, and what a worker has in hand stays with it.
        """
        try:
            if self.task_id is not None:
                self._records.read_batches(self.task_id, [])
        except UnknownTask:
            self.task_id = None
        self._submit(list(self.under_way.values()))

    def cancel(self) -> int:
        """Take back the batches that no worker has begun, and return how many they were.

        Raises QueueUnavailable, and UnknownTask when Redis has lost the task.
        """
        return 0 if self.task_id is None else self._outbox.cancel(self.task_id)

    def _submit(self, batches: Sequence[Outgoing], expected: int | None = None) -> None:
        # Numbered here, so that a change which is sent again keeps its arrival.
        numbered = self._outbox.numbered(batches)
        self.under_way |= {batch.number: batch for batch in numbered}
        if numbered:
            # Known before it is there: Ctrl-C in between must find what to cancel.
            self.task_id = self.task_id or new_task_id()
            self._outbox.submit(self._index, numbered, self.task_id, expected=expected)
