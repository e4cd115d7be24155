"""What a learned model has to beat: one leg alone, reciprocal rank, and the best fixed blend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
class FixedWeights:
    """A trainer that learns nothing but the scale. weights: by feature."""

    name: str
    weights: Mapping[str, float]
    grid: Sequence[Mapping[str, float]] = ({},)

    def fit(
        self,
        queries: Sequence[JudgedQuery],
        start: LinearModel,
        settings: Mapping[str, float],
        *,
        seed: int,
    ) -> LinearModel:
        """Return the weights as they are."""
        return blend(start.scale, self.weights)


@dataclass
class BestFixedBlend:
    """The weight of the words against the vectors that is best on the training queries."""

    name: str = FIXED_BLEND
    grid: Sequence[Mapping[str, float]] = field(default=({},))

    def fit(
        self,
        queries: Sequence[JudgedQuery],
        start: LinearModel,
        settings: Mapping[str, float],
        *,
        seed: int,
    ) -> LinearModel:
        """Return the start, which is the best fixed blend."""
        return start


@dataclass
class Shipped:
    """The weights that answer without any training. model: as `shipped_model` returns it."""

    model: LinearModel
    name: str = SHIPPED
    grid: Sequence[Mapping[str, float]] = field(default=({},))

    def fit(
        self,
        queries: Sequence[JudgedQuery],
        start: LinearModel,
        settings: Mapping[str, float],
        *,
        seed: int,
    ) -> LinearModel:
        """Return the model as it is."""
        return self.model


def shipped_model(live: LiveIndex) -> LinearModel:
    """Return the shipped weights and calibrations for an index, as a model."""
    ranking = load_default()
    calibrations = DEFAULT_CALIBRATIONS | ranking.calibrations(live.encoders)
    scale = CalibratedFeatures({name: calibrations[name] for name in NAMES})
    legs = {LEXICAL, *live.encoders}
    weights = ranking.weights_of("weighted_sum")
    return blend(scale, {name: weight for name, weight in weights.items() if name in legs})


BASELINES: tuple[Trainer, ...] = (
    FixedWeights("bm25", {LEXICAL: 1.0}),
    FixedWeights("knn", {"text_vector": 1.0}),
    FixedWeights("reciprocal_rank", {"rank_lexical": 0.5, "rank_text_vector": 0.5}),
    BestFixedBlend(),
)
