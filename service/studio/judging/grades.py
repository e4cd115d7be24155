"""What the grades of a list mean, in the words that judges see."""

from __future__ import annotations

from dataclasses import dataclass

from service.judgements.judgement_list import MAX_GRADE


@dataclass(frozen=True)
class GradeLabel:
    """A grade, its name, and when it is given."""

    grade: int
    name: str
    meaning: str


USUAL = (
    GradeLabel(0, "Wrong", "nobody who asks this wants it"),
    GradeLabel(1, "Near", "of the kind, but something that was asked for is missing"),
    GradeLabel(2, "Good", "fits, though others may fit better"),
    GradeLabel(3, "Right", "just what was asked for"),
)


def grade_labels(max_grade: int) -> tuple[GradeLabel, ...]:
    """Return the labels of a scale of 0 to max_grade; only the usual one names them all."""
    if max_grade == MAX_GRADE:
        return USUAL
    between = (GradeLabel(grade, str(grade), "between") for grade in range(1, max_grade))
    right = GradeLabel(max_grade, USUAL[-1].name, USUAL[-1].meaning)
    return (USUAL[0], *between, right)
