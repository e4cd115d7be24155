"""A judgement list: which products are how right for which query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mappings.errors import InvalidQuery

MAX_GRADE = 3
"""Best grade of a list that does not say otherwise."""
HIGHEST_GRADE = 10
"""Best grade that a list may have: gains are 2^grade - 1, and 1,023 is steep enough."""
RELEVANT_GRADE = 1
Judgements = Mapping[str, Mapping[str, int]]
"""Query to product id to grade, 0 (wrong) to the list's best grade (right)."""


@dataclass(frozen=True)
class JudgementList:
    """Judgements, and what was met on the way to them.

    max_grade: the best grade that the list's scale has, 1 to 10, whether or not it is given.
    source: name of the file. duplicates: rows that say again what another row says.
    settled: pairs with different grades that became one by the rule asked for.
    unrated: rows that name a query or a product without a grade, which some exports have.
    """

    judgements: Judgements
    max_grade: int = MAX_GRADE
    source: str = ""
    duplicates: int = 0
    settled: int = 0
    unrated: int = 0

    @property
    def count(self) -> int:
        """Return the number of judgements."""
        return sum(len(grades) for grades in self.judgements.values())


def check_max_grade(max_grade: int) -> int:
    """Return the best grade of a scale; raises InvalidQuery when it is not 1 to 10."""
    if not 1 <= max_grade <= HIGHEST_GRADE:
        raise InvalidQuery(
            f"max_grade: should be 1 to {HIGHEST_GRADE}, got {max_grade}", field="max_grade"
        )
    return max_grade


def answerable(judgements: Judgements) -> Judgements:
    """Return the queries that have a relevant product at all."""
    return {
        query: grades
        for query, grades in judgements.items()
        if any(grade >= RELEVANT_GRADE for grade in grades.values())
    }
