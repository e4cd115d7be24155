"""The lexical leg: BM25 over weighted fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LEXICAL = "lexical"

# Cross-field BM25F: a word may be in any of the fields, its rarity is that of all of them
# together, and the fields' own weights are below. Chosen by query-wise cross-validation on
# real judgements, see docs/relevance.md.
FIELD_BOOSTS = {
    "title": 3.0,
    "brand.text": 2.0,
    "categories.text": 1.0,
    "attribute_text": 1.0,
    "description": 1.0,
}
IDENTIFIER_FIELDS = {"identifiers.text": 8.0, "title.identifier": 4.0}
MINIMUM_SHOULD_MATCH = "2<75%"
"""Up to two words must all match, of more at least three in four."""

_NEGATIVE_BOOST = 0.5


def lexical_clause(terms: Mapping[str, float], *, boost: float = 1.0) -> dict[str, Any]:
    """Return the clause named `lexical`.

    terms: phrase to weight; at least one is above 0. Phrases of weight below 0 do not
        take a product out, they halve the score of one that matches.
    """
    wanted = [_phrase(text, weight) for text, weight in terms.items() if weight > 0]
    avoided = [_phrase(text, 1.0) for text, weight in terms.items() if weight < 0]
    clause: dict[str, Any] = (
        wanted[0] if len(wanted) == 1 else {"bool": {"should": wanted, "minimum_should_match": 1}}
    )
    if avoided:
        clause = {
            "boosting": {
                "positive": clause,
                "negative": {"bool": {"should": avoided}},
                "negative_boost": _NEGATIVE_BOOST,
            }
        }
    return {"bool": {"must": [clause], "boost": boost, "_name": LEXICAL}}


def _phrase(text: str, weight: float) -> dict[str, Any]:
    words = {
        "combined_fields": {
            "query": text,
            "fields": [f"{field}^{boost:g}" for field, boost in FIELD_BOOSTS.items()],
            "minimum_should_match": MINIMUM_SHOULD_MATCH,
        }
    }
    identifiers = {
        "multi_match": {
            "query": text,
            "type": "best_fields",
            "fields": [f"{field}^{boost:g}" for field, boost in IDENTIFIER_FIELDS.items()],
        }
    }
    return {"bool": {"should": [words, identifiers], "boost": weight}}
