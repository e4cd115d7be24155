"""Every metric of the service, by name, kind and meaning, in the one place."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

from mappings.metrics import CONTENT_TYPE, Metric, MetricsRegistry
from service.queue_metrics import QUEUE_METRICS, QueueMetrics
from service.search_results import Hit, SearchAnswer

__all__ = ["CONTENT_TYPE", "METRICS", "Telemetry"]

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

LATENCY = Metric(
    "shelfwise_search_latency_seconds",
    "histogram",
    "Time of a search by stage; `total` is all of them and what lies between.",
    ("index", "stage"),
    _SECONDS,
)
ZERO_RESULTS = Metric(
    "shelfwise_zero_results_total", "counter", "Searches that found nothing.", ("index",)
)
LEG_HITS = Metric(
    "shelfwise_leg_hits_total",
    "counter",
    "Hits shown that a leg has found; one hit may have been found by several.",
    ("index", "leg"),
)
LEG_LEADS = Metric(
    "shelfwise_leg_leads_total",
    "counter",
    "Hits shown to whose score a leg has given the most.",
    ("index", "leg"),
)
NEIGHBOURS = Metric(
    "shelfwise_knn_neighbours",
    "histogram",
    "Products that a vector leg has found among the candidates of a search; `filtered` is "
    "`true` under a filter.",
    ("index", "leg", "filtered"),
    (0, 1, 5, 10, 25, 50, 99, 200),
)
SHORTFALL = Metric(
    "shelfwise_knn_shortfall_total",
    "counter",
    "Searches under a filter in which a vector leg found fewer products than its neighbours that "
    "were asked for: too few pass the filter, or too few are near enough.",
    ("index", "leg"),
)
DROPPED_LEGS = Metric(
    "shelfwise_dropped_legs_total",
    "counter",
    "Legs that an answer had to do without; reason: `no_encoder`, `encoder_failed` or `slow`.",
    ("index", "leg", "reason"),
)
LEG_TIMEOUTS = Metric(
    "shelfwise_leg_timeouts_total",
    "counter",
    "Searches whose vectors Elasticsearch did not score in time, so that words answered alone.",
    ("index",),
)
LEG_PAUSES = Metric(
    "shelfwise_leg_pauses_total",
    "counter",
    "Times that searches of an index stopped asking for vectors for some seconds, after several "
    "in a row were too slow.",
    ("index",),
)
QUERY_CACHE = Metric(
    "shelfwise_query_cache_total",
    "counter",
    "Texts and photos of queries by whether their vector was remembered; kind: `text`, `photo`; "
    "result: `hit`, `miss`.",
    ("kind", "result"),
)
RESPONSES = Metric(
    "shelfwise_http_responses_total", "counter", "Responses by HTTP status.", ("status",)
)
REQUEST_SECONDS = Metric(
    "shelfwise_http_request_seconds",
    "histogram",
    "Time of a request by the pattern of its address; `none` for an unknown one.",
    ("method", "route"),
    _SECONDS,
)
CONCURRENCY_LOWERED = Metric(
    "shelfwise_concurrency_lowered_total",
    "counter",
    "Times that an overloaded process went on with fewer requests at a time, as they were in each "
    "other's way.",
)
SEARCH_LOG_DROPPED = Metric(
    "shelfwise_search_log_dropped_total",
    "counter",
    "Documents of the record of searches that were given up, as Elasticsearch took none for long.",
)
WEIGHTS_FALLBACK = Metric(
    "shelfwise_weights_fallback_total",
    "counter",
    "Times the default weights took the place of a version that cannot be used.",
    ("index", "reason"),
)
WEIGHTS_ACTIVE = Metric(
    "shelfwise_weights_active_info",
    "gauge",
    "1 for the version of the ranking weights that answers; `default` without one.",
    ("index", "version"),
)

METRICS: tuple[Metric, ...] = (
    *(LATENCY, ZERO_RESULTS, LEG_HITS, LEG_LEADS, NEIGHBOURS, SHORTFALL, DROPPED_LEGS),
    *(LEG_TIMEOUTS, LEG_PAUSES),
    *(QUERY_CACHE, RESPONSES, REQUEST_SECONDS, CONCURRENCY_LOWERED, SEARCH_LOG_DROPPED),
    *(WEIGHTS_FALLBACK, WEIGHTS_ACTIVE),
    *QUEUE_METRICS,
)
"""All of the service. The label `index` is only ever the name of an index that is served."""


class Telemetry:
    """The counters of one application; two applications in a process share nothing.

    Where several processes serve, each counts for all: see mappings.metrics_folder.
    """

    def __init__(self) -> None:
        registry = self._registry = MetricsRegistry()
        self._latency = registry.histogram(LATENCY)
        self._zero_results = registry.counter(ZERO_RESULTS)
        self._leg_hits = registry.counter(LEG_HITS)
        self._leg_leads = registry.counter(LEG_LEADS)
        self._neighbours = registry.histogram(NEIGHBOURS)
        self._shortfall = registry.counter(SHORTFALL)
        self._dropped_legs = registry.counter(DROPPED_LEGS)
        self._leg_timeouts = registry.counter(LEG_TIMEOUTS)
        self._leg_pauses = registry.counter(LEG_PAUSES)
        self._query_cache = registry.counter(QUERY_CACHE)
        self._responses = registry.counter(RESPONSES)
        self._request_seconds = registry.histogram(REQUEST_SECONDS)
        self._concurrency_lowered = registry.counter(CONCURRENCY_LOWERED)
        self._search_log_dropped = registry.counter(SEARCH_LOG_DROPPED)
        self._weights_fallbacks = registry.counter(WEIGHTS_FALLBACK)
        self._weights_active = registry.gauge(WEIGHTS_ACTIVE)
        self._weights_versions: dict[str, str] = {}
        self._weights_lock = threading.Lock()

    def show_queue(self, queue: QueueMetrics) -> None:
        """Show what waits in Redis, too."""
        self._registry.add_live(queue)

    def searched(self, index: str, answer: SearchAnswer) -> None:
        """Count a search that was answered."""
        for stage, milliseconds in answer.took.items():
            self._latency.labels(index, stage).observe(milliseconds / 1e3)
        if answer.total.value == 0:
            self._zero_results.labels(index).inc()
        # Counted up first: to find a counter by its labels takes as long as a hit to be built.
        found, leads = _by_leg(answer.hits)
        for leg, count in found.items():
            self._leg_hits.labels(index, leg).inc(count)
        for leg, count in leads.items():
            self._leg_leads.labels(index, leg).inc(count)
        for one in answer.watch.neighbours:
            filtered = "true" if one.is_filtered else "false"
            self._neighbours.labels(index, one.leg, filtered).observe(one.found)
            if one.is_filtered and one.found < one.asked:
                self._shortfall.labels(index, one.leg).inc()
        for dropped in answer.watch.dropped:
            self._dropped_legs.labels(index, dropped.leg, dropped.reason).inc()

    def legs_timed_out(self, index: str) -> None:
        """Count a search that was answered without vectors, as they were too slow."""
        self._leg_timeouts.labels(index).inc()

    def legs_paused(self, index: str) -> None:
        """Count that an index is searched without vectors for some seconds."""
        self._leg_pauses.labels(index).inc()

    def looked_up(self, kind: str, hits: int, misses: int) -> None:
        """Count look-ups of vectors of queries. kind: `text` or `photo`."""
        for result, count in (("hit", hits), ("miss", misses)):
            if count:
                self._query_cache.labels(kind, result).inc(count)

    def responded(
        self, status: int, *, method: str = "", route: str = "", seconds: float = 0.0
    ) -> None:
        """Count a response. route: the pattern of the address, "" for an unknown one."""
        self._responses.labels(str(status)).inc()
        self._request_seconds.labels(method, route or "none").observe(seconds)

    def concurrency_lowered(self) -> None:
        """Count that fewer requests are worked on at a time."""
        self._concurrency_lowered.inc()

    def search_log_dropped(self, count: int) -> None:
        """Count documents of the record of searches that were given up."""
        self._search_log_dropped.inc(count)

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
                if self._registry.is_shared:  # whose files forget no label
                    self._weights_active.labels(index, before).set(0)
                else:
                    self._weights_active.remove(index, before)
            self._weights_versions[index] = name
            self._weights_active.labels(index, name).set(1)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return self._registry.exposition()


def _by_leg(hits: Sequence[Hit]) -> tuple[Counter[str], Counter[str]]:
    """Return by leg how many hits it has found, and to how many it gave the most."""
    found: Counter[str] = Counter()
    leads: Counter[str] = Counter()
    for hit in hits:
        shares = {leg: share for leg, share in hit.legs.items() if share.score is not None}
        found.update(shares.keys())
        if shares:
            leads[max(shares, key=lambda leg: shares[leg].contribution)] += 1
    return found, leads
