"""The Celery message of a batch, which service and workers put into a queue alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from kombu.exceptions import OperationalError

from mappings.errors import QueueUnavailable
from mappings.outbox import Publish
from mappings.product_changes import INDEX_CHANGES_TASK, Lane, queue_of
from mappings.task_records import RETRY_AFTER_SECONDS
from mappings.tracing import outgoing_context

REQUEST_ID = "request_id"
"""Header of a message: the id of the request that brought it, as it stands in the logs."""

SendTask = Callable[..., Any]
"""Celery's `send_task`, of an application that is made elsewhere."""


def message_headers() -> dict[str, str]:
    """Return what a message carries of the request that brought it: its id, and its trace."""
    request_id = structlog.contextvars.get_contextvars().get(REQUEST_ID)
    return outgoing_context() | ({REQUEST_ID: request_id} if request_id else {})


def publisher(send_task: SendTask, *, failure: str) -> Publish:
    """Return what puts a batch's message into its queue, at once or not at all.

    failure: what was not done, for the message when Redis cannot be used.
    """

    def publish(lane: Lane, task_id: str, batch: int, index: str) -> None:
        try:
            send_task(
                INDEX_CHANGES_TASK,
                kwargs={"task_id": task_id, "batch": batch, "index": index},
                queue=queue_of(lane),
                headers=message_headers(),
                ignore_result=True,
                retry=False,
            )
        except OperationalError as error:
            raise QueueUnavailable(
                f"Redis cannot be used: {failure}", retry_after_seconds=RETRY_AFTER_SECONDS
            ) from error

    return publish
