"""Queries by how often they were asked, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors
from service.insight.log_store import HIDDEN, PATTERN
from service.insight.outcomes import Outcome, Outcomes
from service.insight.rows import QueryRow
from service.insight.time_range import TimeRange
from service.weights.proportions import proportion

Only = Literal["all", "no_results", "no_clicks"]
MAX_QUERIES = 1_000
_WIDER = 5
"""Each shard tells of so many times more queries than are wanted, so that hardly one is missed."""
LEAST_SHOWN = 5
"""Searches that must have been shown before it says something that nobody clicked."""


@dataclass(frozen=True)
class QueryCounts:
    """What the record of searches says of a query."""

    query: str
    searches: int
    known: int
    zero: int
    took_sum: float


def read_queries(
    client: Elasticsearch,
    index: str,
    span: TimeRange,
    *,
    limit: int,
    only_without_results: bool = False,
    among: Iterable[str] | None = None,
) -> list[QueryCounts]:
    """Return the most frequent queries, at most `limit`, equal ones by the alphabet.

    only_without_results: by how often nothing was found. among: of these queries alone.
    The days are counted apart and then together, so a query that is just below the limit on
    most days may be missed: counts of what is returned may be a little low, ranks approximate.
    """
    clauses: list[dict[str, Any]] = [
        {"term": {"kind": "query"}},
        {"term": {"index": index}},
        span.clause("at"),
    ]
    if only_without_results:
        clauses.append({"range": {"zero": {"gt": 0}}})
    if among is not None:
        clauses.append({"terms": {"query": list(among)}})
    by = "zero" if only_without_results else "searches"
    with cluster_errors(index=PATTERN):
        answer = client.search(
            index=PATTERN,
            expand_wildcards=HIDDEN,
            allow_no_indices=True,
            size=0,
            query={"bool": {"filter": clauses}},
            aggregations={
                "queries": {
                    "terms": {
                        "field": "query",
                        "size": limit,
                        "shard_size": _WIDER * limit,
                        "order": [{by: "desc"}, {"_key": "asc"}],
                    },
                    "aggs": {
                        name: {"sum": {"field": name}}
                        for name in ("searches", "known", "zero", "took_sum")
                    },
                }
            },
        )
    buckets = answer.body.get("aggregations", {}).get("queries", {}).get("buckets", [])
    return [
        QueryCounts(
            one["key"],
            round(one["searches"]["value"]),
            round(one["known"]["value"]),
            round(one["zero"]["value"]),
            one["took_sum"]["value"],
        )
        for one in buckets
    ]


def query_row(counts: QueryCounts, outcome: Outcome | None) -> QueryRow:
    """Return what the table shows of a query. outcome: None where no event tells of it."""
    shown = outcome or Outcome()
    clicks = proportion(shown.clicked, shown.shown)
    is_known = shown.shown > 0
    return QueryRow(
        query=counts.query,
        searches=counts.searches,
        zero_share=round(counts.zero / counts.known, 4) if counts.known else None,
        mean_ms=round(counts.took_sum / counts.searches, 2) if counts.searches else None,
        shown=shown.shown,
        click_rate=round(clicks.value, 4) if is_known else None,
        click_low=round(clicks.low, 4) if is_known else None,
        click_high=round(clicks.high, 4) if is_known else None,
        purchase_rate=round(shown.purchased / shown.shown, 4) if is_known else None,
    )


def without_clicks(outcomes: Outcomes, *, least: int, limit: int) -> list[str]:
    """Return the queries that were shown most and never clicked, at least `least` times."""
    found = [
        (-one.shown, query)
        for query, one in outcomes.by_query.items()
        if one.clicked == 0 and one.shown >= least
    ]
    return [query for _, query in sorted(found)[:limit]]


def counted_or_shown(
    names: Iterable[str], counted: Mapping[str, QueryCounts], outcomes: Outcomes
) -> list[QueryRow]:
    """Return rows in the order of names; a search that only events know is counted by them."""
    rows = []
    for name in names:
        outcome = outcomes.by_query.get(name)
        counts = counted.get(name) or QueryCounts(name, outcome.shown if outcome else 0, 0, 0, 0)
        row = query_row(counts, outcome)
        rows.append(row if name in counted else row.model_copy(update={"mean_ms": None}))
    return rows
