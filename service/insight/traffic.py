"""Searches and their times over time, from the record of searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors
from service.insight.latency_buckets import NAMES, percentile
from service.insight.log_store import HIDDEN, PATTERN
from service.insight.time_range import TimeRange

_SUMS = ("searches", "pages", "known", "zero", "degraded", "took_sum")
_REASONS = ("no_encoder", "encoder_failed", "slow")
_MOST_NAMES = 20


@dataclass(frozen=True)
class Counts:
    """What was counted of some searches. took: answers by bucket of time."""

    searches: int = 0
    pages: int = 0
    known: int = 0
    zero: int = 0
    degraded: int = 0
    took_sum: float = 0.0
    took_max: float = 0.0
    dropped: Mapping[str, int] = field(default_factory=dict)
    took: Sequence[float] = (0,) * len(NAMES)

    @property
    def answers(self) -> int:
        """Return the number of answers, pages after the first among them."""
        return self.searches + self.pages

    @property
    def zero_share(self) -> float | None:
        """Return the share that found nothing, None where no total is known."""
        return self.zero / self.known if self.known else None

    @property
    def mean_ms(self) -> float | None:
        """Return the mean time of an answer."""
        return round(self.took_sum / self.answers, 2) if self.answers else None

    def percentile_ms(self, share: float) -> float | None:
        """Return the time that a share of the answers does not exceed, never above the longest."""
        found = percentile(self.took, share)
        if found is None:
            return None
        return round(min(found, self.took_max) if self.took_max else found, 2)


@dataclass(frozen=True)
class Traffic:
    """Counts by step of time, of the whole span, and searches by source, weights and rules."""

    steps: Sequence[tuple[datetime, Counts]]
    total: Counts
    sources: Mapping[str, int]
    weights: Mapping[str, int]
    rules: Mapping[str, int]


def read_traffic(client: Elasticsearch, index: str, span: TimeRange) -> Traffic:
    """Return what was recorded of an index's searches; nothing recorded is no error.

    Raises a TemporaryError without the cluster.
    """
    by_name = {"count": {"sum": {"field": "searches"}}}
    with cluster_errors(index=PATTERN):
        answer = client.search(
            index=PATTERN,
            expand_wildcards=HIDDEN,
            allow_no_indices=True,
            size=0,
            query={
                "bool": {
                    "filter": [
                        {"term": {"kind": "searches"}},
                        {"term": {"index": index}},
                        span.clause("at"),
                    ]
                }
            },
            aggregations={
                "steps": {"date_histogram": span.histogram("at"), "aggs": _step_sums()},
                "sources": {"terms": {"field": "source", "size": _MOST_NAMES}, "aggs": by_name},
                "weights": {"terms": {"field": "weights", "size": _MOST_NAMES}, "aggs": by_name},
                "rules": {"terms": {"field": "rules", "size": _MOST_NAMES}, "aggs": by_name},
            },
        )
    found = answer.body.get("aggregations", {})
    steps = [
        (datetime.fromtimestamp(one["key"] / 1e3, UTC), _counts(one))
        for one in found.get("steps", {}).get("buckets", [])
    ]
    return Traffic(
        steps,
        add_up([counts for _, counts in steps]),
        _by_name(found.get("sources")),
        _by_name(found.get("weights")),
        _by_name(found.get("rules")),
    )


def add_up(parts: Sequence[Counts]) -> Counts:
    """Return the counts of all parts together."""
    return Counts(
        searches=sum(one.searches for one in parts),
        pages=sum(one.pages for one in parts),
        known=sum(one.known for one in parts),
        zero=sum(one.zero for one in parts),
        degraded=sum(one.degraded for one in parts),
        took_sum=sum(one.took_sum for one in parts),
        took_max=max((one.took_max for one in parts), default=0.0),
        dropped={
            reason: count
            for reason in _REASONS
            if (count := sum(one.dropped.get(reason, 0) for one in parts))
        },
        took=[sum(column) for column in zip(*(one.took for one in parts), strict=True)]
        or (0,) * len(NAMES),
    )


def _step_sums() -> dict[str, Any]:
    sums = {name: {"sum": {"field": name}} for name in _SUMS}
    reasons = {f"dropped.{name}": {"sum": {"field": f"dropped.{name}"}} for name in _REASONS}
    # A name of an aggregation may not hold square brackets; dots are fine.
    took = {name: {"sum": {"field": f"took.{name}"}} for name in NAMES}
    return {**sums, **reasons, **took, "took_max": {"max": {"field": "took_max"}}}


def _counts(bucket: Mapping[str, Any]) -> Counts:
    def number(name: str) -> float:
        return float(bucket[name]["value"] or 0.0)

    whole = {name: round(number(name)) for name in _SUMS if name != "took_sum"}
    return Counts(
        **whole,
        took_sum=number("took_sum"),
        took_max=number("took_max"),
        dropped={one: round(number(f"dropped.{one}")) for one in _REASONS},
        took=[number(name) for name in NAMES],
    )


def _by_name(found: Mapping[str, Any] | None) -> dict[str, int]:
    buckets = found["buckets"] if found else []
    counts = {str(one["key"]): round(one["count"]["value"]) for one in buckets}
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
