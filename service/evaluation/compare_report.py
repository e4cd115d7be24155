"""What `shelfwise compare` has to say, as one JSON object."""

from __future__ import annotations

from typing import Any

from service.evaluation.comparison import compare, differences
from service.evaluation.measuring import Measured, describe_list
from service.evaluation.reasons import moves
from service.judgements.judgement_list import JudgementList

EXPLAINED = 10
"""Queries that win most, and that lose most, whose products are looked into."""


def compare_report(
    index: str, judged: JudgementList, a: Measured, b: Measured, *, explained: int = EXPLAINED
) -> dict[str, Any]:
    """Return measures, test, wins and losses, and why the queries differ most that do.

    `by_query` holds every measured query with both values of the first measure, by difference,
    the greatest gain of B first. Raises InvalidQuery when no query has a relevant product.
    """
    names = list(b.values)
    first = names[0]
    gains = differences(a.values[first], b.values[first])
    order = sorted(gains, key=lambda query: (-gains[query], query))
    winners = [query for query in order if gains[query] > 0][:explained]
    losers = [query for query in reversed(order) if gains[query] < 0][:explained]
    return {
        **describe_list(index, judged),
        "test": "two-sided randomisation of signs, paired by query",
        "a": {"name": a.system.name, "options": dict(a.system.options)},
        "b": {"name": b.system.name, "options": dict(b.system.options)},
        "measures": {
            name: compare(name, a.values[name], b.values[name]).to_json() for name in names
        },
        "by": first,
        "gained": [_explain(query, judged, a, b, gains[query]) for query in winners],
        "lost": [_explain(query, judged, a, b, gains[query]) for query in losers],
        "by_query": [
            {
                "query": query,
                "a": a.values[first][query],
                "b": b.values[first][query],
                "difference": gains[query],
            }
            for query in order
        ],
    }


def _explain(
    query: str, judged: JudgementList, a: Measured, b: Measured, gain: float
) -> dict[str, Any]:
    grades = judged.judgements[query]
    moved = moves(a.hits.get(query, ()), b.hits.get(query, ()), grades)
    return {
        "query": query,
        "difference": gain,
        "moves": [move.to_json() for move in moved],
    }
