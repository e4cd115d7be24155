"""Words as rules and synonyms compare them, and phrases that are found in a query by a look-up.

Case, accents, blanks and the signs between words do not count, as in suggestions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from service.suggestions.folding import fold

T = TypeVar("T")
Key = tuple[str, ...]

_ASCII_WORD = re.compile(r"[A-Za-z0-9]+")
_INVISIBLE = ("Mn", "Cf")


class RuleWord(NamedTuple):
    """A word and where it stands: text[start:end]. key: folded."""

    key: str
    start: int
    end: int


def rule_words(text: str) -> list[RuleWord]:
    """Return the words of a text, in their order.

    A text of signs alone, such as an emoji, is one word, so that it is not taken for no query;
    none for a blank text.
    """
    if text.isascii():
        words = [RuleWord(one.group().lower(), *one.span()) for one in _ASCII_WORD.finditer(text)]
    else:
        words = [
            RuleWord(key, start, end)
            for start, end in _spans(text)
            for key in fold(text[start:end]).split()
        ]
    stripped = text.strip()
    if words or not stripped:
        return words
    start = text.index(stripped)
    return [RuleWord(stripped.casefold(), start, start + len(stripped))]


def rule_key(text: str) -> Key:
    """Return what is compared of a text: its words, folded."""
    return tuple(word.key for word in rule_words(text))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    start = None
    for place, letter in enumerate(text):
        if letter.isalnum():
            start = place if start is None else start
        elif start is not None and unicodedata.category(letter) not in _INVISIBLE:
            yield start, place
            start = None
    if start is not None:
        yield start, len(text)


class PhraseTable(Generic[T]):
    """Phrases with what belongs to each; finds those in a text whatever their number.

    A look at one place of a text costs one look-up for each length that phrases have which begin
    with its word.
    """

    def __init__(self, entries: Iterable[tuple[Key, T]]) -> None:
        self._values: dict[Key, list[T]] = {}
        lengths: dict[str, set[int]] = {}
        for key, value in entries:
            if key:
                self._values.setdefault(key, []).append(value)
                lengths.setdefault(key[0], set()).add(len(key))
        self._lengths = {word: sorted(found, reverse=True) for word, found in lengths.items()}

    def whole(self, key: Key) -> Sequence[T]:
        """Return what belongs to a phrase."""
        return self._values.get(key, ())

    def at(self, key: Key, place: int) -> Iterator[tuple[int, Sequence[T]]]:
        """Yield how many words each phrase has that begins at a place, the longest first."""
        for length in self._lengths.get(key[place], ()):
            if place + length <= len(key) and (found := self._values.get(key[place:][:length])):
                yield length, found

    def longest(self, key: Key) -> Iterator[tuple[int, int, Sequence[T]]]:
        """Yield place, length and values of phrases that do not overlap, the first and longest."""
        place = 0
        while place < len(key):
            length, found = next(self.at(key, place), (1, ()))
            if found:
                yield place, length, found
            place += length
