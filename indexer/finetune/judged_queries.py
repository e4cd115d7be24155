"""Graded queries from a file, and figures of a ranking by them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten

Grades = Mapping[str, Mapping[str, int]]
"""Query to product id to grade, 0 (wrong) or more."""

MAX_BYTES = 100_000_000
HIGHEST_GRADE = 10
CUTOFF = 10
_COLUMNS = ("query", "product_id", "grade")


def read_grades(path: Path) -> dict[str, dict[str, int]]:
    """Return the grades of a CSV file with the columns query, product_id and grade.

    Raises InvalidQuery that names the file and the line of what is not sound.
    """
    if path.stat().st_size > MAX_BYTES:
        raise InvalidQuery(f"{path.name}: at most {MAX_BYTES:,} bytes", field="judgements")
    found: dict[str, dict[str, int]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise InvalidQuery(
                    f"{path.name}: has no column {missing[0]!r}; it needs {', '.join(_COLUMNS)}",
                    field="judgements",
                )
            for row in rows:
                query = (row["query"] or "").strip()
                grade = _grade(row["grade"], f"{path.name}: line {rows.line_num}")
                if query and row["product_id"]:
                    found.setdefault(query, {})[row["product_id"].strip()] = grade
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidQuery(f"{path.name}: is not readable: {error}", field="judgements") from error
    return found


def right_products(grades: Mapping[str, int]) -> list[str]:
    """Return the products to learn from: those of grade 2 and more, else those of grade 1."""
    best = [name for name, grade in grades.items() if grade >= 2]
    return sorted(best or [name for name, grade in grades.items() if grade >= 1])


def ranking_figures(ranked: Mapping[str, Sequence[str]], grades: Grades) -> dict[str, float]:
    """Return means over the queries that have a right product; nan when there is none.

    ranked: query to product ids, best first, CUTOFF at least. NDCG has gains of 2^grade - 1 and
    discounts of log2(rank + 1); a product that nobody judged counts as wrong. Recall counts
    grades from 1 among the first CUTOFF.
    """
    gains, recalls = [], []
    for query, judged in grades.items():
        relevant = {name for name, grade in judged.items() if grade >= 1}
        if not relevant:
            continue
        first = list(ranked[query])[:CUTOFF]
        best = sorted(judged.values(), reverse=True)[:CUTOFF]
        gains.append(_gain([judged.get(name, 0) for name in first]) / _gain(best))
        recalls.append(len(relevant.intersection(first)) / min(len(relevant), CUTOFF))
    nothing = float("nan")
    return {
        f"NDCG@{CUTOFF}": float(np.mean(gains)) if gains else nothing,
        f"recall@{CUTOFF}": float(np.mean(recalls)) if recalls else nothing,
    }


def _gain(grades: Sequence[int]) -> float:
    return float(sum((2**grade - 1) / np.log2(rank + 2) for rank, grade in enumerate(grades)))


def _grade(text: str | None, place: str) -> int:
    plain = (text or "").strip()
    if not plain.isdecimal() or int(plain) > HIGHEST_GRADE:
        raise InvalidQuery(
            f"{place}: grade should be a whole number from 0 to {HIGHEST_GRADE}, "
            f"got {shorten(text)}",
            field="judgements",
        )
    return int(plain)
