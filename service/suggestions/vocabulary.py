"""Brands, categories and past queries of an index: small lists, looked through in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from service.suggestions.folding import fold, place_of


@dataclass(frozen=True)
class Term:
    """A text that may be suggested. count: products that have it, or people who asked it."""

    text: str
    count: int


@dataclass(frozen=True)
class _Entry:
    term: Term
    folded: str


@dataclass(frozen=True)
class WordList:
    """Terms of one kind, the most frequent first."""

    entries: tuple[_Entry, ...] = ()

    @classmethod
    def of(cls, terms: Iterable[Term]) -> WordList:
        """Return the list of terms; those without a letter or digit are left out."""
        ordered = sorted(terms, key=lambda term: (-term.count, term.text))
        folded = ((term, fold(term.text)) for term in ordered)
        return cls(tuple(_Entry(term, text) for term, text in folded if text))

    def starting(self, typed: str, limit: int) -> list[Term]:
        """Return terms one of whose words begins so, those that begin so themselves first.

        typed: folded; empty gives the most frequent terms.
        """
        if not typed:
            return [entry.term for entry in self.entries[:limit]]
        whole: list[Term] = []
        inside: list[Term] = []
        for entry in self.entries:
            place = place_of(typed, entry.folded)
            if place == 0:
                whole.append(entry.term)
                if len(whole) == limit:
                    return whole
            elif place is not None and len(inside) < limit:
                inside.append(entry.term)
        return [*whole, *inside][:limit]


@dataclass(frozen=True)
class Vocabulary:
    """What an index's products and searchers call things.

    index: the version that it was read of. problems: one line for each part that could not be
    read, and is empty.
    """

    index: str
    brands: WordList = field(default_factory=WordList)
    categories: WordList = field(default_factory=WordList)
    queries: WordList = field(default_factory=WordList)
    problems: Sequence[str] = ()
