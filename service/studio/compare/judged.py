"""What a change of the configuration does to the judged queries, measured a few at a time.

The page asks for one part after the other and keeps the values, so that no request takes long,
and any web process can answer the next one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mappings.errors import InvalidQuery
from mappings.validation_faults import first_fault
from service.evaluation.comparison import Comparison, compare, differences
from service.evaluation.means import ndcg
from service.judgements.judgement_list import Judgements, answerable
from service.searcher import Searcher
from service.studio.compare.configurations import Configuration
from service.studio.compare.sides import Question

MAX_QUERIES = 200
"""Queries that are measured: some tens of seconds at most, and enough for a telling interval."""
PART_SECONDS = 1.5
_CUTOFF = 10
_SHOWN = 10
"""Winners and losers that are named."""

_Value = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


@dataclass(frozen=True)
class Part:
    """Values of some queries. queries: measured in all. next: where the next part begins."""

    queries: int
    of: int
    next: int | None
    a: Mapping[str, float]
    b: Mapping[str, float]


class Values(BaseModel):
    """NDCG@10 of every query under both configurations, as the page has gathered them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    a: Annotated[dict[str, _Value], Field(min_length=1, max_length=MAX_QUERIES)]
    b: Annotated[dict[str, _Value], Field(min_length=1, max_length=MAX_QUERIES)]

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Values:
        """Return what a JSON object says; raises InvalidQuery that names what is wrong."""
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            fault = first_fault(error, raw)
            raise InvalidQuery(fault.describe("body"), field=fault.path or "body") from error


@dataclass(frozen=True)
class Change:
    """A query whose value changed."""

    query: str
    a: float
    b: float
    difference: float


@dataclass(frozen=True)
class Effect:
    """What B does instead of A. gained, lost: the queries that change most, the furthest first."""

    comparison: Comparison
    gained: tuple[Change, ...]
    lost: tuple[Change, ...]


def chosen_queries(judgements: Judgements) -> list[str]:
    """Return the queries that are measured, of those that have a right answer.

    Of more than MAX_QUERIES some that are drawn by their text: the same ones each time.
    """

    def lot(query: str) -> bytes:
        return hashlib.sha256(query.encode("utf-8", "surrogatepass")).digest()

    return sorted(sorted(answerable(judgements), key=lot)[:MAX_QUERIES])


def measure_part(
    searcher: Searcher,
    index: str,
    judgements: Judgements,
    configurations: Sequence[Configuration],
    filters: Mapping[str, Any],
    start: int,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Part:
    """Measure queries from the one at `start` on, one at least, until PART_SECONDS are over.

    Raises InvalidQuery when no query has a relevant product, and what a search raises.
    """
    queries = chosen_queries(judgements)
    if not queries:
        raise InvalidQuery(
            "list: no query of it has a relevant product, so nothing can be measured", field="list"
        )
    values: tuple[dict[str, float], dict[str, float]] = ({}, {})
    end, place = clock() + PART_SECONDS, start
    while place < len(queries) and (place == start or clock() < end):
        query = queries[place]
        for configuration, found in zip(configurations, values, strict=True):
            request = Question(query, filters).request(
                configuration, limit=_CUTOFF, fields=["title"]
            )
            ids = [hit.id for hit in searcher.search(index, request).hits]
            found[query] = ndcg(judgements[query], ids, cutoff=_CUTOFF) or 0.0
        place += 1
    return Part(
        queries=len(queries),
        of=len(answerable(judgements)),
        next=place if place < len(queries) else None,
        a=values[0],
        b=values[1],
    )


def effect_of(values: Values) -> Effect:
    """Return what the values say. Raises InvalidQuery when the sides have other queries."""
    gains = differences(values.a, values.b)
    order = sorted(gains, key=lambda query: (-gains[query], query))
    changes = [Change(query, values.a[query], values.b[query], gains[query]) for query in order]
    return Effect(
        comparison=compare(f"NDCG@{_CUTOFF}", values.a, values.b),
        gained=tuple([one for one in changes if one.difference > 0][:_SHOWN]),
        lost=tuple([one for one in reversed(changes) if one.difference < 0][:_SHOWN]),
    )
