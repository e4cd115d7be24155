"""Every metric of the service, by name, kind and meaning, in the one place."""

from __future__ import annotations

import threading

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from service.search_results import SearchAnswer

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Telemetry:
    """The counters of one application; two applications in a process share nothing."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._latency = Histogram(
            "shelfwise_search_latency_seconds",
            "Time of a search by stage; `total` is all of them and what lies between.",
            ["index", "stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._zero_results = Counter(
            "shelfwise_zero_results_total",
            "Searches that found nothing.",
            ["index"],
            registry=self._registry,
        )
        self._responses = Counter(
            "shelfwise_http_responses_total",
            "Responses by HTTP status.",
            ["status"],
            registry=self._registry,
        )
        self._weights_fallbacks = Counter(
            "shelfwise_weights_fallback_total",
            "Times the default weights took the place of a version that cannot be used.",
            ["index", "reason"],
            registry=self._registry,
        )
        self._weights_active = Gauge(
            "shelfwise_weights_active_info",
            "1 for the version of the ranking weights that answers; `default` without one.",
            ["index", "version"],
            registry=self._registry,
        )
        self._weights_versions: dict[str, str] = {}
        self._weights_lock = threading.Lock()

    def searched(self, index: str, answer: SearchAnswer) -> None:
        """Count a search that was answered."""
        for stage, milliseconds in answer.took.items():
            self._latency.labels(index, stage).observe(milliseconds / 1e3)
        if answer.total.value == 0:
            self._zero_results.labels(index).inc()

    def responded(self, status: int) -> None:
        """Count a response."""
        self._responses.labels(str(status)).inc()

    def weights_fell_back(self, index: str, version: str | None, reason: str) -> None:
        """Count a version that could not be used; reason: `broken`, `absent`, `unreachable`.

        version: not a label, since its number grows without end.
        """
        self._weights_fallbacks.labels(index, reason).inc()

    def weights_changed(self, index: str, version: str | None) -> None:
        """Show which version of the weights answers now; None is the default."""
        name = version or "default"
        with self._weights_lock:
            before = self._weights_versions.get(index)
            if before is not None and before != name:
                self._weights_active.remove(index, before)
            self._weights_versions[index] = name
            self._weights_active.labels(index, name).set(1)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
