"""What a learned model has to beat: one leg alone, reciprocal rank, and the best fixed blend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.fusion.linear import LinearModel
from service.learning.dataset import JudgedQuery
from service.learning.starting import blend
from service.learning.validation import Trainer
from service.search_results import LEXICAL

FIXED_BLEND = "fixed_blend"


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


BASELINES: tuple[Trainer, ...] = (
    FixedWeights("bm25", {LEXICAL: 1.0}),
    FixedWeights("knn", {"text_vector": 1.0}),
    FixedWeights("reciprocal_rank", {"rank_lexical": 0.5, "rank_text_vector": 0.5}),
    BestFixedBlend(),
)
