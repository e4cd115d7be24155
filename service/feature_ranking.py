"""Candidates ranked by a learned model: one code path for serving and for training."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from mappings.encoder_spec import EncoderSpec
from mappings.errors import MappingMismatch
from mappings.index_lifecycle import LiveIndex
from service.fusion.linear import LinearModel
from service.fusion.registry import FusionModel, read_model
from service.query_legs import QueryLegs
from service.ranking.features import FEATURES, compute_features
from service.retrieval.signals import complete_signals, signal_clauses
from service.search_results import (
    ATTRIBUTES,
    FeatureMatrix,
    FusedScores,
    LegScores,
    Scores,
    UnderstoodQuery,
)


@dataclass(frozen=True)
class LearnedRanking:
    """A version of learned weights, ready to rank.

    encoders: vector field to the encoder of the index that it was trained on, as JSON; empty when
    that is not known. Cosines of another encoder mean something else.
    """

    version: str
    model: FusionModel
    encoders: Mapping[str, Any] = field(default_factory=dict)

    def leg_weights(self) -> dict[str, float] | None:
        """Return what each leg weighs in all, for one request; None when that depends.

        Only of a weighted sum: it can be pushed down as boosts.
        """
        if not isinstance(self.model, LinearModel):
            return None
        weights: dict[str, float] = {}
        for name, weight in zip(self.model.scale.names, self.model.weights, strict=True):
            leg = FEATURES[name].leg
            weights[leg] = weights.get(leg, 0.0) + max(0.0, float(weight))
        return weights

    def fits(self, live: LiveIndex) -> bool:
        """Return whether the vectors that were there in training are the same in an index.

        An index may have more: what was learned of its text holds when photos are added.
        """
        try:
            trained = {
                field: EncoderSpec.from_meta(spec, field=field)
                for field, spec in self.encoders.items()
            }
        except (MappingMismatch, ValueError):  # no identity, or no object at all
            return False
        return all(live.encoders.get(field) == spec for field, spec in trained.items())

    def knows(self, leg: str) -> bool:
        """Return whether any feature of a leg counts in the model."""
        return any(FEATURES[name].leg == leg for name in self.model.features)


def encoders_of(live: LiveIndex) -> dict[str, Any]:
    """Return vector field to the encoder's identity, as JSON."""
    return {name: spec.to_meta() for name, spec in live.encoders.items()}


def read_ranking(document: Mapping[str, Any]) -> LearnedRanking:
    """Return the ranking in a weights document.

    Raises KeyError, TypeError or ValueError for a broken one.
    """
    encoders = document.get("training", {}).get("encoders", {})
    return LearnedRanking(document["version"], read_model(document), encoders)


@dataclass(frozen=True)
class FeatureScores:
    """Candidates with their features. scores: on the legs, with nothing missing."""

    scores: LegScores
    matrix: FeatureMatrix


@dataclass(frozen=True)
class ModelScores:
    """What a model made of the candidates.

    legs: names of the columns of `by_leg`, those of the request first. by_leg: the model's
    scores by leg. by_feature: the same by feature, in the order of the model's features.
    weights: by leg, what its features weigh for this query; NaN where the model has none.
    leg_scores: by leg that is not of the request, float64 [n].
    """

    features: FeatureScores
    feature_names: tuple[str, ...]
    legs: tuple[str, ...]
    by_leg: FusedScores
    by_feature: FusedScores
    weights: Mapping[str, float]
    leg_scores: Mapping[str, Scores]


def score_features(
    client: Elasticsearch,
    index: str,
    query: QueryLegs,
    scores: LegScores,
    understood: UnderstoodQuery,
    *,
    wanted: Collection[str],
    preference: str,
    in_window: int | None = None,
) -> FeatureScores:
    """Return the features of candidates by one more request.

    wanted: features that count; the clauses of the others are not asked for, which leaves
    them unknown. in_window: see compute_features. Raises a TemporaryError when the cluster
    cannot answer.
    """
    text = " ".join(term for term, weight in query.legs.terms.items() if weight > 0)
    signals = {FEATURES[name].signal for name in wanted}
    clauses = {
        name: clause
        for name, clause in signal_clauses(text, understood).items()
        if name in signals
    }
    complete, found = complete_signals(
        client, index, query.legs, scores, clauses, preference=preference
    )
    matrix = compute_features(
        complete, found, understood, now_ms=time.time() * 1e3, in_window=in_window
    )
    return FeatureScores(complete, matrix)


def rank_by_model(model: FusionModel, features: FeatureScores) -> ModelScores:
    """Return the model's scores, by feature and added up by leg."""
    by_feature = model.fuse(features.matrix)
    owners = [FEATURES[name].leg for name in model.scale.names]
    legs = tuple(dict.fromkeys([*features.scores.legs, *owners]))
    contributions = np.zeros((len(by_feature.total), len(legs)))
    weights = dict.fromkeys(legs, 0.0)
    of_features = model.weights_for(features.matrix.query)
    for column, leg in enumerate(owners):
        contributions[:, legs.index(leg)] += by_feature.contributions[:, column]
        weights[leg] += float(of_features[column])
    extra = [leg for leg in legs if leg not in features.scores.legs]
    return ModelScores(
        features=features,
        feature_names=model.scale.names,
        legs=legs,
        by_leg=FusedScores(by_feature.total, contributions),
        by_feature=by_feature,
        weights=weights,
        leg_scores={leg: _own_score(leg, features.matrix) for leg in extra},
    )


def _own_score(leg: str, matrix: FeatureMatrix) -> Scores:
    """Return the score of a leg that has no clause of its own: NaN but for the attributes'."""
    if leg == ATTRIBUTES:
        column: Scores = matrix.values[:, matrix.names.index("attribute_match")]
        return column
    return np.full(len(matrix.product_ids), np.nan)
