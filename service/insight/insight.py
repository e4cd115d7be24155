"""The five tables of figures, each from one or two requests of Elasticsearch.

record of searches -> summary, latency, queries       events -> rates, positions
samples of the queue -> lag
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from elasticsearch import Elasticsearch

from service.insight.lag import read_lag
from service.insight.outcomes import MOST_ROWS, Outcome, Outcomes, read_outcomes
from service.insight.positions import MOST_PURCHASES, read_positions
from service.insight.queries import (
    LEAST_SHOWN,
    Only,
    counted_or_shown,
    read_queries,
    without_clicks,
)
from service.insight.rows import (
    Count,
    LagAnswer,
    LatencyAnswer,
    LatencyRow,
    PositionsAnswer,
    QueriesAnswer,
    SummaryAnswer,
    TrafficRow,
)
from service.insight.time_range import TimeRange
from service.insight.traffic import Counts, Traffic, read_traffic

NO_LOG = (
    "Searches are not recorded: SHELFWISE_SERVICE_SEARCH_LOG is off. What was recorded before is "
    "shown."
)
NO_EVENTS = "No events of this time: clicks and purchases are not known."
SAMPLED = f"Rates are estimated from a sample of searches, {MOST_ROWS:,} events by kind."
NO_POSITIONS = "No impressions with positions in this time: send events to see rates by position."
FIRST_PURCHASES = f"Of the purchases only the newest {MOST_PURCHASES:,} are counted."
APPROXIMATE = "Ranks of queries are approximate over many days: each day tells of its own most."
NO_SAMPLES = "The queue was not sampled in this time: a service records it once a minute."
ALL_INDEXES = "The queue is one for all indexes."


@dataclass(frozen=True)
class Insight:
    """Answers what is asked of one index.

    Every method raises a TemporaryError without the cluster. is_recording: whether searches are
    recorded at present.
    """

    client: Elasticsearch
    is_recording: bool = True

    def summary(self, index: str, span: TimeRange) -> SummaryAnswer:
        """Return the figures of the whole span, and searches over time."""
        traffic, outcomes = self.traffic(index, span), self.outcomes(index, span)
        return summary_of(span, traffic, outcomes, self.notes(outcomes))

    def latency(self, index: str, span: TimeRange) -> LatencyAnswer:
        """Return the times of the answers over time."""
        return latency_of(span, self.traffic(index, span), self.notes())

    def queries(
        self,
        index: str,
        span: TimeRange,
        *,
        only: Only = "all",
        limit: int = 50,
        least: int = LEAST_SHOWN,
        outcomes: Outcomes | None = None,
    ) -> QueriesAnswer:
        """Return the most frequent queries.

        only: all, those that found nothing (by how often), or those that were shown in `least`
        searches or more and never clicked (by how often they were shown). outcomes: of the same
        index and span, where they were read already.
        """
        outcomes = outcomes or self.outcomes(index, span)
        notes = self.notes(outcomes)
        if only == "no_clicks":
            names = without_clicks(outcomes, least=least, limit=limit)
            counts = (
                read_queries(self.client, index, span, limit=limit, among=names) if names else []
            )
        else:
            wants_none = only == "no_results"
            counts = read_queries(
                self.client, index, span, limit=limit, only_without_results=wants_none
            )
            names = [one.query for one in counts]
            if len(counts) == limit:
                notes.append(APPROXIMATE)
        rows = counted_or_shown(names, {one.query: one for one in counts}, outcomes)
        return QueriesAnswer(**_span(span), notes=notes, rows=rows)

    def positions(self, index: str, span: TimeRange, *, limit: int = 24) -> PositionsAnswer:
        """Return click and purchase rate by position."""
        rows, is_all = read_positions(self.client, index, span, limit=limit)
        notes = ([] if rows else [NO_POSITIONS]) + ([] if is_all else [FIRST_PURCHASES])
        return PositionsAnswer(**_span(span), notes=notes, rows=rows)

    def lag(self, span: TimeRange) -> LagAnswer:
        """Return how far the index was behind."""
        rows = read_lag(self.client, span)
        return LagAnswer(
            **_span(span), notes=[ALL_INDEXES] if rows else [ALL_INDEXES, NO_SAMPLES], rows=rows
        )

    def traffic(self, index: str, span: TimeRange) -> Traffic:
        """Return what was recorded of searches."""
        return read_traffic(self.client, index, span)

    def outcomes(self, index: str, span: TimeRange) -> Outcomes:
        """Return what events tell of searches."""
        return read_outcomes(self.client, index, span)

    def notes(self, outcomes: Outcomes | None = None) -> list[str]:
        """Return what is to be said of the record and of what events tell, in words."""
        notes = [] if self.is_recording else [NO_LOG]
        if outcomes is not None and outcomes.total.shown == 0:
            notes.append(NO_EVENTS)
        if outcomes is not None and outcomes.is_sample:
            notes.append(SAMPLED)
        return notes


def summary_of(
    span: TimeRange, traffic: Traffic, outcomes: Outcomes, notes: list[str]
) -> SummaryAnswer:
    """Return the summary of what was read."""
    total, shown = traffic.total, outcomes.total
    return SummaryAnswer(
        **_span(span),
        notes=notes,
        searches=total.searches,
        pages=total.pages,
        zero_results=total.zero,
        zero_share=_rounded(total.zero_share),
        degraded=total.degraded,
        p50_ms=total.percentile_ms(0.5),
        p95_ms=total.percentile_ms(0.95),
        shown=shown.shown,
        click_rate=_share(shown.clicked, shown),
        purchase_rate=_share(shown.purchased, shown),
        sources=_counts(traffic.sources),
        weights=_counts(traffic.weights),
        rules=_counts(traffic.rules),
        fallbacks=_counts(total.dropped),
        rows=[_traffic_row(at, counts) for at, counts in traffic.steps],
    )


def latency_of(span: TimeRange, traffic: Traffic, notes: list[str]) -> LatencyAnswer:
    """Return the times of what was read."""
    rows = [
        LatencyRow(
            at=at,
            answers=counts.answers,
            mean_ms=counts.mean_ms,
            p50_ms=counts.percentile_ms(0.5),
            p95_ms=counts.percentile_ms(0.95),
            p99_ms=counts.percentile_ms(0.99),
            max_ms=round(counts.took_max, 2) if counts.answers else None,
        )
        for at, counts in traffic.steps
    ]
    return LatencyAnswer(**_span(span), notes=notes, rows=rows)


def _traffic_row(at: datetime, counts: Counts) -> TrafficRow:
    return TrafficRow(
        at=at,
        searches=counts.searches,
        zero_results=counts.zero,
        zero_share=_rounded(counts.zero_share),
        degraded=counts.degraded,
        p50_ms=counts.percentile_ms(0.5),
        p95_ms=counts.percentile_ms(0.95),
    )


def _span(span: TimeRange) -> dict[str, object]:
    return {"from": span.start, "to": span.end, "step_seconds": span.step_seconds}


def _counts(found: Mapping[str, int]) -> list[Count]:
    return [Count(name=name, count=count) for name, count in found.items()]


def _share(count: int, of: Outcome) -> float | None:
    return _rounded(count / of.shown) if of.shown else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
