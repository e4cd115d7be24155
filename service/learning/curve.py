"""How many judged queries it takes until learning pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from service.intervals import SEED, interval
from service.learning.dataset import JudgedQuery
from service.learning.quality import quality
from service.learning.starting import best_blend, fit_scale
from service.learning.validation import Trainer, train

_LEAST_HELD_OUT = 5
_DRAWS = 4


@dataclass(frozen=True)
class CurvePoint:
    """Mean gain of the goal over the best fixed blend, with its 95 % interval.

    queries: judged queries that both were learned from; the others tell the gain.
    """

    queries: int
    gain: float
    low: float
    high: float


def learning_curve(
    trainer: Trainer,
    queries: Sequence[JudgedQuery],
    *,
    seed: int = SEED,
    on_point: Callable[[], None] = lambda: None,
) -> list[CurvePoint]:
    """Return the gain for growing numbers of queries, each meaned over a few draws."""
    points = []
    for size in curve_sizes(len(queries)):
        gains = np.zeros(len(queries))
        counts = np.zeros(len(queries))
        for draw in range(_DRAWS):
            order = np.random.default_rng(seed + draw).permutation(len(queries))
            learned = [queries[row] for row in sorted(order[:size])]
            rows = sorted(order[size:])
            held_out = [queries[row] for row in rows]
            model, _ = train(trainer, learned, seed=seed + draw)
            start = best_blend(learned, fit_scale(learned))
            gains[rows] += quality(model, held_out).goal - quality(start, held_out).goal
            counts[rows] += 1
            on_point()
        seen = counts > 0
        points.append(CurvePoint(size, *interval(gains[seen] / counts[seen], seed=seed)))
    return points


def curve_sizes(queries: int) -> list[int]:
    """Return the numbers of queries to try: doubled from 5, as long as some are held out."""
    most = queries - max(_LEAST_HELD_OUT, queries // 5)
    sizes = []
    size = 5
    while size < most:
        sizes.append(size)
        size *= 2
    return [*sizes, most] if most >= _LEAST_HELD_OUT else []


def curve_steps(queries: int) -> int:
    """Return how often `on_point` will be called."""
    return len(curve_sizes(queries)) * _DRAWS


def pays_from(points: Sequence[CurvePoint]) -> int | None:
    """Return the least number of queries from which on the gain's interval lies above 0."""
    paying = None
    for point in reversed(points):
        if point.low <= 0:
            break
        paying = point.queries
    return paying
