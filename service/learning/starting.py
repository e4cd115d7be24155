"""What training starts from: a common scale for every feature, and the best fixed blend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from service.fusion.linear import CalibratedFeatures, LinearModel
from service.learning.dataset import JudgedQuery
from service.learning.quality import quality
from service.ranking.features import FEATURES
from service.search_results import LEXICAL, VECTOR_LEGS, Scores

SHARES = tuple(round(0.1 * step, 1) for step in range(1, 10))
"""Weights of the words that the best fixed blend is chosen from; the rest is for the vectors."""

_LOW, _HIGH = 0.01, 0.99
_LEAST_PIVOT = 0.001
"""A word of every product has next to no BM25 score, and a pivot has to be above 0."""


def fit_scale(queries: Sequence[JudgedQuery]) -> CalibratedFeatures:
    """Return calibrations that suit this catalogue and encoder, without a look at any grade.

    The pivot of a BM25 score is the median of the queries' best ones; a cosine is 0 at the
    lowest hundredth of all candidates' and 1 at the highest.
    """
    names = queries[0].matrix.names
    calibrations = {}
    for column, name in enumerate(names):
        scale = FEATURES[name].calibration
        columns = [query.matrix.values[: query.in_window, column] for query in queries]
        if scale.kind == "saturation":
            best = [float(np.nanmax(one)) for one in columns if not np.isnan(one).all()]
            if best:
                scale = replace(scale, pivot=max(_LEAST_PIVOT, round(float(np.median(best)), 3)))
        elif name in VECTOR_LEGS:
            every = _known(columns)
            if len(every):
                low, high = np.quantile(every, (_LOW, _HIGH))
                if high - low > 1e-3:
                    scale = replace(scale, low=round(float(low), 3), high=round(float(high), 3))
        calibrations[name] = scale
    return CalibratedFeatures(calibrations)


def blend(scale: CalibratedFeatures, weights: Mapping[str, float]) -> LinearModel:
    """Return the weighted sum of a few features."""
    return LinearModel(scale, np.array([weights.get(name, 0.0) for name in scale.names]))


def fixed_blends(
    queries: Sequence[JudgedQuery], scale: CalibratedFeatures
) -> dict[float, LinearModel]:
    """Return weight of the words to their blend with the vectors that the index has."""
    names = queries[0].matrix.names
    vectors = [
        name
        for name in VECTOR_LEGS
        if name in names
        and any(len(_known([query.matrix.values[:, names.index(name)]])) for query in queries)
    ]
    if not vectors:
        return {1.0: blend(scale, {LEXICAL: 1.0})}
    return {
        share: blend(
            scale, {LEXICAL: share, **{name: (1.0 - share) / len(vectors) for name in vectors}}
        )
        for share in SHARES
    }


def best_blend(queries: Sequence[JudgedQuery], scale: CalibratedFeatures) -> LinearModel:
    """Return the fixed blend that is best on the queries."""
    models = fixed_blends(queries, scale)
    useful = [query for query in queries if query.is_useful]
    worth = {share: quality(model, useful).goal.mean() for share, model in models.items()}
    return models[max(worth, key=lambda share: (worth[share], -abs(share - 0.5)))]


def _known(columns: Iterable[Scores]) -> Scores:
    every = np.concatenate(list(columns))
    known: Scores = every[~np.isnan(every)]
    return known
