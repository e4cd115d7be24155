"""Which products without a grade to show to raters first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.evaluation.measures import RankedIds
from service.judgements.judgement_list import Judgements

POOL_DEPTH = 20
"""Ranks of each system that are looked into: deeper ones move no measure of a first page."""


@dataclass(frozen=True)
class Unjudged:
    """A product without a grade for the query.

    ranks: system to rank from 1, None where it is not among the first. disagreement: the
    largest difference of 1 / rank between two systems, 0 to 1; of one system alone 1 / rank.
    """

    query: str
    product_id: str
    ranks: Mapping[str, int | None]
    disagreement: float


def choose_unjudged(
    judgements: Judgements, runs: Mapping[str, RankedIds], *, limit: int, depth: int = POOL_DEPTH
) -> list[Unjudged]:
    """Return at most `limit` pairs of a query of the list and a product it does not grade.

    runs: system to query to product ids. Within a query the systems' largest disagreement comes
    first. Over the queries they are dealt in rounds, the first of each, then the second: so
    that no query takes all the raters' time. Ties are ordered by query and product id.
    """
    by_query = {
        query: _pairs(
            query, grades, {name: run.get(query, ())[:depth] for name, run in runs.items()}
        )
        for query, grades in judgements.items()
    }
    dealt = [(turn, pair) for pairs in by_query.values() for turn, pair in enumerate(pairs)]
    dealt.sort(key=lambda one: (one[0], -one[1].disagreement, one[1].query))
    return [pair for _, pair in dealt[:limit]]


def _pairs(query: str, grades: Mapping[str, int], lists: RankedIds) -> list[Unjudged]:
    places = {
        name: {product_id: rank for rank, product_id in enumerate(ids, start=1)}
        for name, ids in lists.items()
    }
    unjudged = {product_id for ids in lists.values() for product_id in ids} - set(grades)
    pairs = []
    for product_id in unjudged:
        ranks = {name: place.get(product_id) for name, place in places.items()}
        discounts = [1 / rank if rank else 0.0 for rank in ranks.values()]
        # One system has nobody to disagree with, so what it ranks high is judged first.
        least = min(discounts) if len(discounts) > 1 else 0.0
        pairs.append(Unjudged(query, product_id, ranks, max(discounts) - least))
    return sorted(pairs, key=lambda pair: (-pair.disagreement, pair.product_id))
