"""Times of searches as counts in fixed buckets, which add up over processes and days.

A percentile of sums needs no single time. The bounds grow by a quarter of an octave, so one that
is read from the buckets is less than 19 % beside the true one (`GROWTH - 1`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

PER_OCTAVE = 4
GROWTH = 2 ** (1 / PER_OCTAVE)
FIRST_MS = 1.0
"""Upper bound of the first bucket; what is faster is told from nothing."""

OCTAVES = 16
COUNT = OCTAVES * PER_OCTAVE + 1
"""Buckets; the last one holds all that takes longer than a minute."""

BOUNDS: tuple[float, ...] = tuple(
    FIRST_MS * 2 ** (place / PER_OCTAVE) for place in range(COUNT - 1)
)
"""Upper bounds in milliseconds, of all buckets but the last."""

NAMES: tuple[str, ...] = tuple(f"b{place:02d}" for place in range(COUNT))
"""The buckets' fields in a document."""


def bucket_of(milliseconds: float) -> int:
    """Return the number of the bucket of a time; its upper bound belongs to it."""
    if milliseconds <= FIRST_MS:
        return 0
    place = math.ceil(PER_OCTAVE * math.log2(milliseconds / FIRST_MS) - 1e-9)
    return min(place, COUNT - 1)


def percentile(counts: Sequence[float], share: float) -> float | None:
    """Return the time in milliseconds that a share of the searches does not exceed.

    counts: of every bucket. share: 0 to 1. Within a bucket times are taken to grow evenly on a
    logarithmic scale. None of no searches; what is in the last bucket has its lower bound.
    """
    total = sum(counts)
    if total <= 0:
        return None
    wanted = min(max(share, 0.0), 1.0) * total
    before = 0.0
    last = 0
    for place, count in enumerate(counts):
        if count <= 0:
            continue
        last = place
        if before + count >= wanted:
            return _within(place, (wanted - before) / count)
        before += count
    return _within(last, 1.0)  # sums of floats may end a hair below


def _within(place: int, part: float) -> float:
    if place == 0:
        return FIRST_MS * part
    if place == COUNT - 1:
        return BOUNDS[-1]
    return float(BOUNDS[place - 1] * GROWTH**part)
