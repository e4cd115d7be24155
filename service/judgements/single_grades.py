"""Grades given one at a time, also by several judges at once and beside an import."""

from __future__ import annotations

from datetime import UTC, datetime

from mappings.errors import ClusterUnavailable, Conflict
from mappings.validation_faults import shorten
from service.judgements.judgement_list import Judgements
from service.judgements.list_rows import ListRows

ANY_GRADE = -1
"""Stands for whatever grade a pair has."""
_ATTEMPTS = 20
"""Of a write that other judges of the same pair get in between; each time one gets through."""


def give_grade(
    rows: ListRows,
    place: tuple[str, str],
    pair: tuple[str, str],
    grade: int | None,
    *,
    source: str,
    seen: int | None = ANY_GRADE,
) -> int | None:
    """Give a pair a grade, None to take it away; return the one it had.

    place: name and revision of the list. pair: query and product id. seen: the grade that the
    judge believes it to have. Raises Conflict when it has another one, unless that is what the
    judge gives as well.
    """
    for _ in range(_ATTEMPTS):
        known = rows.find(place[1], *pair)
        had = known.grade if known else None
        if seen not in (ANY_GRADE, had) and had != grade:
            shown = "no grade" if had is None else f"grade {had}"
            raise Conflict(
                f"product {shorten(pair[1])} has {shown} for {shorten(pair[0])} by now",
                field="seen",
            )
        if had == grade or rows.put(*place, pair, grade, known, at=_now(), source=source):
            return had
    raise ClusterUnavailable(f"product {shorten(pair[1])} is graded again and again")


def take_along(
    rows: ListRows, place: tuple[str, str], known: Judgements, later: Judgements, *, at: str
) -> None:
    """Bring into a new revision what was graded in the old one while the new one was written.

    place: name and new revision of the list. known, later: the old rows when they were read
    for the new ones, and after the switch. at: when the new rows were made.
    """
    for query in sorted(set(known) | set(later)):
        before, after = known.get(query, {}), later.get(query, {})
        for product_id in sorted(set(before) | set(after)):
            grade = after.get(product_id)
            if grade == before.get(product_id):
                continue
            stored = rows.find(place[1], query, product_id)
            # One that was graded after the switch is newer, and stays.
            if stored is None or stored.imported_at == at:
                rows.put(*place, (query, product_id), grade, stored, at=_now(), source="")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
