"""Judgement lists: which products are right for which query."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten

MAX_GRADE = 3
RELEVANT_GRADE = 1
Judgements = Mapping[str, Mapping[str, int]]
"""Query to product id to grade, 0 (wrong) to 3 (right)."""


def read_judgements(path: Path) -> Judgements:
    """Read a CSV file with the columns query, product_id and grade.

    The last of several rows for one pair counts. Raises InvalidQuery that names the
    line of the first row that is not sound, or when there is no row at all.
    """
    found: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        missing = {"query", "product_id", "grade"} - set(rows.fieldnames or ())
        if missing:
            raise InvalidQuery(f"{path.name}: has no column {', '.join(sorted(missing))}")
        for row in rows:
            grade = row["grade"]
            if grade not in {str(number) for number in range(MAX_GRADE + 1)}:
                raise InvalidQuery(
                    f"{path.name}, line {rows.line_num}: grade should be 0 to {MAX_GRADE}, "
                    f"got {shorten(grade)}"
                )
            found.setdefault(row["query"], {})[row["product_id"]] = int(grade)
    if not found:
        raise InvalidQuery(f"{path.name}: has no judgement")
    return found


def answerable(judgements: Judgements) -> Judgements:
    """Return the queries that have a relevant product at all."""
    return {
        query: grades
        for query, grades in judgements.items()
        if any(grade >= RELEVANT_GRADE for grade in grades.values())
    }
