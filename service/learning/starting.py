"""What training starts from: a common scale for every feature, and the best fixed blend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from service.fusion.linear import CalibratedFeatures, LinearModel
from service.learning.dataset import JudgedQuery
from service.learning.quality import quality
from service.ranking.features import FEATURES
from service.search_results import LEXICAL, VECTOR_LEGS, WORDS_FIND_PHOTOS, Scores

SHARES = tuple(round(0.1 * step, 1) for step in range(1, 10))
"""Weights of the words that the best fixed blend is chosen from; the rest is for the vectors."""

PHOTO_SHARES = (0.0, 0.15, 0.3, 0.5)
"""Parts of the vectors' weight that the words' leg of photos may have, on a common scale."""

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
) -> dict[tuple[float, float], LinearModel]:
    """Return the blends of the words with the vectors that the index has.

    By the weight of the words and, where text and photos can both be found by meaning, the part
    that photos have of the rest.
    """
    names = queries[0].matrix.names
    vectors = [
        name
        for name in VECTOR_LEGS
        if name in names
        and any(len(_known([query.matrix.values[:, names.index(name)]])) for query in queries)
    ]
    if not vectors:
        return {(1.0, 0.0): blend(scale, {LEXICAL: 1.0})}
    others = [name for name in vectors if name != WORDS_FIND_PHOTOS]
    of_photos = PHOTO_SHARES if WORDS_FIND_PHOTOS in vectors and others else (0.0,)
    blends = {}
    for share, photos in product(SHARES, of_photos):
        each = (1.0 - share) * (1.0 - photos) / len(others or vectors)
        weights = {LEXICAL: share, **dict.fromkeys(others or vectors, each)}
        if photos:
            weights[WORDS_FIND_PHOTOS] = (1.0 - share) * photos
        blends[share, photos] = blend(scale, weights)
    return blends


def best_blend(queries: Sequence[JudgedQuery], scale: CalibratedFeatures) -> LinearModel:
    """Return the fixed blend that is best on the queries; of equals the most even one.

    Photos are left out unless they help: their leg costs time.
    """
    models = fixed_blends(queries, scale)
    useful = [query for query in queries if query.is_useful]
    worth = {shares: quality(model, useful).goal.mean() for shares, model in models.items()}
    best = max(worth, key=lambda shares: (worth[shares], -abs(shares[0] - 0.5), -shares[1]))
    return models[best]


def _known(columns: Iterable[Scores]) -> Scores:
    every = np.concatenate(list(columns))
    known: Scores = every[~np.isnan(every)]
    return known
