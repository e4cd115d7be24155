"""One training: every way of ranking validated, the best one learned, and whether it pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.fusion.linear import LinearModel
from service.fusion.registry import FusionModel
from service.intervals import SEED, interval
from service.learning import baselines
from service.learning.baselines import (
    BASELINES,
    BEST_FIXED_BLEND,
    FIXED_BLEND,
    SHIPPED,
)
from service.learning.collecting import Collected
from service.learning.curve import CurvePoint
from service.learning.dataset import fingerprint
from service.learning.validation import (
    OUTER_FOLDS,
    Trainer,
    Validated,
    cross_validate,
    train,
)

LEAST_QUERIES = 2 * OUTER_FOLDS
"""Judged queries with a right answer, below which nothing can be said of unseen ones."""


@dataclass(frozen=True)
class Training:
    """What came of it.

    validated: by way of ranking, the baselines first. best: name of the way that is kept: the best
    learned one or, where none is better than it beyond chance, the best fixed blend.
    gain: mean gain of the goal on unseen queries, with the 95 % interval: of what is learned over
    the best fixed blend, of that over the shipped weights. gain_over_shipped: of the way kept.
    model: learned from all queries, with its settings. curve: empty when nobody asked for it.
    """

    validated: Mapping[str, Validated]
    best: str
    gain: tuple[float, float, float]
    gain_over_shipped: tuple[float, float, float]
    model: FusionModel
    settings: Mapping[str, float]
    curve: Sequence[CurvePoint] = field(default_factory=tuple)

    @property
    def pays(self) -> bool:
        """Return whether the gain is beyond chance, and there is one over the shipped weights."""
        return self.gain[1] > 0 and self.gain_over_shipped[0] > 0


def learn(
    data: Collected,
    trainers: Sequence[Trainer],
    *,
    shipped: LinearModel,
    repeats: int | None = None,
    seed: int = SEED,
    on_fold: Callable[[str], None] = lambda name: None,
    on_way: Callable[[str, Validated], None] = lambda name, way: None,
) -> Training:
    """Validate the baselines and the trainers, and learn the best of these from all queries.

    data: at least LEAST_QUERIES queries. shipped: the weights that answer without training.
    seed: of the folds and of what a trainer draws. on_fold: called with a way's name after each
    fold; on_way with what it is worth after all of them.
    """
    validated: dict[str, Validated] = {}
    for way in (baselines.shipped(shipped), *BASELINES, *trainers):
        validated[way.name] = cross_validate(
            way,
            data.queries,
            repeats=repeats,
            seed=seed,
            on_fold=lambda way=way: on_fold(way.name),  # type: ignore[misc]
        )
        on_way(way.name, validated[way.name])

    def gain(name: str, other: str, looks: int = 1) -> tuple[float, float, float]:
        difference = validated[name].quality.goal - validated[other].quality.goal
        return interval(difference, looks=looks)

    gains = {one.name: gain(one.name, FIXED_BLEND, len(trainers)) for one in trainers}
    # The first one wins where two are as good, and the plainest one comes first.
    best = max(trainers, key=lambda one: round(gains[one.name][0], 4))
    if gains[best.name][1] <= 0:
        best = BEST_FIXED_BLEND
        gains[best.name] = gain(best.name, SHIPPED)
    model, settings = train(best, data.queries, seed=seed)
    over_shipped = gain(best.name, SHIPPED)
    return Training(validated, best.name, gains[best.name], over_shipped, model, settings)


def weights_document(
    index: str,
    data: Collected,
    training: Training,
    *,
    source: str,
    encoders: Mapping[str, Any],
    note: str = "",
) -> dict[str, Any]:
    """Return the document that keeps the learned weights.

    encoders: vector field to the identity of the index's encoder.
    """
    return {
        "index": index,
        "fusion": training.model.fusion,
        "model": training.model.to_json(),
        "features": list(training.model.features),
        "training": {
            "fingerprint": fingerprint(data.queries),
            "source": source,
            "queries": len(data.queries),
            "pairs": data.pairs,
            "settings": dict(training.settings),
            "encoders": dict(encoders),
        },
        "metrics": metrics(training),
        "note": note,
    }


def metrics(training: Training) -> dict[str, Any]:
    """Return the measures on unseen queries as JSON."""
    start = training.validated[FIXED_BLEND].quality.goal
    kept = training.validated[training.best].quality
    over_blend = interval(kept.goal - start)
    return {
        "validation": f"nested cross-validation by query, {OUTER_FOLDS} folds",
        "kept": training.best,
        "ndcg@10": _as_json(interval(kept.plain)),
        "gain_over_fixed_blend": _as_json(over_blend),
        "gain_over_shipped": _as_json(training.gain_over_shipped),
        "ways": {
            name: {
                "ndcg@10": float(one.quality.plain.mean()),
                "ndcg@10_judged_only": float(one.quality.judged.mean()),
            }
            for name, one in training.validated.items()
        },
    }


def _as_json(gain: tuple[float, float, float]) -> dict[str, float]:
    value, low, high = gain
    return {"value": value, "low": low, "high": high}
