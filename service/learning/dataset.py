"""Judged queries with the ranking features of their candidates: what training sees."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from service.search_results import FeatureMatrix, Scores


@dataclass(frozen=True)
class JudgedQuery:
    """A query, its candidates and what is known of them.

    matrix: features of n candidates; the first `in_window` are what the service would rank, in
        the order of product ids as ties are broken, the others were judged but not found.
    grades: float64 [n], 0 and up, NaN where nobody judged. confidence: float64 [n], above 0; 1 for
        a human judgement. all_grades: of every judged product that the index has not lost, by
        which the ideal order is known.
    """

    text: str
    matrix: FeatureMatrix
    grades: Scores
    confidence: Scores
    in_window: int
    all_grades: tuple[float, ...]

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Return which candidates have a grade, bool [n]."""
        judged: NDArray[np.bool_] = ~np.isnan(self.grades)
        return judged

    @property
    def is_useful(self) -> bool:
        """Return whether some order of it is better than another."""
        known = self.grades[self.judged]
        return max(self.all_grades, default=0.0) > 0 and bool(len(known)) and known.max() > 0


def fingerprint(queries: Sequence[JudgedQuery]) -> str:
    """Return sha256 (hex) over the queries and grades, whatever order they came in."""
    rows = sorted(
        [
            query.text,
            [
                [name, float(grade), float(confidence)]
                for name, grade, confidence in zip(
                    query.matrix.product_ids, query.grades, query.confidence, strict=True
                )
                if not np.isnan(grade)
            ],
        ]
        for query in queries
    )
    for row in rows:
        row[1].sort()  # type: ignore[attr-defined]
    return hashlib.sha256(orjson.dumps(rows)).hexdigest()


def judged_query(
    text: str,
    matrix: FeatureMatrix,
    in_window: int,
    grades: Mapping[str, float],
    confidence: Mapping[str, float] | None = None,
    *,
    is_complete: bool = False,
) -> JudgedQuery:
    """Return a query with its grades in the order of the candidates.

    in_window: so many of the first candidates would be ranked. grades, confidence: by product.
    is_complete: a product without a grade is wrong, where it is else not judged.
    """
    other = 0.0 if is_complete else np.nan
    known = [grades.get(name, other) for name in matrix.product_ids]
    sure = [(confidence or {}).get(name, 1.0) for name in matrix.product_ids]
    return JudgedQuery(
        text=text,
        matrix=matrix,
        grades=np.asarray(known, dtype=np.float64),
        confidence=np.asarray(sure, dtype=np.float64),
        in_window=in_window,
        all_grades=tuple(float(grade) for grade in grades.values()),
    )
