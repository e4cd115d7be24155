"""Waits between attempts: how long, and an action that is tried until it works."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from mappings.errors import TemporaryError

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 10.0

_Result = TypeVar("_Result")
_log = structlog.get_logger(__name__)


def backoff_seconds(attempt: int, *, first: float, longest: float) -> float:
    """Return the wait after the attempt of that number (from 0): doubled each time.

    Up to a fifth is taken off by chance, so that many waiters do not come back at once.
    """
    return min(longest, first * 2.0 ** min(attempt, 32)) * random.uniform(0.8, 1.0)  # noqa: S311


def patiently(
    action: Callable[[], _Result],
    *,
    patience_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    on_failure: Callable[[TemporaryError], None] | None = None,
) -> _Result:
    """Run an action until it raises no TemporaryError any more, and return its result.

    on_failure: told of every failure. Raises the last TemporaryError once patience ends.
    """
    deadline = clock() + patience_seconds
    attempt = 0
    while True:
        try:
            return action()
        except TemporaryError as error:
            wait = backoff_seconds(attempt, first=FIRST_WAIT_SECONDS, longest=LONGEST_WAIT_SECONDS)
            if on_failure is not None:
                on_failure(error)
            if clock() + wait > deadline:
                raise
            _log.warning("waiting", reason=error.message, seconds=round(wait, 1))
        sleep(wait)
        attempt += 1
