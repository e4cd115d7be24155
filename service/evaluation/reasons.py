"""Why two answers to one query differ: which products moved, and which leg moved them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log2
from typing import Any

from service.search_results import Hit

MOVES = 5
"""Products shown of a query: more than a reader looks at."""
_RIVALS = 10
"""Hits that a product is held against: the first page, where ranks matter most."""


@dataclass(frozen=True)
class Move:
    """A judged product that stands elsewhere in B than in A.

    rank_a, rank_b: from 1; None where it is not among the hits. leg: what moved it, None when
    no leg tells. legs: leg to what it gave the product in A and in B, None without the product.
    reason: a sentence.
    """

    product_id: str
    title: str
    grade: int
    rank_a: int | None
    rank_b: int | None
    leg: str | None
    legs: Mapping[str, tuple[float | None, float | None]]
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object; `legs` holds pairs of A and B."""
        return asdict(self)


@dataclass(frozen=True)
class _Answer:
    hits: Sequence[Hit]

    @property
    def ranks(self) -> dict[str, int]:
        return {hit.id: rank for rank, hit in enumerate(self.hits, start=1)}

    def given(self, hit: Hit) -> dict[str, float]:
        """Return leg to its contribution to a hit."""
        return {leg: share.contribution for leg, share in hit.legs.items()}

    def standing(self, hit: Hit) -> dict[str, float]:
        """Return leg to how much more it gave to a hit than to the first hits on average.

        In shares of the highest score, as different fusions have scores of different size.
        """
        rivals = self.hits[:_RIVALS]
        highest = max((abs(one.score or 0.0) for one in rivals), default=0.0) or 1.0
        return {
            leg: (share.contribution - self._mean(leg, rivals)) / highest
            for leg, share in hit.legs.items()
        }

    @staticmethod
    def _mean(leg: str, rivals: Sequence[Hit]) -> float:
        given = [one.legs[leg].contribution for one in rivals if leg in one.legs]
        return sum(given) / len(rivals) if rivals else 0.0


def moves(
    hits_a: Sequence[Hit],
    hits_b: Sequence[Hit],
    grades: Mapping[str, int],
    *,
    limit: int = MOVES,
) -> list[Move]:
    """Return the judged products that moved most between two answers, the furthest first.

    How far is the difference of the rank discounts 1 / log2(1 + rank), 0 for a product that
    is not there: so a step at the top counts for more. Ties are ordered by product id.
    The leg that moved a product is the one whose contribution, against the mean of the first
    ten hits and in shares of the highest score, changed most in the direction of the move.
    Where only one answer has the product it is the leg that gave it most there.
    """
    a, b = _Answer(hits_a), _Answer(hits_b)
    steps = {
        product_id: _discount(b.ranks.get(product_id)) - _discount(a.ranks.get(product_id))
        for product_id in grades
        if a.ranks.get(product_id) != b.ranks.get(product_id)
    }
    furthest = sorted(steps, key=lambda product_id: (-abs(steps[product_id]), product_id))
    in_a, in_b = ({hit.id: hit for hit in one.hits} for one in (a, b))
    return [
        _move(product_id, grades[product_id], (a, in_a.get(product_id)), (b, in_b.get(product_id)))
        for product_id in furthest[:limit]
    ]


def _discount(rank: int | None) -> float:
    return 0.0 if rank is None else 1 / log2(1 + rank)


def _move(
    product_id: str,
    grade: int,
    in_a: tuple[_Answer, Hit | None],
    in_b: tuple[_Answer, Hit | None],
) -> Move:
    (a, hit_a), (b, hit_b) = in_a, in_b
    given_a = a.given(hit_a) if hit_a else {}
    given_b = b.given(hit_b) if hit_b else {}
    rank_a, rank_b = a.ranks.get(product_id), b.ranks.get(product_id)
    rises = _discount(rank_b) > _discount(rank_a)
    if hit_a and hit_b:
        before, after = a.standing(hit_a), b.standing(hit_b)
        change = {
            leg: after.get(leg, 0.0) - before.get(leg, 0.0) for leg in sorted({*before, *after})
        }
        leg = _furthest(change, 1 if rises else -1)
        reason = _change_in_words(leg, change)
    else:
        given = given_b or given_a
        leg = _furthest(given, 1)
        present, absent, hits = ("B", "A", a.hits) if hit_b else ("A", "B", b.hits)
        reason = f"{absent} does not have it among its first {len(hits)}"
        if leg:
            reason += f"; in {present} {leg} gives it most ({given[leg]:.3g})"
    legs = sorted({*given_a, *given_b})
    hit = hit_b or hit_a
    return Move(
        product_id=product_id,
        title=str(hit.product.get("title", "")) if hit else "",
        grade=grade,
        rank_a=rank_a,
        rank_b=rank_b,
        leg=leg,
        legs={
            leg: (
                given_a.get(leg, 0.0) if hit_a else None,
                given_b.get(leg, 0.0) if hit_b else None,
            )
            for leg in legs
        },
        reason=reason,
    )


def _furthest(change: Mapping[str, float], direction: int) -> str | None:
    """Return the leg that went furthest in a direction, None when none went that way."""
    forward = {leg: direction * amount for leg, amount in change.items() if direction * amount > 0}
    return min(forward, key=lambda leg: (-forward[leg], leg)) if forward else None


def _change_in_words(leg: str | None, change: Mapping[str, float]) -> str:
    if leg is None:
        return "others moved past it; no leg gives it more or less than before"
    more = "more" if change[leg] > 0 else "less"
    others = ", ".join(
        f"{name} {amount:+.3f}" for name, amount in change.items() if name != leg and amount
    )
    reason = f"{leg} sets it apart by {abs(change[leg]):.3f} of the best score {more} than in A"
    return reason + (f" ({others})" if others else "")
