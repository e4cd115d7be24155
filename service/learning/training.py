"""One training: every way of ranking validated, the best one learned, and whether it pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.fusion.registry import FusionModel
from service.learning.baselines import BASELINES, FIXED_BLEND
from service.learning.collecting import Collected
from service.learning.curve import CurvePoint
from service.learning.dataset import fingerprint
from service.learning.validation import (
    OUTER_FOLDS,
    Trainer,
    Validated,
    cross_validate,
    interval,
    train,
)

LEAST_QUERIES = 2 * OUTER_FOLDS
"""Judged queries with a right answer, below which nothing can be said of unseen ones."""


@dataclass(frozen=True)
class Training:
    """What came of it.

    validated: by way of ranking, the baselines first. best: name of the way that is kept. gain:
    its mean gain of the goal over the best fixed blend on unseen queries, with the 95 % interval.
    model: learned from all queries, with its settings. curve: empty when nobody asked for it.
    """

    validated: Mapping[str, Validated]
    best: str
    gain: tuple[float, float, float]
    model: FusionModel
    settings: Mapping[str, float]
    curve: Sequence[CurvePoint] = field(default_factory=tuple)

    @property
    def pays(self) -> bool:
        """Return whether the whole interval of the gain lies above 0."""
        return self.gain[1] > 0


def learn(
    data: Collected,
    trainers: Sequence[Trainer],
    *,
    repeats: int | None = None,
    on_fold: Callable[[str], None] = lambda name: None,
) -> Training:
    """Validate the baselines and the trainers, and learn the best of these from all queries.

    data: at least LEAST_QUERIES queries. on_fold: called with a way's name after each fold.
    """
    validated = {
        way.name: cross_validate(
            way,
            data.queries,
            repeats=repeats,
            on_fold=lambda way=way: on_fold(way.name),  # type: ignore[misc]
        )
        for way in (*BASELINES, *trainers)
    }
    start = validated[FIXED_BLEND].quality.goal
    gains = {one.name: interval(validated[one.name].quality.goal - start) for one in trainers}
    # The first one wins where two are as good, and the plainest one comes first.
    best = max(trainers, key=lambda one: round(gains[one.name][0], 4))
    model, settings = train(best, data.queries)
    return Training(validated, best.name, gains[best.name], model, settings)


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
        "fusion": training.best,
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
    gain, low, high = training.gain
    return {
        "validation": f"nested cross-validation by query, {OUTER_FOLDS} folds",
        "gain_over_fixed_blend": {"value": gain, "low": low, "high": high},
        "ways": {
            name: {
                "ndcg@10": float(one.quality.plain.mean()),
                "ndcg@10_judged_only": float(one.quality.judged.mean()),
            }
            for name, one in training.validated.items()
        },
    }
