"""The word that was meant: a near one of the catalogue that is clearly more frequent than others.

Distance is that of optimal string alignment (Damerau-Levenshtein in which no part is edited
twice), so two letters that changed places are one edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from service.understanding.words import has_digit

MIN_LETTERS = 4
"""Shorter words have too many neighbours."""

MIN_LETTERS_OF_TWO_EDITS = 7
MIN_COUNT = 3
"""Products that have the corrected word: what fewer have may itself be misspelt."""

CLEARLY_MORE = 3.0
"""How many times as frequent as the next candidate the right one is."""

MAX_LETTERS = 32
"""Longer ones are no words, and comparing them takes time."""

_LETTERS = 26


class Spelling:
    """Words of a catalogue by frequency, in arrays that are narrowed down before comparing.

    What is compared letter by letter has about the same length and nearly the same letters:
    some dozens of 200,000 words.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        eligible = sorted(
            (word for word, count in counts.items() if _may_be_meant(word, count)),
            key=lambda word: (len(word), word),
        )
        self._words = eligible
        self._counts = np.array([counts[word] for word in eligible], dtype=np.int64)
        self._letters = np.array([_letter_bits(word) for word in eligible], dtype=np.uint64)
        lengths = np.array([len(word) for word in eligible], dtype=np.int64)
        self._starts = np.searchsorted(lengths, np.arange(MAX_LETTERS + 4))

    @property
    def size_bytes(self) -> int:
        """Return the memory of the arrays; the words are the dictionary's own."""
        return self._counts.nbytes + self._letters.nbytes + 8 * len(self._words)

    def correct(self, *forms: str) -> str | None:
        """Return the word that was meant, None when there is none or several may be.

        forms: the misspelt word, and what it may be besides, such as its singular; one form at
        least. Words of the smallest distance to any form are compared by frequency: the most
        frequent must be in CLEARLY_MORE times as many products as the next one.
        """
        longest = max(map(len, forms))
        if not MIN_LETTERS <= longest <= MAX_LETTERS or any(map(has_digit, forms)):
            return None
        for distance in range(1, 3 if longest >= MIN_LETTERS_OF_TWO_EDITS else 2):
            near = {place for form in forms for place in self._at_distance(form, distance)}
            if near:
                return self._clear_winner(near)
        return None

    def _at_distance(self, word: str, distance: int) -> list[int]:
        """Return the places of the words that are so many edits away, or fewer."""
        letters = np.uint64(_letter_bits(word))
        shortest, longest = max(0, len(word) - distance), len(word) + distance
        return [
            place
            for length in range(shortest, longest + 1)
            for place in self._comparable(letters, length, 2 * distance - abs(length - len(word)))
            if OSA.distance(word, self._words[place], score_cutoff=distance) <= distance
        ]

    def _comparable(self, letters: np.uint64, length: int, most_bits: int) -> list[int]:
        """Return the places of the words of a length that differ in so many bits at most.

        A letter more or less changes one bit, another letter two, a change of places none.
        """
        first, end = int(self._starts[length]), int(self._starts[length + 1])
        changed: NDArray[np.uint8] = np.bitwise_count(self._letters[first:end] ^ letters)
        places: list[int] = (np.flatnonzero(changed <= most_bits) + first).tolist()
        return places

    def _clear_winner(self, near: Iterable[int]) -> str | None:
        ranked = sorted(near, key=lambda place: (-int(self._counts[place]), self._words[place]))
        best = ranked[0]
        if len(ranked) > 1 and self._counts[best] < CLEARLY_MORE * self._counts[ranked[1]]:
            return None
        return self._words[best]


def _may_be_meant(word: str, count: int) -> bool:
    return count >= MIN_COUNT and MIN_LETTERS - 1 <= len(word) <= MAX_LETTERS


def _letter_bits(word: str) -> int:
    """Return one bit for each letter that a word has, and another one if it has it twice.

    Letters that are not a to z share the bits of those, which keeps both promises of
    `Spelling._comparable`: a bit says that at least one, or two, of the letters that it stands
    for are there.
    """
    once = twice = 0
    for letter in word:
        bit = 1 << ((ord(letter) - ord("a")) % _LETTERS)
        twice |= once & bit
        once |= bit
    return once | twice << _LETTERS
