"""Waits until the photos of an index were all tried, and shows how far they are."""

from __future__ import annotations

import time
from collections.abc import Callable

from elasticsearch import Elasticsearch

from indexer.load_progress import LoadProgress
from indexer.patience import patiently
from indexer.photos.due_products import PhotoCounts, count_photos

POLL_SECONDS = 0.5
LONG_POLL_SECONDS = 5.0
"""While more than MANY products are left: each look makes Elasticsearch write a segment."""

MANY = 1_000
_QUIET_NOTE_SECONDS = 20.0


def wait_for_photos(
    client: Elasticsearch,
    index: str,
    progress: LoadProgress,
    *,
    patience_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> PhotoCounts:
    """Return the counts once each photo was tried, or once nothing has moved for the patience.

    index: a version. sleep: may raise to end the wait. What waits for another try is not waited
    for. Raises TemporaryError when Elasticsearch stays away for longer than the patience.
    """

    def counted() -> PhotoCounts:
        return patiently(
            lambda: count_photos(client, index, refresh=True),
            patience_seconds=patience_seconds,
            on_failure=lambda error: progress.note(error.message),
        )

    counts = counted()
    total, quiet_since, is_noted = counts.left, clock(), False
    while counts.left and clock() - quiet_since < patience_seconds:
        if not is_noted and clock() - quiet_since > _QUIET_NOTE_SECONDS:
            is_noted = True
            progress.note("no photo has come in: is a worker of the lane `photos` running?")
        sleep(LONG_POLL_SECONDS if counts.left > MANY else POLL_SECONDS)
        before, counts = counts, counted()
        total = max(total, counts.left)
        if counts != before:
            quiet_since = clock()
        progress.update(total - counts.left, total, described(counts))
    return counts


def described(counts: PhotoCounts) -> str:
    """Return the counts in words."""
    text = f"{counts.photos:,} photos"
    if counts.left:
        text += f", {counts.left:,} products left"
    if counts.faulty:
        text += f", {counts.faulty:,} products lack some"
    return text
