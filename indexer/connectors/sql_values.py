"""Values of a database as JSON: in records, and in cursors, from which they come back."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any
from uuid import UUID

from mappings.errors import MissingSetting

Value = Any
"""What a driver returns for a column."""

_MILLISECONDS_FROM = 100_000_000_000
"""A number of seconds as great as this is a time after the year 5000, so it is milliseconds."""


_WHOLE_BELOW = 2**63
"""What JSON as Redis is sent it, and Elasticsearch, take as a whole number."""


def plain(value: Value) -> Value:
    """Return a column's value as JSON has it.

    Times become ISO 8601, one without a zone being UTC; decimals become numbers; NaN and
    infinities text, for the product's own checks to refuse; bytes, which no product has, nothing.
    """
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Decimal):
        return int(value) if abs(value) < _WHOLE_BELOW and not value % 1 else float(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, date | time_of_day):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, bytes | bytearray | memoryview):
        return None
    return str(value)


def encode(value: Value) -> Value:
    """Return a time or an id of a row as JSON that `decode` reads back."""
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, UUID):
        return {"uuid": str(value)}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if value is None or isinstance(value, str | int | float):
        return value
    raise MissingSetting(
        f"query: a column of the kind {type(value).__name__} cannot be read by; "
        "take a time, a number or text"
    )


def decode(value: Value) -> Value:
    """Return what `encode` was given."""
    if isinstance(value, dict):
        ((kind, text),) = value.items()
        return _KINDS[kind](text)
    return value


_KINDS: dict[str, Any] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "uuid": UUID,
    "decimal": Decimal,
}


def seconds_of(time: Value) -> datetime | str | float | None:
    """Return a row's time as `version_at` takes it; numbers are seconds, or milliseconds."""
    if isinstance(time, Decimal | int | float):
        return float(time) / (1000 if time >= _MILLISECONDS_FROM else 1)
    if isinstance(time, date) and not isinstance(time, datetime):
        return datetime(time.year, time.month, time.day, tzinfo=UTC)
    return time if isinstance(time, datetime | str) else None
