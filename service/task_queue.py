"""Sends changes of products to the workers, by the task's name alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery import Celery
from kombu.exceptions import OperationalError

from mappings.errors import QueueUnavailable
from mappings.product_changes import INDEX_CHANGES_TASK, INDEXING_QUEUE, ProductChange
from mappings.task_records import RETRY_AFTER_SECONDS, TaskRecords


class TaskQueue:
    """Cuts changes into batches and queues them under one task."""

    def __init__(self, broker_url: str, records: TaskRecords, *, batch_products: int) -> None:
        self._celery = Celery(broker=broker_url, set_as_current=False)
        self._celery.conf.update(
            task_serializer="json",
            broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5},
            broker_connection_retry=False,
        )
        self._records = records
        self._batch_products = batch_products

    def submit(self, index: str, changes: Sequence[ProductChange]) -> str:
        """Queue the changes and return the task's id.

        Raises QueueUnavailable; some batches may have been queued by then, and sending
        them again does no harm.
        """
        task_id = self._records.create(index, total=len(changes))
        for number, batch in enumerate(_batches(changes, self._batch_products)):
            message = {
                "task_id": task_id,
                "batch": number,
                "index": index,
                "first_position": number * self._batch_products,
                "changes": [change.to_message() for change in batch],
            }
            try:
                self._celery.send_task(
                    INDEX_CHANGES_TASK,
                    kwargs=message,
                    queue=INDEXING_QUEUE,
                    ignore_result=True,
                    retry=False,
                )
            except OperationalError as error:
                raise QueueUnavailable(
                    "Redis cannot be used: the changes were not queued",
                    retry_after_seconds=RETRY_AFTER_SECONDS,
                ) from error
        return task_id


def _batches(changes: Sequence[ProductChange], size: int) -> Iterator[Sequence[ProductChange]]:
    for start in range(0, len(changes), size):
        yield changes[start : start + size]
