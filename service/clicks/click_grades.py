"""Clicks as grades, so that training sees one kind of judgement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from service.clicks.grades import ClickJudgements

MAX_GRADE = 3
_WRONG, _RIGHT = 0.1, 0.99
"""Quantiles of relevance: what is clicked by mistake, and what could not be clicked more."""

_HALF_SURE = 5.0
"""Looks after which a pair counts half as much as a human judgement."""


@dataclass(frozen=True)
class ClickGrades:
    """Query to product id to grade, 0 to MAX_GRADE, and to confidence, above 0 and below 1."""

    grades: dict[str, dict[str, float]]
    confidence: dict[str, dict[str, float]]


def as_grades(judgements: ClickJudgements) -> ClickGrades:
    """Return grades whose gain, 2^grade - 1, grows as the relevance does.

    The relevance of a tenth of the pairs, which people click by mistake, is 0, that of the best
    hundredth is MAX_GRADE. A pair that was looked at n times has the confidence n / (n + 5).
    """
    grades: dict[str, dict[str, float]] = {}
    confidence: dict[str, dict[str, float]] = {}
    if len(judgements.relevance):
        low, high = np.quantile(judgements.relevance, (_WRONG, _RIGHT))
        share = np.clip((judgements.relevance - low) / max(high - low, 1e-9), 0.0, 1.0)
        found = np.log2(1.0 + (2.0**MAX_GRADE - 1.0) * share)
        sure = judgements.weight / (judgements.weight + _HALF_SURE)
        rows = zip(judgements.query, judgements.product_id, found, sure, strict=True)
        for query, product_id, grade, one in rows:
            grades.setdefault(str(query), {})[str(product_id)] = float(grade)
            confidence.setdefault(str(query), {})[str(product_id)] = float(one)
    return ClickGrades(grades, confidence)
