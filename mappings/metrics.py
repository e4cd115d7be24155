"""What a metric is, and how a program's metrics are made and shown.

Each program lists its metrics as values of `Metric`, from which the metrics themselves and the
page docs/metrics.md are made.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from mappings.metrics_folder import VARIABLE

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


@dataclass(frozen=True)
class Metric:
    """A metric by its name in Prometheus. buckets: upper bounds, of a histogram alone."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


class MetricsRegistry:
    """The metrics of one program, of all its processes where several share a folder.

    live: read what is counted elsewhere at every look, whichever process answers.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._live: list[Collector] = []

    @property
    def is_shared(self) -> bool:
        """Whether several processes count together."""
        return VARIABLE in os.environ

    def counter(self, metric: Metric) -> Counter:
        """Return a new counter."""
        return Counter(metric.name, metric.meaning, metric.labels, registry=self._registry)

    def gauge(self, metric: Metric) -> Gauge:
        """Return a new gauge; of several processes the greatest value counts."""
        return Gauge(
            metric.name,
            metric.meaning,
            metric.labels,
            multiprocess_mode="livemax",
            registry=self._registry,
        )

    def histogram(self, metric: Metric) -> Histogram:
        """Return a new histogram."""
        return Histogram(
            metric.name,
            metric.meaning,
            metric.labels,
            buckets=metric.buckets,
            registry=self._registry,
        )

    def add_live(self, collector: Collector) -> None:
        """Show what a collector reads at the moment of each look."""
        self._live.append(collector)

    def shown(self) -> CollectorRegistry:
        """Return what is counted, by all processes where several share a folder."""
        if not self.is_shared:
            return self._registry
        shown = CollectorRegistry()
        MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
        return shown

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        live = CollectorRegistry(auto_describe=False)
        for collector in self._live:
            live.register(collector)
        return generate_latest(self.shown()) + generate_latest(live)


def table(metrics: Sequence[Metric]) -> str:
    """Return the metrics as rows of a Markdown table."""
    rows = ["| metric | kind | labels | meaning |", "| --- | --- | --- | --- |"]
    for metric in metrics:
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "-"
        rows.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |")
    return "\n".join(rows) + "\n"
