"""Versions of changes, made of the times at which the shop made them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from mappings.product_changes import MAX_VERSION, ProductChange

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def version_at(time: datetime | str | float | None) -> int | None:
    """Return the version of a change that was made at a time: microseconds since 1970, UTC.

    time: a date and time, one without a zone being UTC; ISO 8601 text; or seconds since 1970.
    None for none, for text that is no time, and for times before 1970.
    """
    if isinstance(time, str):
        try:
            time = datetime.fromisoformat(time.strip())
        except ValueError:
            return None
    if isinstance(time, datetime):
        aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
        since = aware - _EPOCH
        version = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    elif isinstance(time, int | float) and not isinstance(time, bool):
        try:
            version = round(time * 1_000_000)
        except (OverflowError, ValueError):
            return None
    else:
        return None
    return version if 0 <= version <= MAX_VERSION else None


def with_version(change: ProductChange, time: datetime | str | float | None) -> ProductChange:
    """Return a change with the version of a time, unless it has one of its own."""
    if change.version is not None:
        return change
    return replace(change, version=version_at(time))
