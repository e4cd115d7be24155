"""The lexical leg: BM25 over weighted fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from service.search_results import LEXICAL

# Cross-field BM25F: a word may be in any of the fields, its rarity is that of all of them
# together, and the fields' own weights are below. Chosen on real judgements, see
# docs/relevance.md.
FIELD_BOOSTS = {
    "title": 5.0,
    "description": 2.0,
    "brand.text": 2.0,
    "categories.text": 3.0,
    "attribute_text": 1.0,
}
MINIMUM_SHOULD_MATCH = "2<75%"
"""Up to two words must all match, of more at least three in four."""

# A product that lacks one of many words gets this share of its BM25 score: else two common words
# of three outweigh the meaning of all three.
_PARTIAL_SHARE = 0.3
_WORDS_THAT_ALL_MATCH = 2

# All the words as they are written, unstemmed and with hyphens left out: "dv7-1211" is "dv71211".
_AS_WRITTEN = {"field": "title.identifier", "boost": 0.3}

# A model or article number is meant for one product: it outweighs any words.
_IDENTIFIERS = {"field": "identifiers.text", "boost": 8.0}
_IDENTIFIER = re.compile(r"(?=[^\s]*\d)[^\s]{4,}")

_NEGATIVE_BOOST = 0.5


@dataclass(frozen=True)
class WordGroup:
    """Neighbouring words of a phrase, and others that stand for all of them, with their weights.

    A product that has the others is found as if it had the words, with their share of the score.
    """

    text: str
    others: Mapping[str, float]


Groups = Mapping[str, Sequence[WordGroup]]
"""Phrase to all its words in groups."""


def lexical_clause(
    terms: Mapping[str, float],
    *,
    boost: float = 1.0,
    synonyms: Groups = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the clause named `lexical`.

    terms: phrase to weight; at least one is above 0. Phrases of weight below 0 do not
        take a product out, they halve the score of one that matches.
    """
    wanted = [
        _phrase(text, weight, synonyms.get(text, ()))
        for text, weight in terms.items()
        if weight > 0
    ]
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


def all_words_clause(text: str) -> dict[str, Any]:
    """Return what finds the products that have every word of a text in any of the fields."""
    return _combined(text, boost=1.0, minimum_should_match="100%")


def _phrase(text: str, weight: float, groups: Sequence[WordGroup] = ()) -> dict[str, Any]:
    ways: list[dict[str, Any]] = [
        *(_grouped(groups) if groups else _words(text)),
        {
            "match": {
                _AS_WRITTEN["field"]: {
                    "query": text,
                    "operator": "and",
                    "boost": _AS_WRITTEN["boost"],
                }
            }
        },
    ]
    if numbers := _IDENTIFIER.findall(text):
        ways.append(
            {
                "match": {
                    _IDENTIFIERS["field"]: {
                        "query": " ".join(numbers),
                        "boost": _IDENTIFIERS["boost"],
                    }
                }
            }
        )
    return {"bool": {"should": ways, "minimum_should_match": 1, "boost": weight}}


def _words(text: str) -> list[dict[str, Any]]:
    every = _combined(text, boost=1.0, minimum_should_match="100%")
    if len(text.split()) <= _WORDS_THAT_ALL_MATCH:
        return [every]
    # Both match a product that has every word, and add up to its whole score.
    return [
        _combined(text, boost=1.0 - _PARTIAL_SHARE, minimum_should_match="100%"),
        _combined(text, boost=_PARTIAL_SHARE, minimum_should_match=MINIMUM_SHOULD_MATCH),
    ]


def _grouped(groups: Sequence[WordGroup]) -> list[dict[str, Any]]:
    # Elasticsearch adds up the scores of words, so those of groups are the same where there are
    # no others: of a group and its others the best counts.
    ways = [
        {
            "dis_max": {
                "queries": [
                    all_words_clause(group.text),
                    *(
                        _combined(text, boost=weight, minimum_should_match="100%")
                        for text, weight in group.others.items()
                    ),
                ]
            }
        }
        if group.others
        else all_words_clause(group.text)
        for group in groups
    ]
    every = {"should": ways, "minimum_should_match": "100%"}
    if len(groups) <= _WORDS_THAT_ALL_MATCH:
        return [{"bool": every}]
    most = {"should": ways, "minimum_should_match": MINIMUM_SHOULD_MATCH}
    return [
        {"bool": {**every, "boost": 1.0 - _PARTIAL_SHARE}},
        {"bool": {**most, "boost": _PARTIAL_SHARE}},
    ]


def _combined(text: str, *, boost: float, minimum_should_match: str) -> dict[str, Any]:
    return {
        "combined_fields": {
            "query": text,
            "fields": [f"{field}^{factor:g}" for field, factor in FIELD_BOOSTS.items()],
            "minimum_should_match": minimum_should_match,
            "boost": boost,
        }
    }
