"""The span of time that figures are about, and how finely it is divided."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten

DEFAULT_FROM = "24h"
MAX_DAYS = 366
_MOST_STEPS = 72
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
STEPS = (
    *(10, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY),
)
"""Seconds of a step; the finest that divides the span into at most 72 is taken."""

_AGE = re.compile(r"(?P<number>[0-9]{1,5})(?P<unit>[mhdw])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class TimeRange:
    """From start (inside) to end (outside), in steps of so many seconds; start is a whole step."""

    start: datetime
    end: datetime
    step_seconds: int

    @classmethod
    def parse(cls, start: str | None, end: str | None, *, now: datetime) -> TimeRange:
        """Return the range from two moments: ISO 8601, or an age such as 90m, 24h, 7d or 4w.

        By default the last day. Raises InvalidQuery that names `from` or `to` and the value.
        """
        last = now if not end else _moment("to", end, now)
        first = _moment("from", start or DEFAULT_FROM, now)
        if first >= last:
            raise InvalidQuery(
                f"from: should be before to ({last.isoformat()}), got {shorten(start)}",
                field="from",
            )
        if last - first > timedelta(days=MAX_DAYS, minutes=1):
            raise InvalidQuery(
                f"from: should be at most {MAX_DAYS} days before to, got {shorten(start)}",
                field="from",
            )
        seconds = (last - first).total_seconds()
        step = next((one for one in STEPS if seconds <= one * _MOST_STEPS), STEPS[-1])
        floored = math.floor(first.timestamp() / step) * step
        return cls(datetime.fromtimestamp(floored, UTC), last, step)

    def clause(self, field: str) -> dict[str, object]:
        """Return the filter of Elasticsearch on a field of dates."""
        return {"range": {field: {"gte": self.start.isoformat(), "lt": self.end.isoformat()}}}

    def histogram(self, field: str) -> dict[str, object]:
        """Return the aggregation by step; steps of nothing are in it, too."""
        last = self.end - timedelta(milliseconds=1)
        return {
            "field": field,
            "fixed_interval": f"{self.step_seconds}s",
            "min_doc_count": 0,
            "extended_bounds": {
                "min": round(self.start.timestamp() * 1e3),
                "max": round(last.timestamp() * 1e3),
            },
        }


def _moment(name: str, text: str, now: datetime) -> datetime:
    age = _AGE.fullmatch(text)
    if age is not None:
        return now - timedelta(**{_UNITS[age["unit"]]: int(age["number"])})
    try:
        # A plus in an address that nobody has quoted comes as a space.
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        found.timestamp()
    except (ValueError, OverflowError) as error:
        raise InvalidQuery(
            f"{name}: should be a time such as 2026-11-22T08:00Z or an age such as 24h, 7d or "
            f"4w, got {shorten(text)}",
            field=name,
        ) from error
    return found
