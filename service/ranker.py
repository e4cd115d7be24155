"""Candidates to their order: exact scores, fused or by a learned model, and moved by rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from elasticsearch import Elasticsearch

from service.feature_ranking import (
    FeatureScores,
    LearnedRanking,
    rank_by_model,
    score_features,
)
from service.fusion.registry import FUSIONS, leg_fusion
from service.interleaving import Interleaved, interleave
from service.page import Ranked
from service.prepared_search import PreparedSearch
from service.retrieval.candidates import BY_SCORE, Candidates, first_pass_scores, joined
from service.retrieval.exact_scores import complete_scores
from service.retrieval.moves import FIRST_PASS_SPREAD, shifts
from service.retrieval.pins import Pinned
from service.search_results import LegScores, MovedBy


def draft(
    client: Elasticsearch, search: PreparedSearch, candidates: Candidates
) -> Ranked | Interleaved:
    """Rank a window, for an interleaved list by both models, on the same features.

    Rules move products in each model's own ranking, before the teams pick: the scores of two
    models are in no order together. Pinned products are no team's.
    """
    arm = search.arm
    if arm is None or arm.other is None:
        return rank(client, search, candidates, pins=search.pinned)
    both = (arm.learned, arm.other)
    scores = _with_pins(candidates, search.pinned)
    features = _features(client, search, both, scores, len(candidates.scores.product_ids))
    a, b = (
        _moved(search, _ranked_by(search, learned, features), candidates, search.pinned)
        for learned in both
    )
    return interleave(a, b, arm.experiment.versions, arm.seed(search.text))


def rank(
    client: Elasticsearch, search: PreparedSearch, candidates: Candidates, *, pins: Pinned
) -> Ranked:
    """Rank candidates, and pinned products beside them; raises what scoring raises."""
    scores = _with_pins(candidates, pins)
    return _moved(
        search,
        _scored(client, search, scores, len(candidates.scores.product_ids)),
        candidates,
        pins,
    )


def _with_pins(candidates: Candidates, pins: Pinned) -> LegScores:
    return joined(candidates.scores, pins.scores) if len(pins) else candidates.scores


def _scored(client: Elasticsearch, search: PreparedSearch, scores: LegScores, own: int) -> Ranked:
    request = search.request
    scored = search.window.sort is BY_SCORE
    if request.mode == "fast":
        fused = first_pass_scores(search.legs.legs, scores)
        return Ranked(scores, fused, search.legs.weights, ranked=False, scored=scored)
    if search.learned is not None:
        features = _features(client, search, [search.learned], scores, own)
        return _ranked_by(search, search.learned, features)
    with search.watch.measure("score"):
        scores = complete_scores(
            client, search.index, search.legs.legs, scores, preference=search.text
        )
    with search.watch.measure("fuse"):
        fused = FUSIONS[leg_fusion(request.fusion)](
            scores,
            weights=search.legs.weights,
            calibrations=search.legs.calibrations,
            rank_constant=request.rank_constant,
        )
    return Ranked(
        scores,
        fused,
        search.legs.weights,
        ranked=search.begins_in_window,
        scored=scored,
    )


def _features(
    client: Elasticsearch,
    search: PreparedSearch,
    models: Sequence[LearnedRanking],
    scores: LegScores,
    own: int,
) -> FeatureScores:
    with search.watch.measure("score"):
        return score_features(
            client,
            search.index,
            search.legs,
            scores,
            search.understood,
            wanted={name for learned in models for name in learned.model.features},
            preference=search.text,
            in_window=own or None,
        )


def _ranked_by(search: PreparedSearch, learned: LearnedRanking, features: FeatureScores) -> Ranked:
    with search.watch.measure("fuse"):
        model = rank_by_model(learned.model, features)
    return Ranked(
        features.scores,
        model.by_leg,
        model.weights,
        ranked=search.begins_in_window,
        model=model,
    )


def _moved(search: PreparedSearch, ranked: Ranked, candidates: Candidates, pins: Pinned) -> Ranked:
    """Return the ranking as rules have it.

    In the window a strength is a share of the distance between its best and its worst score; in
    one request, of the distance that the first pass goes by. Behind the window, and in an order
    that has no scores, the first pass alone has moved them.
    """
    pinned_by = tuple(search.curation.pins[product_id] for product_id in pins.apart.ids)
    moves = search.curation.moves
    count = len(candidates.scores.product_ids)
    if not moves or not count:
        return replace(ranked, pinned_by=pinned_by) if pinned_by else ranked
    total = ranked.fused.total.copy()  # [candidates and pinned]
    spread = 0.0
    if search.begins_in_window:
        spread = float(np.max(total[:count]) - np.min(total[:count]))
    elif search.request.mode == "fast":
        spread = FIRST_PASS_SPREAD
    total[:count] += shifts(candidates.marks, moves, spread)
    told = [MovedBy(one.rule, one.strength) for one in moves]
    moved_by = {
        row: tuple(told[place] for place in np.flatnonzero(candidates.marks[row]))
        for row in np.flatnonzero(candidates.marks.any(axis=1)).tolist()
    }
    return replace(
        ranked,
        fused=replace(ranked.fused, total=total),
        pinned_by=pinned_by,
        moved_by=moved_by,
    )
