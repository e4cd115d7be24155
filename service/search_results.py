"""What the stages of a search hand to each other, and the answer that they make together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

LEXICAL = "lexical"
"""Name of the leg of words; the others are named after their vector fields."""


@dataclass(frozen=True)
class LegScores:
    """The scores of the same candidates on every leg.

    product_ids: the n candidates. legs: names of the m legs.
    scores: float64 [n, m]; NaN where a leg did not find the candidate. Lexical
        scores are BM25 (0 and up), vector scores are cosines (-1 to 1).
    """

    product_ids: tuple[str, ...]
    legs: tuple[str, ...]
    scores: Scores


@dataclass(frozen=True)
class FusedScores:
    """One score a candidate, and what each leg gave to it.

    total: float64 [n]. contributions: float64 [n, m], whose rows add up to total.
    """

    total: Scores
    contributions: Scores


@dataclass(frozen=True)
class Total:
    """Number of products in the candidate set; relation is `eq` or `gte`."""

    value: int
    relation: str = "eq"


@dataclass(frozen=True)
class FacetCount:
    """A value and how many products of the candidate set have it."""

    value: str
    count: int

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"value": self.value, "count": self.count}


@dataclass(frozen=True)
class RangeCount:
    """Products with from <= value < to; None is open."""

    start: float | None
    end: float | None
    count: int

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"from": self.start, "to": self.end, "count": self.count}


Facets = Mapping[str, Sequence[FacetCount | RangeCount]]


@dataclass(frozen=True)
class LegShare:
    """What one leg says of a hit. score and rank are None where it did not find the hit."""

    score: float | None
    rank: int | None
    weight: float
    contribution: float

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "score": self.score,
            "rank": self.rank,
            "weight": self.weight,
            "contribution": self.contribution,
        }


@dataclass(frozen=True)
class Hit:
    """A ranked product. score is None when the order is by a field."""

    id: str
    score: float | None
    product: Mapping[str, Any]
    legs: Mapping[str, LegShare] = field(default_factory=dict)
    explanation: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        answer: dict[str, Any] = {"id": self.id, "score": self.score, "product": self.product}
        if self.legs:
            answer["legs"] = {name: share.to_json() for name, share in self.legs.items()}
        if self.explanation is not None:
            answer["explanation"] = self.explanation
        return answer


@dataclass(frozen=True)
class SearchAnswer:
    """The answer to a search request; took is in milliseconds by stage."""

    query_id: str
    total: Total
    hits: Sequence[Hit]
    facets: Facets
    cursor: str | None
    weights_version: str
    warnings: Sequence[str]
    took: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the API."""
        return {
            "query_id": self.query_id,
            "total": {"value": self.total.value, "relation": self.total.relation},
            "cursor": self.cursor,
            "hits": [hit.to_json() for hit in self.hits],
            "facets": {
                name: [count.to_json() for count in counts] for name, counts in self.facets.items()
            },
            "understood": {},
            "warnings": list(self.warnings),
            "weights_version": self.weights_version,
            "took": {stage: round(ms, 3) for stage, ms in self.took.items()},
        }
