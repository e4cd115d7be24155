"""A training as one HTML page: what was gained, on which queries, and by which weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mappings.reports.charts import Labels, Series, bar_chart, line_chart
from mappings.reports.page import html_page, section, table
from service.intervals import interval
from service.learning.baselines import FIXED_BLEND
from service.learning.collecting import Collected
from service.learning.dataset import JudgedQuery
from service.learning.training import Training
from service.ranking.features import FEATURES
from service.ranking.query_features import QUERY_FEATURES

_MOST_QUERIES = 200


def training_page(index: str, version: str, data: Collected, training: Training) -> str:
    """Return the page."""
    parts = [_ways(training), _by_query(data, training), _weights(data, training)]
    if len(training.curve) > 1:
        parts.append(_curve(training))
    return html_page(f"{version}: ranking of {index} learned by {training.best}", parts)


def _ways(training: Training) -> str:
    start = training.validated[FIXED_BLEND].quality.goal
    rows = []
    for name, one in training.validated.items():
        gain, low, high = interval(one.quality.goal - start)
        settings = ", ".join(f"{shown} ({times})" for shown, times in one.settings.items())
        rows.append(
            (
                name,
                float(one.quality.plain.mean()),
                float(one.quality.judged.mean()),
                f"{gain:+.3f} [{low:+.3f}, {high:+.3f}]",
                settings,
            )
        )
    header = ("way", "NDCG@10", "judged only", "against the fixed blend", "settings (folds)")
    return section(
        "On queries that were not learned from",
        table(header, rows),
        note="Nested cross-validation by query; 95 % intervals from resampling the queries. "
        "NDCG@10 counts a product that nobody judged as wrong; judged only leaves it out.",
    )


def _by_query(data: Collected, training: Training) -> str:
    start = training.validated[FIXED_BLEND].quality.goal
    gains = training.validated[training.best].quality.goal - start
    order = np.argsort(-gains, kind="stable")[:_MOST_QUERIES]
    names = [data.queries[row].text for row in order]
    chart = bar_chart(
        names,
        [Series("gain", [float(gains[row]) for row in order])],
        labels=Labels("Gain over the fixed blend by query", "query", "mean of both NDCG@10"),
    )
    return section("Queries that win and lose", f'<div class="wide">{chart}</div>')


def _weights(data: Collected, training: Training) -> str:
    names = training.model.scale.names
    by_query = np.array(
        [training.model.weights_for(query.matrix.query) for query in data.queries]
    )  # [queries, features]
    if np.isnan(by_query).any():
        return section("Weights", note="Trees have no weights.")
    mean = by_query.mean(axis=0)
    used = [column for column in np.argsort(-np.abs(mean)) if mean[column]]
    chart = bar_chart(
        [names[column] for column in used],
        [Series("weight", [float(mean[column]) for column in used])],
        labels=Labels("Mean weight by feature", "feature", "weight"),
    )
    legs = list(dict.fromkeys(FEATURES[name].leg for name in names))
    by_leg = np.stack(
        [by_query[:, [FEATURES[name].leg == leg for name in names]].sum(axis=1) for leg in legs],
        axis=1,
    )  # [queries, legs]
    rows: list[list[str | float]] = [
        [kind, len(members), *map(float, by_leg[members].mean(axis=0))]
        for kind, members in _kinds(data.queries).items()
    ]
    return section(
        "Weights", chart, table(("kind of query", "queries", *legs), rows), note="By leg, in all."
    )


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


def _curve(training: Training) -> str:
    chart = line_chart(
        [point.queries for point in training.curve],
        [
            Series(
                "gain",
                [point.gain for point in training.curve],
                [point.low for point in training.curve],
                [point.high for point in training.curve],
            )
        ],
        labels=Labels("Gain by judged queries", "queries learned from", "mean of both NDCG@10"),
    )
    return section("How many judged queries it takes", chart)
