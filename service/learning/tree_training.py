"""Gradient-boosted trees that mend the learned weighted sum, by LightGBM's lambdarank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from service.fusion.lambdamart import LambdaMartModel, Tree
from service.fusion.linear import LinearModel
from service.learning.dataset import JudgedQuery
from service.learning.linear_training import LinearTrainer
from service.learning.near_candidates import near_candidates
from service.learning.quality import CUTOFF, gain
from service.ranking.features import FEATURES
from service.search_results import Scores

_FOLDS = 4
_SHARPNESS = 10.0
"""Trees see the weighted sum times this, on which lambdarank's own scale of scores fits."""

_LEVELS = 12
"""Grades are told apart by so many steps: clicks give fractions, LightGBM wants whole labels."""

_MOST_ROUNDS = 60
_STAGE = 5
"""The number of trees is chosen in steps of so many."""

_LEAST_GAIN = 1e-3
"""Of NDCG@10 on held-out queries; what gains less than this is noise and gets no tree."""

# One thread: a round takes 2 ms, and threads that wait for each other beside another busy program
# took ten times as long.
_FIXED: Mapping[str, Any] = {
    "objective": "lambdarank",
    "learning_rate": 0.05,
    "lambdarank_truncation_level": 2 * CUTOFF,
    "monotone_constraints_method": "intermediate",
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


class LambdaMartTrainer:
    """Lambdarank (Burges, 2010) from the weighted sum that LinearTrainer learns.

    A candidate that nobody judged is of grade 0 with the weight `unjudged`. No relevance feature
    may lower a score. The number of trees is the one that is best, by the mean of the plain and
    the judged NDCG@10, for trees of three quarters of the queries on the others; it may be 0.
    """

    name = "lambdamart"
    grid: Sequence[Mapping[str, float]] = tuple(
        {"leaves": leaves, "least": least, "strength": 1.0, "unjudged": unjudged}
        for leaves, least, unjudged in ((4, 100, 0.3), (4, 200, 0.3), (8, 200, 0.3), (4, 100, 0.1))
    )

    def fit(
        self,
        queries: Sequence[JudgedQuery],
        start: LinearModel,
        settings: Mapping[str, float],
        *,
        seed: int,
    ) -> LambdaMartModel:
        """Return the learned model; the same seed gives the same one.

        settings: `leaves` of a tree, and the `least` candidates of each; `strength` and
        `unjudged` of LinearTrainer. With fewer queries than can be split there is no tree.
        """
        useful = [query for query in queries if query.is_useful]
        base = _learn_base(useful, start, settings, seed)
        trees: Sequence[Tree] = ()
        rounds = _best_rounds(useful, start, settings, seed)
        if rounds:
            rows = _near_rows(useful, base, settings["unjudged"])
            booster = _boost(rows, base.scale.names, settings, seed, rounds)
            trees = read_trees(booster, scale=1.0 / _SHARPNESS)
        return LambdaMartModel(start.scale, trees, base)


def read_trees(booster: lightgbm.Booster, *, scale: float) -> tuple[Tree, ...]:
    """Return a booster's trees, every value times `scale`.

    Raises ValueError for a tree that Tree cannot hold: with categories, or missing values.
    """
    return tuple(
        _read_tree(tree["tree_structure"], scale) for tree in booster.dump_model()["tree_info"]
    )


@dataclass(frozen=True)
class _Rows:
    """The candidates of all queries, one query after the other.

    features: float64 [n, f], calibrated. base: float64 [n], the weighted sum times _SHARPNESS.
    grade: float64 [n], 0 where nobody judged. weight: float64 [n]. judged: bool [n].
    sizes: candidates of each query.
    """

    features: Scores
    base: Scores
    grade: Scores
    weight: Scores
    judged: NDArray[np.bool_]
    sizes: Sequence[int]


def _learn_base(
    queries: Sequence[JudgedQuery], start: LinearModel, settings: Mapping[str, float], seed: int
) -> LinearModel:
    linear = {
        "strength": settings["strength"],
        "unjudged": settings["unjudged"],
        "sharpness": _SHARPNESS,
    }
    return LinearTrainer().fit(queries, start, linear, seed=seed)


def _near_rows(queries: Sequence[JudgedQuery], base: LinearModel, unjudged: float) -> _Rows:
    """Return the candidates that teach anything."""
    every = _rows(queries, base, unjudged)
    starts = np.cumsum(every.sizes) - every.sizes
    near = [
        start
        + near_candidates(every.judged[start : start + size], every.base[start : start + size])
        for start, size in zip(starts, every.sizes, strict=True)
    ]
    rows = np.concatenate(near)
    return _Rows(
        features=every.features[rows],
        base=every.base[rows],
        grade=every.grade[rows],
        weight=every.weight[rows],
        judged=every.judged[rows],
        sizes=[len(one) for one in near],
    )


def _rows(queries: Sequence[JudgedQuery], base: LinearModel, unjudged: float) -> _Rows:
    features = np.concatenate([base.scale.apply(query.matrix) for query in queries])
    judged = np.concatenate([query.judged for query in queries])
    confidence = np.concatenate([query.confidence for query in queries])
    return _Rows(
        features=features,
        base=_SHARPNESS * (features @ base.weights),
        grade=np.nan_to_num(np.concatenate([query.grades for query in queries])),
        weight=np.where(judged, confidence, unjudged),
        judged=judged,
        sizes=[len(query.grades) for query in queries],
    )


def _boost(
    rows: _Rows, names: Sequence[str], settings: Mapping[str, float], seed: int, rounds: int
) -> lightgbm.Booster:
    step = rows.grade.max() / _LEVELS
    label = np.round(rows.grade / step)
    parameters = {
        **_FIXED,
        "label_gain": gain(step * np.arange(_LEVELS + 1)).tolist(),
        "num_leaves": int(settings["leaves"]),
        "min_data_in_leaf": int(settings["least"]),
        "monotone_constraints": [int(not FEATURES[name].may_be_negative) for name in names],
        "seed": seed,
    }
    dataset = lightgbm.Dataset(
        rows.features,
        label,
        group=rows.sizes,
        weight=rows.weight,
        init_score=rows.base,
        params=parameters,
    )
    return lightgbm.train(parameters, dataset, rounds)


def _best_rounds(
    queries: Sequence[JudgedQuery], start: LinearModel, settings: Mapping[str, float], seed: int
) -> int:
    """Return the number of trees that is best on queries held out, 0 when none helps."""
    if len(queries) < _FOLDS:
        return 0
    fold = np.random.default_rng(seed).permutation(len(queries)) % _FOLDS
    worth = np.zeros(_MOST_ROUNDS // _STAGE + 1)
    for left_out in range(_FOLDS):
        learned = [query for query, own in zip(queries, fold, strict=True) if own != left_out]
        held_out = [query for query, own in zip(queries, fold, strict=True) if own == left_out]
        base = _learn_base(learned, start, settings, seed)
        booster = _boost(
            _near_rows(learned, base, settings["unjudged"]),
            base.scale.names,
            settings,
            seed,
            _MOST_ROUNDS,
        )
        seen = _rows(held_out, base, settings["unjudged"])
        scores = seen.base
        worth[0] += _goal(seen, scores)
        for stage in range(1, len(worth)):
            scores = scores + booster.predict(
                seen.features,
                start_iteration=(stage - 1) * _STAGE,
                num_iteration=_STAGE,
                raw_score=True,
            )
            worth[stage] += _goal(seen, scores)
    best = int(worth.argmax())
    helps = worth[best] - worth[0] > _LEAST_GAIN * len(queries)
    return best * _STAGE if helps else 0


def _goal(rows: _Rows, scores: Scores) -> float:
    """Return the sum over the queries of the mean of plain and judged NDCG@10."""
    ends = np.cumsum(rows.sizes)
    gains = gain(rows.grade)
    whole = 0.0
    for end, size in zip(ends, rows.sizes, strict=True):
        own = slice(end - size, end)
        judged = rows.judged[own]
        plain = _ndcg(scores[own], gains[own])
        whole += (plain + _ndcg(scores[own][judged], gains[own][judged])) / 2
    return whole


def _ndcg(scores: Scores, gains: Scores) -> float:
    discounts = 1.0 / np.log2(np.arange(2, min(CUTOFF, len(gains)) + 2))
    found = gains[np.argsort(-scores, kind="stable")[:CUTOFF]]
    ideal = np.sort(gains)[::-1][:CUTOFF]
    return float(found @ discounts / (ideal @ discounts))


def _read_tree(root: Mapping[str, Any], scale: float) -> Tree:
    nodes = _in_order(root)
    place = {id(node): row for row, node in enumerate(nodes)}
    inner = ["split_feature" in node for node in nodes]
    if any(
        node["decision_type"] != "<=" or node["missing_type"] != "None"
        for node, splits in zip(nodes, inner, strict=True)
        if splits
    ):
        raise ValueError("a tree with categories or missing values cannot be read")
    size = len(nodes)
    feature, left, right = (np.full(size, -1, dtype=np.int64) for _ in range(3))
    threshold, value = np.zeros(size), np.zeros(size)
    for row, node in enumerate(nodes):
        if inner[row]:
            feature[row], threshold[row] = node["split_feature"], node["threshold"]
            left[row], right[row] = place[id(node["left_child"])], place[id(node["right_child"])]
        value[row] = scale * node["internal_value" if inner[row] else "leaf_value"]
    return Tree(feature, threshold, left, right, value)


def _in_order(root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a tree's nodes, each before its children."""
    nodes = [root]
    for node in nodes:
        if "split_feature" in node:
            nodes += [node["left_child"], node["right_child"]]
    return nodes
