"""What came of a training as plain numbers: kept with its record, and drawn by the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from service.intervals import interval
from service.learning.baselines import FIXED_BLEND
from service.learning.collecting import Collected
from service.learning.dataset import JudgedQuery
from service.learning.training import Training
from service.learning.validation import Validated
from service.ranking.features import FEATURES
from service.ranking.query_features import QUERY_FEATURES

MOST_QUERIES = 200


def training_figures(data: Collected, training: Training) -> dict[str, Any]:
    """Return the figures as JSON.

    ways: each way of ranking on queries that were not learned from. by_query: text and gain over
    the fixed blend, those that win first. weights: mean weight by feature, None for trees.
    kinds: mean weight of each leg by kind of query. curve: empty when nobody asked for it.
    """
    start = training.validated[FIXED_BLEND]
    gains = training.validated[training.best].quality.goal - start.quality.goal
    order = np.argsort(-gains, kind="stable")[:MOST_QUERIES]
    weights, legs, kinds = _weights(data, training)
    return {
        "kept": training.best,
        "pays": training.pays,
        "queries": len(data.queries),
        "pairs": data.pairs,
        "ways": {
            name: {
                **way_figures(one),
                **_gain(one, start),
                "settings": dict(one.settings),
            }
            for name, one in training.validated.items()
        },
        "by_query": [[data.queries[row].text, float(gains[row])] for row in order],
        "weights": weights,
        "legs": legs,
        "kinds": kinds,
        "curve": [asdict(point) for point in training.curve],
    }


def way_figures(way: Validated) -> dict[str, float]:
    """Return both measures of a way of ranking, meaned over the queries."""
    return {
        "ndcg": float(way.quality.plain.mean()),
        "judged_only": float(way.quality.judged.mean()),
    }


def _gain(way: Validated, start: Validated) -> dict[str, float]:
    gain, low, high = interval(way.quality.goal - start.quality.goal)
    return {"gain": gain, "low": low, "high": high}


def _weights(
    data: Collected, training: Training
) -> tuple[list[list[Any]] | None, list[str], list[list[Any]]]:
    names = training.model.scale.names
    by_query = np.array(
        [training.model.weights_for(query.matrix.query) for query in data.queries]
    )  # [queries, features]
    legs = list(dict.fromkeys(FEATURES[name].leg for name in names))
    if np.isnan(by_query).any():
        return None, legs, []
    mean = by_query.mean(axis=0)
    used = [column for column in np.argsort(-np.abs(mean)) if mean[column]]
    by_leg = np.stack(
        [by_query[:, [FEATURES[name].leg == leg for name in names]].sum(axis=1) for leg in legs],
        axis=1,
    )  # [queries, legs]
    kinds = [
        [kind, len(members), *map(float, by_leg[members].mean(axis=0))]
        for kind, members in _kinds(data.queries).items()
    ]
    return [[names[column], float(mean[column])] for column in used], legs, kinds


def _kinds(queries: Sequence[JudgedQuery]) -> dict[str, list[int]]:
    kinds: dict[str, list[int]] = {"all": []}
    names = list(QUERY_FEATURES)
    flags = ("brand", "category", "measurement", "number", "price")
    for row, query in enumerate(queries):
        kinds["all"].append(row)
        words = len(query.text.split())
        kinds.setdefault("one word" if words == 1 else "several words", []).append(row)
        for flag in flags:
            if query.matrix.query[names.index(flag)] > 0:
                kinds.setdefault(f"with {flag}", []).append(row)
    return kinds
