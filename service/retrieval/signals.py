"""What a ranking model is told of the candidates, asked of Elasticsearch in one request.

Every signal is a named clause, whose score comes back with each hit, or a doc value. Nothing
of `_source` is read, so that 200 candidates cost about as much as their exact vector scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from service.retrieval.candidates import UNREAD, Legs, read_leg_scores
from service.retrieval.elasticsearch_search import ask
from service.retrieval.exact_scores import filled, missing_clauses
from service.retrieval.lexical import FIELD_BOOSTS
from service.retrieval.vectors import Clause
from service.search_results import AttributeMatch, LegScores, Signals, UnderstoodQuery

MAX_MEASUREMENTS = 4
MAX_WORDS = 12
"""Words of a query that are looked up one by one; the others count with the whole."""

BM25_FIELDS = {
    "bm25_title": "title",
    "bm25_description": "description",
    "bm25_brand": "brand.text",
    "bm25_categories": "categories.text",
    "bm25_attributes": "attribute_text",
}
_COLOURS = ("attributes.colour", "attributes.color")
_KINDS: Mapping[str, Callable[[str], bool]] = {
    "brand_match": lambda field: field == "brand",
    "category_match": lambda field: field == "categories",
    "colour_match": lambda field: field.lower().startswith(_COLOURS),
}


def signal_clauses(text: str, understood: UnderstoodQuery) -> dict[str, Clause]:
    """Return name to clause. text: the words of the query.

    A clause of constants adds up to a share, 0 to 1; the `bm25_` ones to a BM25 score.
    """
    clauses: dict[str, Clause] = {
        name: {"match": {field: {"query": text}}} for name, field in BM25_FIELDS.items()
    }
    clauses["phrase_in_title"] = _constant({"match_phrase": {"title": {"query": text, "slop": 1}}})
    clauses["exact_in_title"] = _constant({"match_phrase": {"title.words": text}})
    weighed = _weighed(understood)
    if weighed:
        clauses["words_in_title"] = _sum(
            _constant({"match": {"title": word}}, weight) for word, weight in weighed
        )
        clauses["words_matched"] = _sum(
            _constant({"multi_match": {"query": word, "fields": list(FIELD_BOOSTS)}}, weight)
            for word, weight in weighed
        )
    if understood.numbers:
        clauses["number_match"] = _constant(
            {"match": {"identifiers.text": " ".join(understood.numbers)}}
        )
    # A pasted text may hold a hundred, and Elasticsearch counts the clauses.
    if measurements := understood.measurements[:MAX_MEASUREMENTS]:
        clauses["size_match"] = _sum(
            _constant(
                {
                    "bool": {
                        "should": [
                            {
                                "multi_match": {
                                    "query": spelling,
                                    "type": "phrase",
                                    "fields": ["title.words", "attribute_text", "description"],
                                }
                            }
                            for spelling in one.spellings
                        ]
                    }
                },
                1.0 / len(measurements),
            )
            for one in measurements
        )
    clauses |= _agreement(understood.matches)
    return clauses


def complete_signals(
    client: Elasticsearch,
    index: str,
    legs: Legs,
    scores: LegScores,
    clauses: Mapping[str, Clause],
    *,
    preference: str,
) -> tuple[LegScores, Signals]:
    """Return the scores with every vector leg filled in, and the signals, by one request.

    A product that has gone meanwhile has NaN everywhere. Raises a TemporaryError when the
    cluster cannot answer.
    """
    product_ids = scores.product_ids
    if not product_ids:
        return scores, _read((), product_ids, tuple(clauses))
    missing, _ = missing_clauses(legs, scores)
    named = [_named(name, clause) for name, clause in clauses.items()]
    body: dict[str, Any] = {
        "query": {
            "bool": {
                "filter": [{"ids": {"values": list(product_ids)}}],
                "should": [*named, *missing],
            }
        },
        "size": len(product_ids),
        "track_total_hits": False,
        "sort": [{"product_id": "asc"}],
        "docvalue_fields": [
            *("price", "popularity", "categories"),
            {"field": "released_at", "format": "epoch_millis"},
        ],
        **UNREAD,
    }
    hits = ask(client, index, body, preference=preference)["hits"]["hits"]
    complete = filled(scores, read_leg_scores(hits, legs)) if missing else scores
    return complete, _read(hits, product_ids, tuple(clauses))


def _read(
    hits: Sequence[Mapping[str, Any]], product_ids: tuple[str, ...], names: tuple[str, ...]
) -> Signals:
    rows = {product_id: row for row, product_id in enumerate(product_ids)}
    size = len(product_ids)
    scores = {name: np.full(size, np.nan) for name in names}
    values = {name: np.full(size, np.nan) for name in ("price", "popularity", "released_at")}
    categories: list[tuple[str, ...]] = [()] * size
    for hit in hits:
        row = rows[hit["sort"][-1]]
        for name, score in hit.get("matched_queries", {}).items():
            if name in scores:
                scores[name][row] = score
        fields = hit.get("fields", {})
        for name, column in values.items():
            if name in fields:
                column[row] = float(fields[name][0])
        categories[row] = tuple(fields.get("categories", ()))
    return Signals(
        product_ids=product_ids,
        scores=scores,
        price=values["price"],
        popularity=values["popularity"],
        released=values["released_at"],
        categories=tuple(categories),
    )


def _weighed(understood: UnderstoodQuery) -> list[tuple[str, float]]:
    """Return the first words with their shares, which add up to 1: rare ones count more."""
    words = list(zip(understood.words, understood.rarity, strict=True))[:MAX_WORDS]
    whole = sum(rarity for _, rarity in words)
    if not whole:
        return [(word, 1.0 / len(words)) for word, _ in words]
    return [(word, rarity / whole) for word, rarity in words if rarity]


def _agreement(matches: Sequence[AttributeMatch]) -> dict[str, Clause]:
    """Return the clauses of the attributes that the query names.

    `attribute_match` is S(q, a): the share, by weight, of the query's attributes that the
    product has; several values that the same words may mean count as one.
    """
    groups: dict[str, list[AttributeMatch]] = {}
    for match in matches:
        groups.setdefault(match.text, []).append(match)
    whole = sum(max(one.weight for one in group) for group in groups.values())
    if not whole:
        return {}
    clauses: dict[str, Clause] = {
        "attribute_match": _sum(
            {"dis_max": {"queries": [_constant(_term(one), one.weight / whole) for one in group]}}
            for group in groups.values()
        )
    }
    for name, is_meant in _KINDS.items():
        terms = [_term(one) for one in matches if is_meant(one.field)]
        if terms:
            clauses[name] = _constant({"bool": {"should": terms}})
    return clauses


def _term(match: AttributeMatch) -> Clause:
    return {"term": {match.field: match.value}}


def _constant(clause: Clause, boost: float = 1.0) -> Clause:
    return {"constant_score": {"filter": clause, "boost": boost}}


def _sum(clauses: Any) -> Clause:  # noqa: ANN401 - an iterable of clauses
    return {"bool": {"should": list(clauses)}}


def _named(name: str, clause: Clause) -> Clause:
    return {"bool": {"must": [clause], "_name": name}}
