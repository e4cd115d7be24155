"""What a learned model has to beat: one leg alone, reciprocal rank, and the best fixed blend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mappings.index_lifecycle import LiveIndex
from service.fusion.linear import CalibratedFeatures, LinearModel
from service.learning.dataset import JudgedQuery
from service.learning.starting import blend
from service.learning.validation import Trainer
from service.ranking.features import DEFAULT_CALIBRATIONS, NAMES
from service.ranking.weights import load_default
from service.search_results import LEXICAL

FIXED_BLEND = "fixed_blend"
SHIPPED = "shipped"


@dataclass
class Baseline:
    """A trainer that learns nothing beyond the start. model: from the start, what ranks."""

    name: str
    model: Callable[[LinearModel], LinearModel]
    grid: Sequence[Mapping[str, float]] = ({},)

    def fit(
        self,
        queries: Sequence[JudgedQuery],
        start: LinearModel,
        settings: Mapping[str, float],
        *,
        seed: int,
    ) -> LinearModel:
        """Return the model."""
        return self.model(start)


def shipped(model: LinearModel) -> Baseline:
    """Return the weights that answer without training. model: as `shipped_model` returns it."""
    return Baseline(SHIPPED, lambda start: model)


def shipped_model(live: LiveIndex) -> LinearModel:
    """Return the shipped weights and calibrations for an index, as a model."""
    ranking = load_default()
    legs = ranking.calibrations(live.encoders)
    calibrations = DEFAULT_CALIBRATIONS | legs
    scale = CalibratedFeatures({name: calibrations[name] for name in NAMES})
    weights = ranking.weights_of("weighted_sum")
    return blend(scale, {name: weight for name, weight in weights.items() if name in legs})


def _weighing(name: str, weights: Mapping[str, float]) -> Baseline:
    return Baseline(name, lambda start: blend(start.scale, weights))


BEST_FIXED_BLEND = Baseline(FIXED_BLEND, lambda start: start)
"""The start itself: the weight of words against vectors that is best on the training queries."""

BASELINES: tuple[Trainer, ...] = (
    _weighing("bm25", {LEXICAL: 1.0}),
    _weighing("knn", {"text_vector": 1.0}),
    _weighing("reciprocal_rank", {"rank_lexical": 0.5, "rank_text_vector": 0.5}),
    BEST_FIXED_BLEND,
)
