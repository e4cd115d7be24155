"""The Celery tasks; all that they do is in the batch runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog
from celery import Celery, Task
from celery.exceptions import Reject

from indexer.batch_runner import Batch, BatchRunner
from indexer.photos.photo_task import PhotoTask
from mappings.batch_messages import REQUEST_ID
from mappings.errors import QueueUnavailable
from mappings.product_changes import (
    EMBED_PHOTOS_TASK,
    INDEX_CHANGES_TASK,
    LANES,
    Lane,
    queue_of,
)
from mappings.tracing import continued_from


def register_tasks(
    app: Celery, runner: Callable[[], BatchRunner], photos: Callable[[], PhotoTask]
) -> None:
    """Give the application its tasks.

    runner, photos: make what the tasks do at the first one, in the process that runs it, so that
    a model is never loaded before a fork.
    """

    def index_changes(self: Task, *, task_id: str, batch: int, index: str) -> None:
        """Apply a batch of product changes; see indexer.batch_runner."""
        try:
            with _as_requested(self):
                lane = _lane(self.request.delivery_info["routing_key"])
                wait = runner().run(Batch(task_id, batch, index, self.request.id, lane))
            if wait is not None:
                self.retry(countdown=wait)
        except (QueueUnavailable, Reject) as error:
            # Celery would drop a message that it cannot put back; it must return instead.
            raise Reject(str(error), requeue=True) from error

    app.task(name=INDEX_CHANGES_TASK, bind=True, max_retries=None, ignore_result=True)(
        index_changes
    )

    def embed_photos(self: Task, *, index: str, product_ids: Sequence[str]) -> None:
        """Fetch and encode photos of products; see indexer.photos.photo_task."""
        try:
            with _as_requested(self):
                photos().run(index, product_ids)
        except QueueUnavailable as error:
            raise Reject(str(error), requeue=True) from error

    app.task(name=EMBED_PHOTOS_TASK, bind=True, max_retries=None, ignore_result=True)(embed_photos)


@contextmanager
def _as_requested(task: Task) -> Iterator[None]:
    """Log and trace as part of the request that brought the message."""
    headers = task.request.headers or {}
    request_id = headers.get(REQUEST_ID)
    bound = {REQUEST_ID: request_id} if request_id else {}
    with structlog.contextvars.bound_contextvars(**bound), continued_from(headers):
        yield


def _lane(queue: str) -> Lane:
    return next((lane for lane in LANES if queue_of(lane) == queue), "bulk")
