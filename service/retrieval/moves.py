"""Products that rules move up or down: asked for with the first pass, without a request more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.retrieval.vectors import Clause
from service.search_results import Scores

Marks = NDArray[np.bool_]
"""bool [candidates, moves]: whether a candidate is one of the products of a move."""

FIRST_PASS_SPREAD = 0.5
"""Distance of scores in the first pass that a strength is a share of there, as the window whose
distance counts is not known yet: about what lies between the best and the 200th of a search."""

_NAME = "move."


@dataclass(frozen=True)
class Move:
    """Products that a rule moves. strength: -1 to 1, a share of the distance of scores."""

    rule: str
    strength: float
    products: Clause


def move_clauses(moves: Sequence[Move]) -> list[Clause]:
    """Return what adds to the scores of the first pass, each named.

    Scores are never negative, so that what goes down is what all others go up beside.
    """
    return [
        {
            "constant_score": {
                "filter": one.products
                if one.strength > 0
                else {"bool": {"must_not": [one.products]}},
                "boost": abs(one.strength) * FIRST_PASS_SPREAD,
                "_name": f"{_NAME}{place}",
            }
        }
        for place, one in enumerate(moves)
    ]


def added_by_moves(hit: Mapping[str, Any]) -> float:
    """Return which part of a hit's score moves have added."""
    named = hit.get("matched_queries", {})
    return float(sum(score for name, score in named.items() if name.startswith(_NAME)))


def read_marks(hits: Sequence[Mapping[str, Any]], moves: Sequence[Move]) -> Marks:
    """Return which moves each hit is meant by."""
    marks = np.zeros((len(hits), len(moves)), dtype=bool)
    for row, hit in enumerate(hits):
        named = hit.get("matched_queries", {})
        for place, one in enumerate(moves):
            marks[row, place] = (f"{_NAME}{place}" in named) == (one.strength > 0)
    return marks


def shifts(marks: Marks, moves: Sequence[Move], spread: float) -> Scores:
    """Return what moves add to the scores of candidates, float64 [n].

    spread: distance of scores that a strength is a share of.
    """
    strengths = np.array([one.strength for one in moves], dtype=np.float64)
    added: Scores = marks.astype(np.float64) @ strengths * spread
    return added
