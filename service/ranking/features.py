"""Ranking features: what a model is told of each candidate, the same in training and serving."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from service.calibration import Calibration
from service.leg_ranks import leg_ranks
from service.ranking.query_features import compute_query_features
from service.search_results import (
    ATTRIBUTES,
    LEXICAL,
    PHOTO_FINDS_PHOTOS,
    PHOTO_FINDS_TEXT,
    PRODUCT,
    WORDS_FIND_PHOTOS,
    WORDS_FIND_TEXT,
    FeatureMatrix,
    LegScores,
    Scores,
    Signals,
    UnderstoodQuery,
    first_scores,
    first_signals,
)

_RANK_CONSTANT = 20
_CONSENSUS_RANKS = 50
_YEAR_MS = 365.25 * 24 * 3600 * 1000.0
_OLDEST_YEARS = 10.0

SHARE = Calibration("linear", low=0.0, high=1.0)
SIGNED = Calibration("identity")


@dataclass(frozen=True)
class Feature:
    """One ranking feature.

    leg: which leg of the answer it counts with. range, unit, meaning: for people.
    calibration: to a common scale, until a model brings one of its own.
    signal: name of the clause that it is made of, None when it needs none.
    may_be_negative: a model may weigh it below 0; relevance may not.
    """

    name: str
    leg: str
    range: str
    unit: str
    meaning: str
    calibration: Calibration = SHARE
    signal: str | None = None
    may_be_negative: bool = False


def _bm25(name: str, pivot: float, field: str) -> Feature:
    scale = Calibration("saturation", pivot=pivot)
    return Feature(name, LEXICAL, "0 and up", "BM25", f"words in {field}", scale, name)


def _share(name: str, leg: str, meaning: str) -> Feature:
    return Feature(name, leg, "0 to 1", "share", meaning, SHARE, name)


def _cosine(leg: str, low: float, high: float, meaning: str) -> Feature:
    scale = Calibration("linear", low=low, high=high)
    return Feature(leg, leg, "-1 to 1", "cosine", meaning, scale)


def _rank(leg: str) -> Feature:
    formula = f"({_RANK_CONSTANT} + 1) / ({_RANK_CONSTANT} + rank)"
    return Feature(f"rank_{leg}", leg, "0 to 1", formula, f"place among the candidates by {leg}")


FEATURES: Mapping[str, Feature] = {
    feature.name: feature
    for feature in (
        Feature(
            LEXICAL,
            LEXICAL,
            "0 and up",
            "BM25",
            "words in all text fields together",
            Calibration("saturation", pivot=12.0),
        ),
        _bm25("bm25_title", 8.0, "the title"),
        _bm25("bm25_description", 5.0, "the description"),
        _bm25("bm25_brand", 5.0, "the brand"),
        _bm25("bm25_categories", 8.0, "the categories"),
        _bm25("bm25_attributes", 8.0, "the attributes' values"),
        _share("words_matched", LEXICAL, "query words found in any text field, rare ones more"),
        _share("words_in_title", LEXICAL, "query words found in the title, rare ones more"),
        _share("phrase_in_title", LEXICAL, "1 when the title holds the words side by side"),
        _share("exact_in_title", LEXICAL, "1 when it holds them as they are written"),
        _share("number_match", LEXICAL, "1 when a model or article number is the product's own"),
        _rank(LEXICAL),
        _cosine(WORDS_FIND_TEXT, 0.1, 0.8, "meaning of the text"),
        _rank(WORDS_FIND_TEXT),
        _cosine(WORDS_FIND_PHOTOS, 0.0, 0.5, "the words and the nearest of its photos"),
        _rank(WORDS_FIND_PHOTOS),
        _cosine(PHOTO_FINDS_PHOTOS, 0.0, 1.0, "the photo and the nearest of its photos"),
        _rank(PHOTO_FINDS_PHOTOS),
        _cosine(PHOTO_FINDS_TEXT, 0.0, 0.5, "the photo and the meaning of the text"),
        _rank(PHOTO_FINDS_TEXT),
        Feature(
            "agreement",
            WORDS_FIND_TEXT,
            "0 to 1",
            "share",
            "the lesser of rank_lexical and rank_text_vector: both legs find it good",
        ),
        _share("attribute_match", ATTRIBUTES, "S(q, a): the query's attributes that it has"),
        _share("brand_match", ATTRIBUTES, "1 when it is of the brand that the query names"),
        _share("category_match", ATTRIBUTES, "1 when it is of the category that the query names"),
        _share("colour_match", ATTRIBUTES, "1 when it has the colour that the query names"),
        _share("size_match", ATTRIBUTES, "measurements of the query that its text holds"),
        Feature(
            "category_consensus",
            ATTRIBUTES,
            "0 to 1",
            "share",
            f"best {_CONSENSUS_RANKS} candidates, by their ranks, that are of its category",
        ),
        Feature(
            "price_relative",
            PRODUCT,
            "-1 to 1",
            "log scale",
            "price against the median of the candidates; 1 is 20 times as much",
            SIGNED,
            may_be_negative=True,
        ),
        Feature(
            "price_fit",
            PRODUCT,
            "0 to 1",
            "share",
            "1 when the price is within what the query asks, less the further away it is",
        ),
        Feature(
            "age",
            PRODUCT,
            "0 to 1",
            f"share of {_OLDEST_YEARS:g} years",
            "since it was released",
            SIGNED,
            may_be_negative=True,
        ),
        Feature(
            "popularity",
            PRODUCT,
            "0 to 1",
            "share",
            "popularity against the greatest of the candidates, on a log scale",
        ),
    )
}
"""All features by name, in the order of their columns."""

NAMES = tuple(FEATURES)
DEFAULT_CALIBRATIONS = {name: feature.calibration for name, feature in FEATURES.items()}


def compute_features(
    scores: LegScores,
    signals: Signals,
    understood: UnderstoodQuery,
    *,
    now_ms: float,
    in_window: int | None = None,
) -> FeatureMatrix:
    """Return every feature of the candidates, and of the query; NaN where it is not known.

    signals: of the same candidates in the same order. now_ms: milliseconds since 1970.
    in_window: so many of the first candidates are what a search ranks; what stands behind them,
        in training, leaves their features alone.
    """
    if in_window is not None and in_window < len(scores.product_ids):
        window = compute_features(
            first_scores(scores, in_window),
            first_signals(signals, in_window),
            understood,
            now_ms=now_ms,
        )
        every = compute_features(scores, signals, understood, now_ms=now_ms)
        values = np.vstack([window.values, every.values[in_window:]])
        return FeatureMatrix(scores.product_ids, NAMES, values, window.query)
    size = len(scores.product_ids)
    values = np.full((size, len(NAMES)), np.nan)  # [candidates, features]
    place = {name: column for column, name in enumerate(NAMES)}
    ranks = _RANK_CONSTANT + leg_ranks(scores)
    for column, leg in enumerate(scores.legs):
        values[:, place[leg]] = scores.scores[:, column]
        values[:, place[f"rank_{leg}"]] = (_RANK_CONSTANT + 1) / ranks[:, column]
    for name, found in signals.scores.items():
        values[:, place[name]] = found
    by_rank = np.nan_to_num(values[:, [place["rank_lexical"], place["rank_text_vector"]]])
    values[:, place["agreement"]] = by_rank.min(axis=1)
    for name, compute in _COMPUTED.items():
        values[:, place[name]] = compute(signals, understood, by_rank.sum(axis=1), now_ms)
    query = compute_query_features(scores, by_rank, understood)
    return FeatureMatrix(scores.product_ids, NAMES, values, query)


def _category_consensus(
    signals: Signals, understood: UnderstoodQuery, merit: Scores, now_ms: float
) -> Scores:
    counts: dict[str, float] = {}
    best = np.argsort(-merit, kind="stable")[:_CONSENSUS_RANKS]
    for row in best:
        for category in signals.categories[row]:
            counts[category] = counts.get(category, 0.0) + float(merit[row])
    whole = float(merit[best].sum()) or 1.0
    shares = [
        max((counts.get(category, 0.0) for category in own), default=0.0) / whole
        for own in signals.categories
    ]
    return np.asarray(shares, dtype=np.float64)


def _price_relative(
    signals: Signals, understood: UnderstoodQuery, merit: Scores, now_ms: float
) -> Scores:
    logs = _log_price(signals.price)
    known = logs[~np.isnan(logs)]
    if not len(known):
        return logs
    relative: Scores = np.clip((logs - np.median(known)) / np.log(20.0), -1.0, 1.0)
    return relative


def _price_fit(
    signals: Signals, understood: UnderstoodQuery, merit: Scores, now_ms: float
) -> Scores:
    low, high = understood.least_price, understood.most_price
    if low is None and high is None:
        return np.full(len(signals.price), np.nan)
    price = signals.price
    under = np.maximum((low or 0.0) / np.maximum(price, 0.01), 1.0)
    over = np.maximum(price / high, 1.0) if high else np.ones(len(price))
    fit: Scores = 1.0 / (under * over)
    return fit


def _age(signals: Signals, understood: UnderstoodQuery, merit: Scores, now_ms: float) -> Scores:
    years: Scores = np.clip((now_ms - signals.released) / _YEAR_MS / _OLDEST_YEARS, 0.0, 1.0)
    return years


def _popularity(
    signals: Signals, understood: UnderstoodQuery, merit: Scores, now_ms: float
) -> Scores:
    logs = np.log1p(np.maximum(signals.popularity, 0.0))
    known = logs[~np.isnan(logs)]
    most = float(known.max()) if len(known) else 0.0
    share: Scores = logs / most if most else np.full(len(logs), np.nan)
    return share


def _log_price(price: Scores) -> Scores:
    logs: Scores = np.log(np.maximum(price, 0.01))
    return logs


_Compute = Callable[[Signals, UnderstoodQuery, Scores, float], Scores]
_COMPUTED: Mapping[str, _Compute] = {
    "category_consensus": _category_consensus,
    "price_relative": _price_relative,
    "price_fit": _price_fit,
    "age": _age,
    "popularity": _popularity,
}
