"""The Celery application: how batches travel through Redis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from celery import Celery

from indexer.settings import IndexerSettings
from mappings import batch_messages
from mappings.outbox import Publish
from mappings.product_changes import LANES, queue_of

RESTORE_CHECK_SECONDS = 10.0
"""How often a worker looks for batches whose worker was killed."""
_SOCKET_SECONDS = 10.0


class LaneOrder:
    """The order in which Redis is asked for the next message: a lane before those after it.

    Written out, since kombu's own order by priority loses the order of the queues in some of
    its versions (kombu issue 801). The methods are those of its round_robin_cycle.
    """

    def __init__(self, queues: Sequence[str] = ()) -> None:
        self._queues = list(queues)

    def update(self, queues: Iterable[str]) -> None:
        """Take the queues that are listened to."""
        known = [queue_of(lane) for lane in LANES]
        self._queues = sorted(queues, key=known.index)

    def consume(self, count: int) -> list[str]:
        """Return the first so many queues."""
        return self._queues[:count]

    def rotate(self, last_used: str) -> str:
        """Leave the order as it is."""
        return last_used


def create_app(settings: IndexerSettings) -> Celery:
    """Return the application; nothing is connected until it is used.

    A batch is acknowledged after its work (`acks_late`), returns at once when a child process
    dies (`reject_on_worker_lost`), and after the visibility timeout when the whole worker does.
    """
    app = Celery("shelfwise", broker=settings.redis_url.get_secret_value(), set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_default_queue=queue_of("bulk"),
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=False,
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_transport_options={
            "visibility_timeout": settings.indexer_visibility_timeout_seconds,
            "unacked_restore_interval": min(
                RESTORE_CHECK_SECONDS, settings.indexer_janitor_seconds
            ),
            "unacked_restore_throttle": 1,
            "queue_order_strategy": LaneOrder,
            "socket_timeout": _SOCKET_SECONDS,
            "socket_connect_timeout": _SOCKET_SECONDS,
            "socket_keepalive": True,
        },
    )
    return app


def publisher(app: Celery) -> Publish:
    """Return what puts a batch's message into its queue."""
    return batch_messages.publisher(app.send_task, failure="a batch was not queued")
