"""Rows of a judgement file, checked one by one and made into a list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from mappings.errors import InvalidQuery
from mappings.product import MAX_ID_BYTES
from mappings.validation_faults import shorten
from service.judgements.judgement_list import JudgementList, check_max_grade
from service.search_request import MAX_QUERY_LENGTH

Contradictions = Literal["refuse", "max", "last", "mean"]
CONTRADICTIONS: tuple[Contradictions, ...] = get_args(Contradictions)

# Quepid keeps ratings as decimals, so that a whole one may be written 3.0.
_WHOLE = re.compile(r"[0-9]{1,3}(\.0+)?")


@dataclass(frozen=True)
class Row:
    """One row as it stands in the file; place says where, such as `line 7`.

    None stands for what is not there at all.
    """

    query: str | None
    product_id: str | None
    grade: str | None
    place: str


@dataclass
class _Pair:
    grades: list[int] = field(default_factory=list)
    places: list[str] = field(default_factory=list)


def collect(
    rows: Iterable[Row],
    *,
    source: str,
    max_grade: int,
    contradictions: Contradictions = "refuse",
    unrated_allowed: bool = False,
) -> JudgementList:
    """Return the list that the rows make.

    source: name of the file, for messages. contradictions: what becomes of a pair with
        different grades; `mean` is rounded to a whole grade, a half upwards.
    unrated_allowed: rows without a grade are counted and left out, instead of refused.
    Raises InvalidQuery that names file, place and value for the first row that is not sound,
    or when there is no judgement at all.
    """
    check_max_grade(max_grade)
    pairs: dict[tuple[str, str], _Pair] = {}
    unrated = 0
    for row in rows:
        if unrated_allowed and row.query and not (row.grade or "").strip():
            unrated += 1
            continue
        query = _text(row, "query", row.query, source)
        product_id = _text(row, "product_id", row.product_id, source)
        grade = _grade(row, source, max_grade)
        pair = pairs.setdefault((query, product_id), _Pair())
        if contradictions == "refuse" and pair.grades and pair.grades[0] != grade:
            raise InvalidQuery(
                f"{source}, {pair.places[0]} and {row.place}: product {shorten(product_id)} has "
                f"grade {pair.grades[0]} and grade {grade} for {shorten(query)}; settle it, or "
                "say which counts with --contradictions max, last or mean",
                field="grade",
            )
        pair.grades.append(grade)
        pair.places.append(row.place)
    if not pairs:
        raise InvalidQuery(f"{source}: has no judgement", field="judgements")
    found: dict[str, dict[str, int]] = {}
    for (query, product_id), pair in pairs.items():
        found.setdefault(query, {})[product_id] = _settle(pair.grades, contradictions)
    settled = sum(len(set(pair.grades)) > 1 for pair in pairs.values())
    return JudgementList(
        judgements=found,
        max_grade=max_grade,
        source=source,
        duplicates=sum(len(pair.grades) - len(set(pair.grades)) for pair in pairs.values()),
        settled=settled,
        unrated=unrated,
    )


def _settle(grades: list[int], contradictions: Contradictions) -> int:
    if contradictions == "max":
        return max(grades)
    if contradictions == "mean":
        # In whole numbers, so that a half is exact: floor(mean + 1/2).
        return (2 * sum(grades) + len(grades)) // (2 * len(grades))
    return grades[-1]


def _text(row: Row, name: str, value: str | None, source: str) -> str:
    text = (value or "").strip()
    fault = None
    if not text:
        fault = "is blank"
    elif "\0" in text:
        fault = "holds a null character"
    elif name == "query" and len(text) > MAX_QUERY_LENGTH:
        fault = f"is longer than {MAX_QUERY_LENGTH} characters"
    elif not _is_text(text):
        fault = "holds half of a surrogate pair, which is not text"
    elif name == "product_id" and len(text.encode()) > MAX_ID_BYTES:
        fault = f"is longer than {MAX_ID_BYTES} bytes"
    if fault:
        raise InvalidQuery(
            f"{source}, {row.place}: {name} {fault}, got {shorten(value)}", field=name
        )
    return text


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _grade(row: Row, source: str, max_grade: int) -> int:
    text = (row.grade or "").strip()
    grade = int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None
    if grade is None or grade > max_grade:
        raise InvalidQuery(
            f"{source}, {row.place}: grade should be a whole number from 0 to {max_grade}, "
            f"got {shorten(row.grade)}",
            field="grade",
        )
    return grade
