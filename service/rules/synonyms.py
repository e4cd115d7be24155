"""Synonyms in a query: which of its words have others, and what is searched for besides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from service.retrieval.lexical import WordGroup
from service.rules.phrases import Key, PhraseTable, RuleWord, rule_words
from service.rules.rule import Synonym
from service.search_results import UnderstoodQuery
from service.understanding.words import normalize_text, split_words, word_key

MAX_OTHERS = 64
"""Other words that one query is searched for besides its own. Each is a clause in each of five
fields, twice, and Elasticsearch refuses a query of too many."""


@dataclass(frozen=True)
class Other:
    """Words that stand for some of a query. key: as words are compared. id: of the synonym."""

    key: Key
    text: str
    weight: float
    id: str


@dataclass(frozen=True)
class FoundSynonym:
    """A synonym that took part. text: the query's words. others: what was searched besides."""

    id: str
    text: str
    others: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"id": self.id, "text": self.text, "others": list(self.others)}


@dataclass(frozen=True)
class Expansion:
    """What synonyms make of the phrases of a query.

    groups: phrase to its words in groups, those with others among them. replaced: texts in which
    each group has its best other words, with the weights of their vectors beside the query's.
    others: all other words with their weights.
    """

    groups: Mapping[str, tuple[WordGroup, ...]]
    replaced: Mapping[str, float]
    others: Mapping[str, float]
    found: tuple[FoundSynonym, ...]
    is_cut: bool


class SynonymTable:
    """The synonyms of a set by the words that they are found by, in the plural or not."""

    def __init__(self, synonyms: Iterable[Synonym]) -> None:
        self._table = PhraseTable(_entries(synonyms))

    def knows(self, text: str) -> Callable[[str], bool] | None:
        """Return what says of a word of the query whether a synonym knows it, None for no word.

        Such a word is not misspelt, even when the catalogue has never heard of it.
        """
        key = _key(rule_words(text))
        known = {
            word
            for place, length, _ in self._table.longest(key)
            for word in key[place : place + length]
        }
        return (lambda word: known.issuperset(_key(rule_words(word)))) if known else None

    def expand(self, terms: Mapping[str, float]) -> Expansion | None:
        """Return what phrases are searched for besides, None where no synonym holds.

        terms: phrase to weight; those to avoid, below 0, are left as they are.
        """
        room = MAX_OTHERS
        groups: dict[str, tuple[WordGroup, ...]] = {}
        replaced: dict[str, float] = {}
        others: dict[str, float] = {}
        found: dict[tuple[str, str], FoundSynonym] = {}
        is_cut = False
        for text, weight in terms.items():
            if weight <= 0:
                continue
            words = rule_words(text)
            parts: list[WordGroup] = []
            end = 0
            for place, length, values in self._table.longest(_key(words)):
                own = text[words[place].start : words[place + length - 1].end]
                best = _best(values)
                kept = []
                for one in best:
                    if len(one.key) <= room:
                        kept.append(one)
                        room -= len(one.key)
                is_cut |= len(kept) < len(best)
                if not kept:
                    continue
                parts += _alone(text[end : words[place].start])
                parts.append(WordGroup(own, {one.text: one.weight for one in kept}))
                end = words[place + length - 1].end
                others |= {one.text: one.weight for one in kept}
                for one in kept:
                    known = found.get((one.id, own), FoundSynonym(one.id, own, ()))
                    found[one.id, own] = FoundSynonym(one.id, own, (*known.others, one.text))
            if parts:
                groups[text] = (*parts, *_alone(text[end:]))
                other, share = _with_best(groups[text])
                replaced[other] = max(replaced.get(other, 0.0), weight * share)
        if not groups:
            return None
        return Expansion(groups, replaced, others, tuple(found.values()), is_cut)


def _entries(synonyms: Iterable[Synonym]) -> Iterator[tuple[Key, Other]]:
    for one in synonyms:
        if not one.enabled:
            continue
        # Words without a letter or digit, an emoji say, are found by nothing in a product.
        targets = [Other(_key(rule_words(to)), to, one.weight, one.id) for to in one.to]
        own = [Other(_key(rule_words(word)), word, one.weight, one.id) for word in one.words]
        for word in own:
            for other in targets or own:
                if other.key != word.key:
                    yield word.key, other


def _key(words: Sequence[RuleWord]) -> Key:
    return tuple(word_key(word.key) or word.key for word in words)


def _best(values: Sequence[Other]) -> list[Other]:
    """Return each of the others once, with its greatest weight, the weightiest first."""
    best: dict[Key, Other] = {}
    for one in values:
        if one.key not in best or best[one.key].weight < one.weight:
            best[one.key] = one
    return sorted(best.values(), key=lambda one: -one.weight)


def _alone(text: str) -> list[WordGroup]:
    """Return words that have no others, divided as Elasticsearch does: "15.6" is one."""
    return [WordGroup(word.text, {}) for word in split_words(normalize_text(text))]


def _with_best(groups: Sequence[WordGroup]) -> tuple[str, float]:
    """Return the text with the best other words of each group, and the least of their weights."""
    texts, share = [], 1.0
    for group in groups:
        other = next(iter(group.others), None)
        texts.append(group.text if other is None else other)
        share = min(share, group.others[other] if other is not None else share)
    return " ".join(texts), share


def with_synonyms(
    understood: UnderstoodQuery,
    expansion: Expansion,
    understand: Callable[[str], UnderstoodQuery],
) -> UnderstoodQuery:
    """Return also the brands, categories and the like that other words name, by their weights."""
    known = {(match.field, match.value) for match in understood.matches}
    named = [
        replace(match, weight=match.weight * weight)
        for other, weight in expansion.others.items()
        for match in understand(other).matches
        if (match.field, match.value) not in known
    ]
    return replace(understood, matches=(*understood.matches, *named[:MAX_OTHERS]))
