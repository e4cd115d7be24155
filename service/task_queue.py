"""Sends changes of products to the workers, by the task's name alone."""

from __future__ import annotations

from collections.abc import Sequence

from celery import Celery
from kombu.exceptions import OperationalError

from mappings.errors import QueueUnavailable
from mappings.outbox import Outbox, Outgoing, Publish
from mappings.product_changes import INDEX_CHANGES_TASK, Lane, ProductChange, queue_of
from mappings.task_records import RETRY_AFTER_SECONDS


def publisher(broker_url: str) -> Publish:
    """Return what puts a batch's message into its queue, at once or not at all."""
    celery = Celery(broker=broker_url, set_as_current=False)
    celery.conf.update(
        task_serializer="json",
        broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5},
        broker_connection_retry=False,
    )

    def publish(lane: Lane, task_id: str, batch: int, index: str) -> None:
        try:
            celery.send_task(
                INDEX_CHANGES_TASK,
                kwargs={"task_id": task_id, "batch": batch, "index": index},
                queue=queue_of(lane),
                ignore_result=True,
                retry=False,
            )
        except OperationalError as error:
            raise QueueUnavailable(
                "Redis cannot be used: the changes were not queued",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            ) from error

    return publish


class TaskQueue:
    """Cuts changes into batches and submits them under one task."""

    def __init__(self, outbox: Outbox, *, batch_products: int) -> None:
        self._outbox = outbox
        self._batch_products = batch_products

    def submit(self, index: str, changes: Sequence[ProductChange]) -> str:
        """Queue the changes and return the task's id.

        Raises QueueUnavailable; they may be kept by then and be indexed later, and sending
        them again does no harm.
        """
        size = self._batch_products
        batches = [
            Outgoing(
                number,
                "changes",
                changes[start : start + size],
                range(start, min(start + size, len(changes))),
            )
            for number, start in enumerate(range(0, len(changes), size))
        ]
        return self._outbox.submit(index, batches)
