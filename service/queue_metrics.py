"""What waits for the workers, read at every look of Prometheus."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping

import redis
from elasticsearch import Elasticsearch
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from mappings.cluster import cluster_errors
from mappings.errors import ShelfwiseError
from mappings.index_lifecycle import list_indexes
from mappings.metrics import Metric
from mappings.queue_state import QueueState, read_queue_state
from service.live_indexes import LiveIndexes

REDIS_SECONDS = 0.5
"""Longest wait for Redis in one look: what is away is left out, and says so by `queue_up`."""

CLUSTER_SECONDS = 1.0
PHOTOS_EVERY_SECONDS = 15.0
"""How long the count of due photos is remembered, as it is a search in every index."""

QUEUE_UP = Metric("shelfwise_queue_up", "gauge", "1 when Redis answered this look, else 0.")
QUEUE_MESSAGES = Metric(
    "shelfwise_queue_messages",
    "gauge",
    "Messages of a lane that no worker has taken; of `photos`, each names some products.",
    ("lane",),
)
QUEUE_BATCHES = Metric(
    "shelfwise_queue_batches",
    "gauge",
    "Batches that were accepted and are not finished, in work or not, of the 2,000 sent longest "
    "ago.",
    ("lane",),
)
QUEUE_CHANGES = Metric(
    "shelfwise_queue_changes", "gauge", "Changes of products in those batches.", ("lane",)
)
QUEUE_LAG = Metric(
    "shelfwise_queue_oldest_seconds",
    "gauge",
    "How far the index is behind: age of the lane's oldest unfinished batch, 0 for none.",
    ("lane",),
)
DEAD_LETTERS = Metric(
    "shelfwise_dead_letters", "gauge", "Changes that were given up and wait for a retry."
)
PHOTOS_DUE = Metric(
    "shelfwise_photos_due",
    "gauge",
    "Products whose photos are to be fetched, now or at a later try.",
    ("index",),
)

QUEUE_METRICS = (
    *(QUEUE_UP, QUEUE_MESSAGES, QUEUE_BATCHES, QUEUE_CHANGES, QUEUE_LAG),
    *(DEAD_LETTERS, PHOTOS_DUE),
)


class QueueMetrics(Collector):
    """Reads the state at every look; what cannot be read is absent, never 0.

    read_queue: raises QueueUnavailable. count_photos: index to products with photos due; raises
    a ShelfwiseError when the cluster does not answer.
    """

    def __init__(
        self,
        read_queue: Callable[[], QueueState],
        count_photos: Callable[[], Mapping[str, int]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read_queue = read_queue
        self._count_photos = count_photos
        self._clock = clock
        self._lock = threading.Lock()
        self._photos: Mapping[str, int] | None = None
        self._photos_until = -float("inf")

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return what can be read just now."""
        try:
            state = self._read_queue()
        except ShelfwiseError:
            yield _gauge(QUEUE_UP, {(): 0})
        else:
            yield _gauge(QUEUE_UP, {(): 1})
            lanes = {(lane,): found for lane, found in state.lanes.items()}
            yield _gauge(QUEUE_MESSAGES, {key: one.waiting for key, one in lanes.items()})
            yield _gauge(QUEUE_BATCHES, {key: one.batches for key, one in lanes.items()})
            yield _gauge(QUEUE_CHANGES, {key: one.changes for key, one in lanes.items()})
            yield _gauge(QUEUE_LAG, {key: one.oldest_seconds for key, one in lanes.items()})
            yield _gauge(DEAD_LETTERS, {(): state.dead_letters})
        photos = self._photos_due()
        if photos is not None:
            yield _gauge(PHOTOS_DUE, {(name,): count for name, count in photos.items()})

    def _photos_due(self) -> Mapping[str, int] | None:
        with self._lock:
            if self._clock() >= self._photos_until:
                try:
                    self._photos = self._count_photos()
                except ShelfwiseError:
                    self._photos = None
                self._photos_until = self._clock() + PHOTOS_EVERY_SECONDS
            return self._photos


def queue_metrics(
    client: redis.Redis, cluster: Elasticsearch, indexes: LiveIndexes
) -> QueueMetrics:
    """Return the collector of a service. client: with a short time limit (REDIS_SECONDS)."""
    patient = cluster.options(request_timeout=CLUSTER_SECONDS)

    def count_photos() -> dict[str, int]:
        found = {}
        for live in list_indexes(patient):
            if indexes.serves(live.name) and live.image_encoder is not None:
                with cluster_errors(index=live.name):
                    answer = patient.count(
                        index=live.index, query={"exists": {"field": "photos_due_at"}}
                    )
                found[live.name] = int(answer["count"])
        return found

    return QueueMetrics(lambda: read_queue_state(client), count_photos)


def _gauge(metric: Metric, values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family
