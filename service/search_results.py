"""What the stages of a search hand to each other, and the answer that they make together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.search_watch import SearchWatch

Scores = NDArray[np.float64]

LEXICAL = "lexical"
WORDS_FIND_TEXT = "text_vector"
WORDS_FIND_PHOTOS = "text_to_image"
PHOTO_FINDS_PHOTOS = "image_vector"
PHOTO_FINDS_TEXT = "image_to_text"
VECTOR_LEGS = (WORDS_FIND_TEXT, WORDS_FIND_PHOTOS, PHOTO_FINDS_PHOTOS, PHOTO_FINDS_TEXT)
LEGS = (LEXICAL, *VECTOR_LEGS)
"""Names of the legs. Of the two that find like by like the name is that of the vector field, as
of the vectors that a request may bring itself."""

ATTRIBUTES, PRODUCT = "attributes", "product"
"""Legs that only a learned model has: what the query's words name, and the product's own facts."""


@dataclass(frozen=True)
class LegScores:
    """The scores of the same candidates on every leg.

    product_ids: the n candidates. legs: names of the m legs.
    scores: float64 [n, m]; NaN where a leg did not find the candidate. Lexical
        scores are BM25 (0 and up), vector scores are cosines (-1 to 1).
    """

    product_ids: tuple[str, ...]
    legs: tuple[str, ...]
    scores: Scores


@dataclass(frozen=True)
class AttributeMatch:
    """Words of the query that are a value of an attribute in this catalogue.

    field: `brand`, `categories` or `attributes.<name>`. value: as the products have it.
    text: the words as they stand in the query. weight: 0 to 1, how telling the value is.
    """

    field: str
    value: str
    text: str
    weight: float

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "field": self.field,
            "value": self.value,
            "text": self.text,
            "weight": round(self.weight, 3),
        }


@dataclass(frozen=True)
class Measurement:
    """A number with its unit in the query. spellings: how products may write it."""

    value: float
    unit: str
    text: str
    spellings: tuple[str, ...]


@dataclass(frozen=True)
class UnderstoodQuery:
    """What the words of a query say.

    words: in lower case, in their order. rarity: of each, 0 (in every product) to 1.
    matches: attributes that the words name. measurements: as in "17 inch". numbers: words that
    look like a model or article number. least_price, most_price: asked for, None when not.
    corrected: the query as it was searched for, None when its spelling was left alone.
    """

    words: tuple[str, ...] = ()
    rarity: tuple[float, ...] = ()
    matches: tuple[AttributeMatch, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    numbers: tuple[str, ...] = ()
    least_price: float | None = None
    most_price: float | None = None
    corrected: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object of what was found; empty when nothing was."""
        found: dict[str, Any] = {
            "corrected": self.corrected,
            "matches": [match.to_json() for match in self.matches],
            "measurements": [
                {"value": one.value, "unit": one.unit, "text": one.text}
                for one in self.measurements
            ],
            "numbers": list(self.numbers),
            "price": {
                name: limit
                for name, limit in (("gte", self.least_price), ("lte", self.most_price))
                if limit is not None
            },
        }
        return {name: value for name, value in found.items() if value}

    def matches_of(self, field: str) -> tuple[AttributeMatch, ...]:
        """Return the matches of one field."""
        return tuple(match for match in self.matches if match.field == field)


@dataclass(frozen=True)
class Signals:
    """What Elasticsearch says of the same candidates: the raw material of ranking features.

    scores: by name of a clause, float64 [n]; NaN where it does not match. price, popularity:
    float64 [n], NaN where unknown. released: float64 [n], milliseconds since 1970, NaN where
    unknown. categories: the deepest category paths of each candidate.
    """

    product_ids: tuple[str, ...]
    scores: Mapping[str, Scores]
    price: Scores
    popularity: Scores
    released: Scores
    categories: tuple[tuple[str, ...], ...]


def first_scores(scores: LegScores, count: int) -> LegScores:
    """Return the scores of the first candidates."""
    return LegScores(scores.product_ids[:count], scores.legs, scores.scores[:count])


def first_signals(signals: Signals, count: int) -> Signals:
    """Return the signals of the first candidates."""
    return Signals(
        product_ids=signals.product_ids[:count],
        scores={name: scores[:count] for name, scores in signals.scores.items()},
        price=signals.price[:count],
        popularity=signals.popularity[:count],
        released=signals.released[:count],
        categories=signals.categories[:count],
    )


@dataclass(frozen=True)
class FeatureMatrix:
    """Ranking features of the candidates.

    names: of the f features. values: float64 [n, f] as measured; NaN where not known.
    query: float64 [q], features of the query itself.
    """

    product_ids: tuple[str, ...]
    names: tuple[str, ...]
    values: Scores
    query: Scores


@dataclass(frozen=True)
class FusedScores:
    """One score a candidate, and what each leg, or each feature, gave to it.

    total: float64 [n]. contributions: float64 [n, m], whose rows add up to total; a column is
    a leg, or a feature when a learned model made them.
    """

    total: Scores
    contributions: Scores


@dataclass(frozen=True)
class Total:
    """Number of products in the candidate set; relation is `eq` or `gte`."""

    value: int
    relation: str = "eq"


@dataclass(frozen=True)
class FacetCount:
    """A value and how many products of the candidate set have it."""

    value: str
    count: int

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"value": self.value, "count": self.count}


@dataclass(frozen=True)
class RangeCount:
    """Products with from <= value < to; None is open."""

    start: float | None
    end: float | None
    count: int

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"from": self.start, "to": self.end, "count": self.count}


Facets = Mapping[str, Sequence[FacetCount | RangeCount]]


@dataclass(frozen=True)
class LegShare:
    """What one leg says of a hit. score and rank are None where it did not find the hit."""

    score: float | None
    rank: int | None
    weight: float
    contribution: float

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "score": self.score,
            "rank": self.rank,
            "weight": self.weight,
            "contribution": self.contribution,
        }


@dataclass(frozen=True)
class FeatureShare:
    """What one ranking feature gave to a hit. value: as measured, None when it is not known."""

    value: float | None
    contribution: float

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"value": self.value, "contribution": self.contribution}


@dataclass(frozen=True)
class FoundPhoto:
    """The photo by which a leg found a product: of several the nearest.

    leg: which leg. position: among the product's images, from 0. score: cosine, -1 to 1.
    address: where the photo is, a `data:` address cut short; None when it is not known any more.
    """

    leg: str
    position: int
    score: float
    address: str | None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "position": self.position,
            "address": self.address,
            "score": self.score,
            "leg": self.leg,
        }


Photos = Mapping[str, Mapping[str, FoundPhoto]]
"""Product id to leg to the photo that decided there."""


@dataclass(frozen=True)
class ShownProducts:
    """What a page shows of products, by id. photos: of those that a leg of photos found."""

    products: Mapping[str, Mapping[str, Any]]
    photos: Photos = field(default_factory=dict)


@dataclass(frozen=True)
class MovedBy:
    """A rule that moves a hit. strength: -1 to 1, below 0 down."""

    rule: str
    strength: float

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"rule": self.rule, "strength": self.strength}


@dataclass(frozen=True)
class Hit:
    """A ranked product.

    score: None when the order is by a field. team: in an interleaved list, the version whose
    pick it is, None everywhere else. photo: the one that decided, None when none did.
    pinned_by: the rule that gave it its place, None for a place of its own.
    """

    id: str
    score: float | None
    product: Mapping[str, Any]
    legs: Mapping[str, LegShare] = field(default_factory=dict)
    explanation: str | None = None
    features: Mapping[str, FeatureShare] = field(default_factory=dict)
    team: str | None = None
    photo: FoundPhoto | None = None
    pinned_by: str | None = None
    moved_by: Sequence[MovedBy] = ()

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        answer: dict[str, Any] = {"id": self.id, "score": self.score, "product": self.product}
        if self.pinned_by is not None:
            answer["pinned"] = True
        if self.moved_by:
            answer["moved_by"] = [one.to_json() for one in self.moved_by]
        if self.photo is not None:
            answer["photo"] = self.photo.to_json()
        if self.legs:
            answer["legs"] = {name: share.to_json() for name, share in self.legs.items()}
        if self.explanation is not None:
            answer["explanation"] = self.explanation
        if self.features:
            answer["features"] = {name: one.to_json() for name, one in self.features.items()}
        if self.team is not None:
            answer["team"] = self.team
        return answer


@dataclass(frozen=True)
class SearchAnswer:
    """The answer to a search request; took is in milliseconds by stage.

    watch: what the search noted of itself, for the metrics. rules: which rules and synonyms
    took part, None where an index has none.
    """

    query_id: str
    total: Total
    hits: Sequence[Hit]
    facets: Facets
    cursor: str | None
    weights_version: str
    warnings: Sequence[str]
    took: Mapping[str, float]
    understood: Mapping[str, Any] = field(default_factory=dict)
    watch: SearchWatch = field(default_factory=SearchWatch)
    rules: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the API."""
        rules = {} if self.rules is None else {"rules": self.rules}
        return {
            "query_id": self.query_id,
            "total": {"value": self.total.value, "relation": self.total.relation},
            "cursor": self.cursor,
            "hits": [hit.to_json() for hit in self.hits],
            "facets": {
                name: [count.to_json() for count in counts] for name, counts in self.facets.items()
            },
            "understood": self.understood,
            **rules,
            "warnings": list(self.warnings),
            "weights_version": self.weights_version,
            "took": {stage: round(ms, 3) for stage, ms in self.took.items()},
        }
