"""Sends changes of products to the workers, by the task's name alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from celery import Celery

from mappings import batch_messages
from mappings.outbox import Outbox, Outgoing, Publish
from mappings.product_changes import Lane, ProductChange
from service.live_indexes import LiveIndexes

_SLOW_FIELDS = ("vectors", "images")
"""Long, or to be downloaded: they would hold up the prices behind them."""


def publisher(broker_url: str) -> Publish:
    """Return what puts a batch's message into its queue, at once or not at all."""
    celery = Celery(broker=broker_url, set_as_current=False)
    celery.conf.update(
        task_serializer="json",
        broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5},
        broker_connection_retry=False,
    )
    return batch_messages.publisher(celery.send_task, failure="the changes were not queued")


class TaskQueue:
    """Cuts changes into batches, each for its lane, and submits them under one task."""

    def __init__(self, outbox: Outbox, indexes: LiveIndexes, *, batch_products: int) -> None:
        self._outbox = outbox
        self._indexes = indexes
        self._batch_products = batch_products

    def submit(self, index: str, changes: Sequence[ProductChange]) -> str:
        """Queue the changes and return the task's id.

        Raises QueueUnavailable; they may be kept by then and be indexed later, and sending
        them again does no harm. Raises UnknownIndex.
        """
        encoder = self._indexes.get(index).text_encoder
        read = encoded_fields(encoder.template) if encoder else frozenset()
        by_lane: dict[Lane, list[int]] = {}
        for position, change in enumerate(changes):
            # Many at once would keep the fast lane from what is sent singly.
            is_many = len(changes) > self._batch_products
            lane: Lane = "changes" if is_many else lane_of(change, read)
            by_lane.setdefault(lane, []).append(position)
        groups = [
            (lane, positions[start : start + self._batch_products])
            for lane, positions in by_lane.items()
            for start in range(0, len(positions), self._batch_products)
        ]
        return self._outbox.submit(
            index,
            [
                Outgoing(number, lane, [changes[at] for at in positions], positions)
                for number, (lane, positions) in enumerate(groups)
            ],
        )

    def cancel(self, task_id: str) -> None:
        """Take back the batches of a task that no worker has begun. Raises UnknownTask."""
        self._outbox.cancel(task_id)


def encoded_fields(template: str) -> frozenset[str]:
    """Return the product fields that a text template reads, e.g. title and attributes."""
    return frozenset(name.partition(".")[0] for name in re.findall(r"\{([^{}]*)\}", template))


def lane_of(change: ProductChange, encoded: Collection[str]) -> Lane:
    """Return `fast` for what no encoder need read, else `changes`.

    encoded: the fields that the text template reads.
    """
    if change.operation == "delete":
        return "fast"
    if change.operation == "patch" and not change.fields.keys() & {*encoded, *_SLOW_FIELDS}:
        return "fast"
    return "changes"
