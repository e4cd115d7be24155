"""Nested cross-validation by query: what a way of ranking is worth on queries not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from service.fusion.linear import LinearModel
from service.fusion.registry import FusionModel
from service.intervals import SEED
from service.learning.dataset import JudgedQuery
from service.learning.quality import Quality, quality
from service.learning.starting import best_blend, fit_scale

OUTER_FOLDS, INNER_FOLDS = 5, 4
ENOUGH_QUERIES = 150
"""Queries from which on the folds of one repeat, and settings chosen on so many, tell enough."""


class Trainer(Protocol):
    """Learns one kind of model. grid: the settings that the inner folds choose between."""

    name: str
    grid: Sequence[Mapping[str, float]]

    def fit(
        self,
        queries: Sequence[JudgedQuery],
        start: LinearModel,
        settings: Mapping[str, float],
        *,
        seed: int,
    ) -> FusionModel:
        """Return a model. start: the best fixed blend of these queries."""
        ...


@dataclass(frozen=True)
class Validated:
    """Quality on queries that were not trained on, in the order of the queries.

    settings: how often each was chosen by the inner folds.
    """

    quality: Quality
    settings: Mapping[str, int]


def train(
    trainer: Trainer, queries: Sequence[JudgedQuery], *, seed: int = SEED
) -> tuple[FusionModel, Mapping[str, float]]:
    """Return a model of all the queries, with the settings that inner folds preferred.

    Every query must be useful.
    """
    settings = choose_settings(trainer, queries, seed=seed)
    start = best_blend(queries, fit_scale(queries))
    return trainer.fit(queries, start, settings, seed=seed), settings


def choose_settings(
    trainer: Trainer, queries: Sequence[JudgedQuery], *, seed: int
) -> Mapping[str, float]:
    """Return the settings of the trainer's grid that are best on inner folds."""
    if len(trainer.grid) == 1 or len(queries) < 2 * INNER_FOLDS:
        return trainer.grid[0]
    if len(queries) > ENOUGH_QUERIES:
        drawn = np.random.default_rng(seed).permutation(len(queries))[:ENOUGH_QUERIES]
        queries = [queries[row] for row in sorted(drawn)]
    worth = np.zeros(len(trainer.grid))
    for learned, held_out in _folds(queries, INNER_FOLDS, seed):
        start = best_blend(learned, fit_scale(learned))
        for place, settings in enumerate(trainer.grid):
            model = trainer.fit(learned, start, settings, seed=seed)
            worth[place] += quality(model, held_out).goal.sum()
    return trainer.grid[int(worth.argmax())]


def cross_validate(
    trainer: Trainer,
    queries: Sequence[JudgedQuery],
    *,
    taught: Sequence[JudgedQuery] | None = None,
    repeats: int | None = None,
    seed: int = SEED,
    on_fold: Callable[[], None] = lambda: None,
) -> Validated:
    """Return the quality on held-out folds, meaned over the repeats.

    taught: the same queries in the same order as training sees them, e.g. graded by clicks; the
    quality is always by the grades of `queries`. repeats: as `repeats_for` when None.
    """
    repeats = repeats or repeats_for(queries)
    place = {id(query): number for number, query in enumerate(queries)}
    plain, judged = np.zeros(len(queries)), np.zeros(len(queries))
    chosen: dict[str, int] = {}
    for repeat in range(repeats):
        for learned, held_out in _folds(queries, OUTER_FOLDS, seed + repeat):
            seen = [taught[place[id(query)]] for query in learned] if taught else learned
            seen = [query for query in seen if query.is_useful]
            model, settings = train(trainer, seen, seed=seed + repeat)
            found = quality(model, held_out)
            rows = [place[id(query)] for query in held_out]
            plain[rows] += found.plain / repeats
            judged[rows] += found.judged / repeats
            name = describe(settings)
            chosen[name] = chosen.get(name, 0) + 1
            on_fold()
    return Validated(Quality(plain, judged), chosen)


def repeats_for(queries: Sequence[JudgedQuery]) -> int:
    """Return how often the folds should be drawn: more often where a draw of few decides much."""
    return 1 if len(queries) >= ENOUGH_QUERIES else 2


def describe(settings: Mapping[str, Any]) -> str:
    """Return settings in one line."""
    return ", ".join(f"{name} {value:g}" for name, value in settings.items()) or "none"


def _folds(
    queries: Sequence[JudgedQuery], folds: int, seed: int
) -> Iterator[tuple[list[JudgedQuery], list[JudgedQuery]]]:
    order = np.random.default_rng(seed).permutation(len(queries))
    folds = min(folds, len(queries))
    for fold in range(folds):
        held_out = {int(row) for row in order[fold::folds]}
        learned = [query for row, query in enumerate(queries) if row not in held_out]
        yield learned, [queries[row] for row in sorted(held_out)]
