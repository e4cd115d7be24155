"""Every metric of the workers, by name, kind and meaning, in the one place."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import start_http_server

from mappings.metrics import Metric, MetricsRegistry
from mappings.task_records import BatchOutcome

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_LAG_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)

BATCHES = Metric(
    "shelfwise_worker_batches_total",
    "counter",
    "Deliveries of batches; result: `done`, `postponed` (tried again later), `moved` (to a worker "
    "with an encoder).",
    ("lane", "result"),
)
CHANGES = Metric(
    "shelfwise_worker_changes_total",
    "counter",
    "Changes of products by what became of them; the rejected ones are dead letters.",
    ("index", "outcome"),
)
LAG = Metric(
    "shelfwise_index_lag_seconds",
    "histogram",
    "From accepted to written, of the oldest change of each batch; it is found after the next "
    "refresh.",
    ("lane",),
    _LAG_SECONDS,
)
STAGES = Metric(
    "shelfwise_worker_stage_seconds",
    "histogram",
    "Time of a step: `batch` and within it `read`, `encode`, `write`; `photos` and "
    "`photos.encode` for photos.",
    ("stage",),
    _SECONDS,
)
VECTOR_CACHE = Metric(
    "shelfwise_vector_cache_total",
    "counter",
    "Vectors looked up in the cache that the workers share; result: `hit`, `miss`.",
    ("result",),
)
PHOTOS = Metric(
    "shelfwise_worker_photos_total",
    "counter",
    "Photos by what became of them: `done`, or the code of the failure as in `shelfwise photos "
    "list`.",
    ("index", "outcome"),
)

METRICS: tuple[Metric, ...] = (BATCHES, CHANGES, LAG, STAGES, VECTOR_CACHE, PHOTOS)
"""All of the workers. The label `index` is the name of an index that is there."""

_PREFIX = "worker."
_OUTCOMES = ("indexed", "unchanged", "deleted", "stale", "missing", "cancelled", "rejected")
_log = structlog.get_logger(__name__)


class WorkerTelemetry:
    """The counters of one worker, of all its processes with a forking pool."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        registry = self._registry = MetricsRegistry()
        self._clock = clock
        self._batches = registry.counter(BATCHES)
        self._changes = registry.counter(CHANGES)
        self._lag = registry.histogram(LAG)
        self._stages = registry.histogram(STAGES)
        self._vector_cache = registry.counter(VECTOR_CACHE)
        self._photos = registry.counter(PHOTOS)

    def delivered(self, lane: str, result: str) -> None:
        """Count a delivery of a batch. result: `done`, `postponed` or `moved`."""
        self._batches.labels(lane, result).inc()

    def finished(self, lane: str, index: str, outcome: BatchOutcome, oldest_arrival: int) -> None:
        """Count what became of a batch.

        oldest_arrival: when its oldest change was accepted, microseconds since 1970; 0 if unknown.
        """
        for name in _OUTCOMES:
            if count := getattr(outcome, name):
                self._changes.labels(index, name).inc(count)
        if oldest_arrival:
            self._lag.labels(lane).observe(max(0.0, self._clock() - oldest_arrival / 1e6))

    def looked_up(self, hits: int, misses: int) -> None:
        """Count look-ups in the shared cache of vectors."""
        for result, count in (("hit", hits), ("miss", misses)):
            if count:
                self._vector_cache.labels(result).inc(count)

    def photos_done(self, index: str, photos: int, failures: Mapping[str, int]) -> None:
        """Count photos. failures: code to number."""
        if photos:
            self._photos.labels(index, "done").inc(photos)
        for code, count in failures.items():
            self._photos.labels(index, code).inc(count)

    def observed(self, name: str, seconds: float) -> None:
        """Take the time of a span, if it is a step of the worker; see mappings.tracing."""
        if name.startswith(_PREFIX):
            self._stages.labels(name.removeprefix(_PREFIX)).observe(seconds)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return self._registry.exposition()

    def serve(self, host: str, port: int) -> WSGIServer:
        """Answer Prometheus on a port of its own, in a thread. Raises OSError if it is taken."""
        server, _ = start_http_server(port, host, registry=self._registry.shown())
        _log.info("metrics_served", port=server.server_port)
        return server
