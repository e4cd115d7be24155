"""What a grade of a pair could change: how much of NDCG@10 hangs on it, in all searches.

The idea is that of minimal test collections (Carterette, Allan, Sitaraman 2006): when two rankings
are compared, a document tells by its coefficient in the difference of their scores. In DCG the
coefficient of a product is the difference of its discounts, d(r) = 1 / log2(1 + r) down to rank 10
and 0 behind, times its gain, 2^grade - 1. As nobody knows the grade yet, the gain at stake is the
best one, G. Divided by the ideal DCG of the query this is a part of NDCG:

    stake = share of the query * (spread + AGREED * mean) * G / max(G, ideal DCG of known grades)

spread: greatest d minus least d among the rankings. mean: of the d, without which a product that
all put first would never be judged. share: of the query in all searches looked at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.judgements.judgement_list import MAX_GRADE, Judgements

CUTOFF = 10
AGREED = 0.1
"""Worth of a product that the rankings agree on, against one that they differ in."""
RankedQueries = Mapping[str, Mapping[str, Sequence[str]]]
"""Query to ranking to product ids, the best first."""


@dataclass(frozen=True)
class Pair:
    """A product that nobody judged for a query.

    stake: see above, 0 to 1.1. ranks: ranking to rank from 1, None where it is not among the
    first ten.
    """

    query: str
    product_id: str
    stake: float
    ranks: Mapping[str, int | None]


def discount(rank: int | None) -> float:
    """Return d(rank): 1 at rank 1, 0 behind the cutoff and for None."""
    return 1.0 / math.log2(1 + rank) if rank is not None and rank <= CUTOFF else 0.0


def weigh_pairs(
    ranked: RankedQueries,
    judgements: Judgements,
    frequencies: Mapping[str, float],
    *,
    max_grade: int = MAX_GRADE,
) -> list[Pair]:
    """Return every pair that has a stake and no grade, the greatest stake first.

    ranked: of one ranking alone, what it puts first comes first. frequencies: of each query of
    `ranked`, above 0. Ties are ordered by query and product id.
    """
    total = sum(frequencies[query] for query in ranked)
    pairs = [
        pair
        for query, rankings in ranked.items()
        for pair in _pairs(
            query,
            rankings,
            judgements.get(query, {}),
            share=frequencies[query] / total,
            best_gain=2.0**max_grade - 1.0,
        )
    ]
    return sorted(pairs, key=lambda pair: (-pair.stake, pair.query, pair.product_id))


def by_query(pairs: Sequence[Pair]) -> list[Pair]:
    """Return pairs so that those of a query follow each other, the query with most at stake first.

    A judge who stays with a query for a while grades faster and more evenly.
    """
    at_stake: dict[str, float] = {}
    for pair in pairs:
        at_stake[pair.query] = at_stake.get(pair.query, 0.0) + pair.stake
    return sorted(
        pairs, key=lambda pair: (-at_stake[pair.query], pair.query, -pair.stake, pair.product_id)
    )


def most_at_stake(frequency: float, total: float) -> float:
    """Return what no pair of a query exceeds. total: frequency of all queries looked at."""
    return (1.0 + AGREED) * frequency / total


def _pairs(
    query: str,
    rankings: Mapping[str, Sequence[str]],
    grades: Mapping[str, int],
    *,
    share: float,
    best_gain: float,
) -> list[Pair]:
    places = {
        name: {product_id: rank for rank, product_id in enumerate(ids[:CUTOFF], start=1)}
        for name, ids in rankings.items()
    }
    scale = share * best_gain / max(best_gain, _ideal(grades))
    pairs = []
    for product_id in {one for place in places.values() for one in place} - set(grades):
        ranks = {name: place.get(product_id) for name, place in places.items()}
        discounts = [discount(rank) for rank in ranks.values()]
        spread = max(discounts) - min(discounts)
        mean = math.fsum(discounts) / len(discounts)
        pairs.append(Pair(query, product_id, scale * (spread + AGREED * mean), ranks))
    return pairs


def _ideal(grades: Mapping[str, int]) -> float:
    best = sorted(grades.values(), reverse=True)[:CUTOFF]
    return math.fsum((2.0**grade - 1.0) * discount(rank) for rank, grade in enumerate(best, 1))
