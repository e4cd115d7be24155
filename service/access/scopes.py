"""What a key may be for, and which of it each view needs."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

View = TypeVar("View", bound=Callable[..., object])

_SCOPE = "shelfwise_scope"
_READS = "shelfwise_reads"


class Scope(StrEnum):
    """What a key may be used for; `admin` includes the others."""

    SEARCH = "search"
    EVENTS = "events"
    WRITE = "write"
    METRICS = "metrics"
    ADMIN = "admin"


def needs(scope: Scope | None, *, changes: bool = True) -> Callable[[View], View]:
    """Mark a view with the scope that its callers' key must have; None lets everyone in.

    changes: False for a view that reads, whatever its method: then it is no act to record.
    """

    def mark(view: View) -> View:
        setattr(view, _SCOPE, scope)
        setattr(view, _READS, not changes)
        return view

    return mark


def needed_scope(view: Callable[..., object]) -> Scope | None:
    """Return the scope a view is marked with; a view without a mark needs `admin`."""
    found: Scope | None = getattr(view, _SCOPE, Scope.ADMIN)
    return found


def only_reads(view: Callable[..., object]) -> bool:
    """Return whether a view is marked as one that changes nothing, also by a POST."""
    return bool(getattr(view, _READS, False))
