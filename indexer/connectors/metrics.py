"""Every metric of `shelfwise sync`, by name, kind and meaning, in the one place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import structlog
from prometheus_client import start_http_server

from mappings.errors import MissingSetting
from mappings.metrics import Metric, MetricsRegistry

_PASS_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0)

CHANGES = Metric(
    "shelfwise_sync_changes_total",
    "counter",
    "Changes that a source has brought by what became of them; `unread` could not be read, "
    "`rejected` ones are dead letters.",
    ("source", "index", "outcome"),
)
PASSES = Metric(
    "shelfwise_sync_passes_total",
    "counter",
    "Passes over a source; result: `complete`, `stopped` (goes on from there), `failed`, `busy` "
    "(another process reads it).",
    ("source", "result"),
)
SECONDS = Metric(
    "shelfwise_sync_pass_seconds",
    "histogram",
    "Time of a pass that was not `busy`.",
    ("source",),
    _PASS_SECONDS,
)
COMPLETE = Metric(
    "shelfwise_sync_complete_timestamp_seconds",
    "gauge",
    "Up to which moment (seconds since 1970) all of a source is in the index; 0 before the first "
    "pass was complete.",
    ("source", "index"),
)

METRICS: tuple[Metric, ...] = (CHANGES, PASSES, SECONDS, COMPLETE)
"""All of it. The label `source` is the name of a source in the configuration."""

Result = Literal["complete", "stopped", "failed", "busy"]
_log = structlog.get_logger(__name__)


class SyncTelemetry:
    """The counters of one process that follows sources."""

    def __init__(self) -> None:
        registry = self._registry = MetricsRegistry()
        self._changes = registry.counter(CHANGES)
        self._passes = registry.counter(PASSES)
        self._seconds = registry.histogram(SECONDS)
        self._complete = registry.gauge(COMPLETE)

    def changed(self, source: str, index: str, outcomes: Mapping[str, int]) -> None:
        """Count changes by what became of them."""
        for outcome, count in outcomes.items():
            if count:
                self._changes.labels(source, index, outcome).inc(count)

    def passed(self, source: str, result: Result, *, seconds: float = 0.0) -> None:
        """Count a pass."""
        self._passes.labels(source, result).inc()
        if result != "busy":
            self._seconds.labels(source).observe(seconds)

    def completed(self, source: str, index: str, complete_as_of: str | None) -> None:
        """Show up to which moment a source is in the index (ISO 8601); None for not yet."""
        self._complete.labels(source, index).set(_timestamp(complete_as_of))

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return self._registry.exposition()

    def serve(self, host: str, port: int) -> None:
        """Answer Prometheus on a port, in a thread. Raises MissingSetting if it is taken."""
        try:
            server, _ = start_http_server(port, host, registry=self._registry.shown())
        except OSError as error:
            raise MissingSetting(
                f"SHELFWISE_INDEXER_METRICS_PORT: cannot listen on {host}:{port}: {error}"
            ) from error
        _log.info("metrics_served", port=server.server_port)


def _timestamp(moment: str | None) -> float:
    return datetime.fromisoformat(moment).timestamp() if moment else 0.0
