"""Products to a dictionary: what their values are called, and how telling each value is.

The weight of a phrase in a field is share * P * scale, where

- share is the part of the products with this value anywhere that have it in this field,
- P is P(the product has the value in the field | its title has the phrase), from counts with
  PRIOR_TITLES more titles in which the phrase means the field as often as its share says, halved,
- scale is LEAST_SCALE for a value of every product and 1 for the rarest: TF-IDF of the value in
  the field, as in Salton and Buckley 1988, damped since a value of half of the products
  (`Women`) still says what is wanted.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from service.product_fields import ATTRIBUTE_PREFIX
from service.understanding.dictionary import MAX_VALUES, Dictionary, Meaning, scaled_idf
from service.understanding.measurements import is_measurement
from service.understanding.prices import limit_names
from service.understanding.words import (
    MAX_PHRASE_WORDS,
    has_digit,
    keys_of,
    normalize_text,
    phrase_key,
    split_words,
    word_key,
)

MAX_PHRASES = 200_000
MAX_WORDS = 200_000
MAX_LIMIT_NAMES = 10_000
MAX_MEANINGS = 4
"""Fields that one phrase may mean; the heaviest stay."""

MIN_WEIGHT = 0.1
"""A phrase that is weaker is mostly something else in this catalogue and is not matched."""

PRIOR_TITLES = 2.0
LEAST_SCALE = 0.5
USUAL_COMPANY = 0.2
"""Share of the titles with "air" that have "air max": from here on it is a name. In "men max"
another word follows by chance."""

CATEGORY_SEPARATOR = " > "
_MAX_VALUE_CHARACTERS = 80
_MIN_PROTECTED_LETTERS = 4


@dataclass
class _Fact:
    """A phrase in the field `name`: the products that have it, and how they write it."""

    phrase: int
    name: str
    count: int = 0
    in_title: int = 0
    values: Counter[str] = field(default_factory=Counter)


@dataclass
class _Surface:
    """The commonest way to write a word, by majority vote (Boyer and Moore)."""

    text: str
    votes: int = 0

    def vote(self, text: str) -> None:
        if text == self.text:
            self.votes += 1
        elif self.votes:
            self.votes -= 1
        else:
            self.text, self.votes = text, 1


class DictionaryLearner:
    """Takes products one by one and keeps of each its title's words and values, as numbers."""

    def __init__(self) -> None:
        self._words: Counter[str] = Counter()
        self._surfaces: dict[str, _Surface] = {}
        self._other_words: Counter[str] = Counter()
        self._limit_names: Counter[str] = Counter()
        self._phrases: dict[str, int] = {}
        self._phrase_counts: list[int] = []
        self._facts: dict[tuple[str, str], int] = {}
        self._fact_list: list[_Fact] = []
        self._titles: list[str] = []
        self._held: list[array[int]] = []

    def add(self, product: Mapping[str, Any]) -> None:
        """Learn from a product: title, description, brand, categories and attributes."""
        title = str(product.get("title") or "")
        values = list(_values(product))
        # What a category path says stands in a title too; its separator is no word.
        named = [title, *(text for name, text in values if not name.startswith(ATTRIBUTE_PREFIX))]
        keys = self._count_words(named)
        others = [text for name, text in values if name.startswith(ATTRIBUTE_PREFIX)]
        others.append(str(product.get("description") or ""))
        others += _flags(product)
        self._other_words.update(set().union(*map(_protected, others)) - keys)
        self._limit_names.update(set(limit_names(normalize_text(title))))
        self._titles.append(" ".join(keys_of(title)))
        self._held.append(array("l", self._learn_values(values)))

    def finish(self, *, complete: bool = True) -> Dictionary:
        """Return the dictionary. complete: whether every product of the index was added."""
        titles = self._count_titles()
        products = len(self._titles)
        by_phrase: dict[int, list[Meaning]] = defaultdict(list)
        for fact in self._fact_list:
            weight = self._weight(fact, titles.get(fact.phrase, 0), products)
            if weight >= MIN_WEIGHT:
                values = sorted(fact.values.items(), key=lambda pair: (-pair[1], pair[0]))
                kept = tuple(values[:MAX_VALUES])
                by_phrase[fact.phrase].append(
                    Meaning(fact.name, round(weight, 4), fact.count, kept)
                )
        return Dictionary(
            products=products,
            complete=complete,
            words=self._frequent_words(),
            surfaces={
                key: surface.text for key, surface in self._surfaces.items() if surface.text != key
            },
            other_words=frozenset(
                key
                for key, _ in self._other_words.most_common(MAX_WORDS)
                if key not in self._words
            ),
            phrases=self._frequent_phrases(by_phrase),
            limit_names=frozenset(self._usual_limit_names()),
        )

    def _count_words(self, texts: Iterable[str]) -> set[str]:
        surfaces: dict[str, str] = {}
        for text in texts:
            for word in split_words(normalize_text(text)):
                if key := word_key(word.text):
                    surfaces.setdefault(key, word.text)
        self._words.update(surfaces.keys())
        for key, surface in surfaces.items():
            if not has_digit(key):
                self._surfaces.setdefault(key, _Surface(surface)).vote(surface)
        return set(surfaces)

    def _learn_values(self, values: Iterable[tuple[str, str]]) -> list[int]:
        """Return the facts of a product, each counted once."""
        found: dict[int, set[str]] = defaultdict(set)
        for name, text in values:
            for phrase, value in _phrases(name, text):
                found[self._fact(name, phrase)].add(value)
        for fact, written in found.items():
            self._fact_list[fact].count += 1
            self._fact_list[fact].values.update(written)
        for phrase_number in {self._fact_list[fact].phrase for fact in found}:
            self._phrase_counts[phrase_number] += 1
        return list(found)

    def _fact(self, name: str, phrase: str) -> int:
        known = self._facts.get((name, phrase))
        if known is not None:
            return known
        number = self._phrases.setdefault(phrase, len(self._phrases))
        if number == len(self._phrase_counts):
            self._phrase_counts.append(0)
        self._fact_list.append(_Fact(number, name))
        self._facts[name, phrase] = len(self._fact_list) - 1
        return len(self._fact_list) - 1

    def _count_titles(self) -> dict[int, int]:
        """Return the number of titles by phrase, and count for each fact those of its products."""
        titles: Counter[int] = Counter()
        for title, held in zip(self._titles, self._held, strict=True):
            keys = title.split()
            said = {
                number
                for length in range(1, MAX_PHRASE_WORDS + 1)
                for start in range(len(keys) - length + 1)
                if (number := self._phrases.get(phrase_key(keys[start : start + length])))
                is not None
            }
            titles.update(said)
            for number in held:
                fact = self._fact_list[number]
                fact.in_title += fact.phrase in said
        return titles

    def _weight(self, fact: _Fact, titles: int, products: int) -> float:
        share = fact.count / self._phrase_counts[fact.phrase]
        prior = PRIOR_TITLES * share / 2.0
        probability = (fact.in_title + prior) / (titles + PRIOR_TITLES)
        scale = LEAST_SCALE + (1.0 - LEAST_SCALE) * scaled_idf(fact.count, products)
        return share * probability * scale

    def _frequent_words(self) -> dict[str, int]:
        # A number that one product has is as rare as one that none has.
        counted = ((k, n) for k, n in self._words.items() if n > 1 or not has_digit(k))
        ranked = sorted(counted, key=lambda pair: (-pair[1], pair[0]))
        return dict(ranked[:MAX_WORDS])

    def _usual_limit_names(self) -> Iterator[str]:
        """Yield the names before `max` and `min` that are there because of it."""
        for name, count in self._limit_names.most_common(MAX_LIMIT_NAMES):
            if count >= USUAL_COMPANY * self._words.get(word_key(name.split()[0]), 0):
                yield name

    def _frequent_phrases(
        self, by_phrase: Mapping[int, list[Meaning]]
    ) -> dict[str, tuple[Meaning, ...]]:
        keys = sorted(
            (key for key, number in self._phrases.items() if number in by_phrase),
            key=lambda key: (-self._phrase_counts[self._phrases[key]], key),
        )
        return {
            key: tuple(
                sorted(by_phrase[self._phrases[key]], key=lambda one: (-one.weight, one.field))
            )[:MAX_MEANINGS]
            for key in keys[:MAX_PHRASES]
        }


def learn(products: Iterable[Mapping[str, Any]], *, complete: bool = True) -> Dictionary:
    """Return the dictionary of products as `_source` has them."""
    learner = DictionaryLearner()
    for product in products:
        learner.add(product)
    return learner.finish(complete=complete)


def _values(product: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield field and text of every text value; numbers and flags are none."""
    for name in ("brand", "categories"):
        for text in _texts(product.get(name)):
            yield name, text
    attributes = product.get("attributes")
    if isinstance(attributes, Mapping):
        for name, value in attributes.items():
            for text in _texts(value):
                yield f"{ATTRIBUTE_PREFIX}{name}", text


def _flags(product: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the flags that are set: they count as words of the product."""
    attributes = product.get("attributes")
    if isinstance(attributes, Mapping):
        yield from (name.replace("_", " ") for name, value in attributes.items() if value is True)


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str) and item.strip()]


def _phrases(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield the phrases that a value goes by, each with the value."""
    if name != "categories":
        if phrase := _phrase(text):
            yield phrase, text
        return
    for level in {text, *text.split(CATEGORY_SEPARATOR)}:
        if phrase := _phrase(level):
            yield phrase, text


@lru_cache(maxsize=32_768)
def _phrase(text: str) -> str | None:
    """Return the key of a value, None when it is too long, a number or a measurement."""
    if len(text) > _MAX_VALUE_CHARACTERS:
        return None
    normal = normalize_text(text)
    keys = [key for word in split_words(normal) if (key := word_key(word.text))]
    if not 1 <= len(keys) <= MAX_PHRASE_WORDS or is_measurement(normal):
        return None
    # A single letter, alone or between numbers, says too little: "N", "1440 x 900".
    tells = any(sum(letter.isalpha() for letter in key) > 1 for key in keys)
    return phrase_key(keys) if tells else None


@lru_cache(maxsize=32_768)
def _protected(text: str) -> frozenset[str]:
    """Return the keys of the words of a text that spelling must leave alone."""
    return frozenset(
        key for key in keys_of(text) if len(key) >= _MIN_PROTECTED_LETTERS and not has_digit(key)
    )
