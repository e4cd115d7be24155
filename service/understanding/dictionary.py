"""What a catalogue's products call things: values by phrase, words by frequency."""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from service.understanding.spelling import Spelling
from service.understanding.words import fold_word, has_digit, word_key

FORMAT = 1
"""Version of the JSON form; another one is not read."""

FINGERPRINT_LENGTH = 16


MAX_VALUES = 64
"""Spellings or category paths of one meaning; the most frequent stay."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a phrase stands for in one field.

    field: `brand`, `categories` or `attributes.<name>`. weight: 0 to 1, see `learning.py`.
    count: products of the sample that have one of the values. values: as products have them,
    with the products of each, the most frequent first; of a category path, every path that has
    a level of that name.
    """

    field: str
    weight: float
    count: int
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Dictionary:
    """The words and values of a sample of an index's products.

    products: size of the sample. complete: whether it is the whole index.
    words: key of a word to the number of products that have it in title, brand or categories.
    surfaces: key to the word as products write it, where that is not the key itself.
    other_words: keys of words that only attributes and descriptions have.
    phrases: key of a phrase to its meanings, the heaviest first.
    limit_names: names in which `max` or `min` is no price limit, see `prices.limit_names`.
    """

    products: int = 0
    complete: bool = True
    words: Mapping[str, int] = field(default_factory=dict)
    surfaces: Mapping[str, str] = field(default_factory=dict)
    other_words: frozenset[str] = frozenset()
    phrases: Mapping[str, tuple[Meaning, ...]] = field(default_factory=dict)
    limit_names: frozenset[str] = frozenset()

    def rarity(self, word: str) -> float:
        """Return the scaled idf of a word: ln((N + 1) / (n + 1)) / ln(N + 1).

        0 for a word of every product, 1 for one of none; N is the number of products, n of
        those that have the word.
        """
        if not self.products:
            return 1.0
        return scaled_idf(self.words.get(word_key(word), 0), self.products)

    def meanings(self, key: str) -> tuple[Meaning, ...]:
        """Return what a phrase stands for, by its `phrase_key`; empty when nothing."""
        return self.phrases.get(key, ())

    def knows(self, word: str) -> bool:
        """Whether a product of the sample has the word."""
        key = word_key(word)
        return key in self.words or key in self.other_words or key in self.phrases

    def correct(self, word: str) -> str | None:
        """Return the word that was meant, None when it is known or nothing is close enough.

        A sample cannot say that the catalogue lacks a word, so then nothing is corrected.
        """
        if not self.complete or self.knows(word):
            return None
        key = self.spelling.correct(word_key(word), fold_word(word))
        return None if key is None else self.surfaces.get(key, key)

    @cached_property
    def spelling(self) -> Spelling:
        """Return the words that a misspelt one may be corrected to."""
        return Spelling({key: count for key, count in self.words.items() if not has_digit(key)})

    @cached_property
    def fingerprint(self) -> str:
        """Return a digest of the content; equal dictionaries have the same."""
        canonical = orjson.dumps(self.to_json(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(canonical).hexdigest()[:FINGERPRINT_LENGTH]

    @cached_property
    def size_bytes(self) -> int:
        """Return about how much memory it takes, without what Python shares between strings."""
        size = sum(
            sys.getsizeof(table)
            for table in (self.words, self.surfaces, self.phrases, self.other_words)
        )
        size += sum(map(sys.getsizeof, self.words)) + sum(map(sys.getsizeof, self.other_words))
        size += sum(map(sys.getsizeof, self.surfaces.values()))
        for key, meanings in self.phrases.items():
            size += sys.getsizeof(key) + sys.getsizeof(meanings)
            for meaning in meanings:
                size += sys.getsizeof(meaning) + sys.getsizeof(meaning.values)
                size += sum(
                    sys.getsizeof(pair) + sys.getsizeof(pair[0]) for pair in meaning.values
                )
        return size + self.spelling.size_bytes

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` reads."""
        return {
            "format": FORMAT,
            "products": self.products,
            "complete": self.complete,
            "words": dict(self.words),
            "surfaces": dict(self.surfaces),
            "other_words": sorted(self.other_words),
            "phrases": {
                key: [
                    [one.field, one.weight, one.count, [list(pair) for pair in one.values]]
                    for one in meanings
                ]
                for key, meanings in self.phrases.items()
            },
            "limit_names": sorted(self.limit_names),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Dictionary:
        """Read what `to_json` wrote; raises ValueError for another format."""
        if raw.get("format") != FORMAT:
            raise ValueError(f"a dictionary of format {FORMAT} expected, got {raw.get('format')}")
        return cls(
            products=raw["products"],
            complete=raw["complete"],
            words=dict(raw["words"]),
            surfaces=dict(raw["surfaces"]),
            other_words=frozenset(raw["other_words"]),
            phrases={
                key: tuple(
                    Meaning(name, weight, count, tuple((value, n) for value, n in values))
                    for name, weight, count, values in meanings
                )
                for key, meanings in raw["phrases"].items()
            },
            limit_names=frozenset(raw["limit_names"]),
        )


def scaled_idf(having: int, products: int) -> float:
    """Return ln((N + 1) / (n + 1)) / ln(N + 1), 0 to 1: n of N >= 1 products have something."""
    return math.log((products + 1) / (min(having, products) + 1)) / math.log(products + 1)
