"""Words of a query or a title, and the key under which the spellings of one word are one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

MAX_PHRASE_WORDS = 4
"""Words of the longest value that is looked for in a query."""

_MARKS = str.maketrans(dict.fromkeys("™®©℠", " "))
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "″": '"', "’": "'", "‘": "'", "′": "'"})
# A number keeps its decimals, any other word its inner apostrophes, hyphens, dots, & and +.
_WORD = re.compile(r"\d+(?:[.,]\d+)+\w*|[^\W_](?:[\w'&+.\-]*[^\W_])?")
_POSSESSIVE = re.compile(r"'s?$")
_JOINED = re.compile(r"[\W_]+")
_DIGIT = re.compile(r"\d")
_SHORTEST_PLURAL = 4


class Word(NamedTuple):
    """A word and where it stands in the text: text[start:end]."""

    text: str
    start: int
    end: int


def normalize_text(text: str) -> str:
    """Return the text in lower case with one kind of quotation mark and no trademark signs."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKC", text.translate(_MARKS).translate(_QUOTES))
    return plain.translate(_QUOTES).lower()


def split_words(text: str) -> list[Word]:
    """Return the words of a text that `normalize_text` has made."""
    return [Word(found.group(), *found.span()) for found in _WORD.finditer(text)]


@lru_cache(maxsize=65_536)
def word_key(word: str) -> str:
    """Return the word without accents, apostrophes, hyphens and the ending of a plural.

    So "T-Shirts" and "tshirt" have the same key. Only regular plurals are folded: "mice"
    stays what it is. Empty when nothing is left.
    """
    return _singular(fold_word(word))


def fold_word(word: str) -> str:
    """Return the word in lower case without accents, apostrophes, hyphens and possessive s."""
    decomposed = unicodedata.normalize("NFD", word.casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _JOINED.sub("", _POSSESSIVE.sub("", plain))


def phrase_key(keys: Sequence[str]) -> str:
    """Return the key of several words, from the keys of each.

    They are written together, so that "t shirt" finds "T-Shirt" and "hard drive" "Harddrive".
    """
    return "".join(keys)


def keys_of(text: str) -> list[str]:
    """Return the keys of the words of a text, as it stands in a product."""
    keys = (word_key(word.text) for word in split_words(normalize_text(text)))
    return [key for key in keys if key]


def has_digit(word: str) -> bool:
    """Whether one of the characters is a digit."""
    return _DIGIT.search(word) is not None


def _singular(word: str) -> str:
    """Return the word without a regular English plural ending.

    Whether the outcome is a word does not matter, as long as both numbers come to the same:
    "series" and "serie" may well become "sery" and "serie".
    """
    if len(word) < _SHORTEST_PLURAL or not word.endswith("s") or has_digit(word):
        return word
    if word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > _SHORTEST_PLURAL:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    return word[:-1]
