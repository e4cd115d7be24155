"""The text of a query to what its words say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from service.search_results import AttributeMatch, Measurement, UnderstoodQuery
from service.understanding.dictionary import Dictionary
from service.understanding.measurements import Measured, find_measurements
from service.understanding.prices import find_price_limits
from service.understanding.words import (
    MAX_PHRASE_WORDS,
    has_digit,
    normalize_text,
    phrase_key,
    split_words,
    word_key,
)

MAX_CORRECTED_WORDS = 12
"""Words that are looked at for their spelling: a longer text is no query that somebody typed."""

MIN_NUMBER_CHARACTERS = 4
"""As the lexical leg has it: a shorter word with a digit is rarely a model number."""

LONGER = 1.25
"""What each further word of a phrase is worth: of two that overlap the longer one is meant,
unless the other weighs clearly more, as "flip flops" against "Puma Flip" in "puma flip flops"."""

_QUOTED = re.compile(r'(?<!\S)"(?=\S)[^"]*"(?!\S)')


@dataclass(frozen=True)
class _Token:
    """A word of the query, where it stands, and what may not be done with it.

    quoted: it is not corrected. measured: it is part of a measurement, so it names no value.
    """

    text: str
    start: int
    end: int
    quoted: bool
    measured: bool

    @property
    def key(self) -> str:
        return word_key(self.text)


@dataclass(frozen=True)
class _Phrase:
    """Neighbouring tokens that are a phrase of the dictionary: tokens[start:end]."""

    start: int
    end: int
    key: str
    score: float


def understand(
    text: str,
    dictionary: Dictionary | None,
    *,
    is_word: Callable[[str], bool] = lambda word: False,
) -> UnderstoodQuery:
    """Return what the words of a query say; never fails, whatever the text.

    Phrases of up to MAX_PHRASE_WORDS words are matched, those that weigh most first, longer ones
    before shorter ones (see LONGER). All words but those of price limits are in `words`, those of
    matches and measurements too. `corrected` is the whole text in lower case, price limits
    included; what is searched for are the words. Without a dictionary there are no matches, no
    correction, and every word has rarity 1.
    is_word: says of a word that it is one of the language, whether or not the catalogue has it;
        such a word is not corrected.
    """
    normal = " ".join(normalize_text(text).split())
    quoted = [found.span() for found in _QUOTED.finditer(normal)]
    known = dictionary.limit_names if dictionary else ()
    limits = find_price_limits(_without(normal, quoted), names=known)
    rest = _without(normal, limits.spans)
    measured = [one for one in find_measurements(rest) if not _inside(one.start, quoted)]
    tokens = _tokens(rest, quoted, measured)
    corrected = None
    matches: tuple[AttributeMatch, ...] = ()
    if dictionary:
        tokens, corrected = _correct(normal, tokens, dictionary, is_word)
        matches = tuple(_matches(tokens, dictionary))
    words = tuple(token.text for token in tokens)
    return UnderstoodQuery(
        words=words,
        rarity=tuple(dictionary.rarity(word) if dictionary else 1.0 for word in words),
        matches=matches,
        measurements=_distinct(measured),
        numbers=_numbers(tokens),
        least_price=limits.least,
        most_price=limits.most,
        corrected=corrected,
    )


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return the text with spaces in place of the spans, so that places stay the same."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _inside(place: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in spans)


def _tokens(
    text: str, quoted: Sequence[tuple[int, int]], measured: Sequence[Measured]
) -> list[_Token]:
    spans = [(one.start, one.end) for one in measured]
    return [
        _Token(
            word.text,
            word.start,
            word.end,
            _inside(word.start, quoted),
            _inside(word.start, spans),
        )
        for word in split_words(text)
    ]


def _phrases(tokens: Sequence[_Token], dictionary: Dictionary) -> list[_Phrase]:
    """Return the phrases that the tokens are taken for, none of which overlap, in their order."""
    keys = [None if token.measured else token.key for token in tokens]
    found = [
        _Phrase(start, start + length, key, meanings[0].weight * LONGER ** (length - 1))
        for start in range(len(keys))
        for length in range(1, min(MAX_PHRASE_WORDS, len(keys) - start) + 1)
        if None not in (part := keys[start : start + length])
        and (meanings := dictionary.meanings(key := phrase_key([one for one in part if one])))
    ]
    free = set(range(len(tokens)))
    chosen = []
    for phrase in sorted(found, key=lambda one: (-one.score, one.start - one.end, one.start)):
        places = set(range(phrase.start, phrase.end))
        if places <= free:
            free -= places
            chosen.append(phrase)
    return sorted(chosen, key=lambda one: one.start)


def _correct(
    normal: str, tokens: list[_Token], dictionary: Dictionary, is_word: Callable[[str], bool]
) -> tuple[list[_Token], str | None]:
    """Return the tokens with their spelling corrected, and the whole text, None if unchanged."""
    named = {
        place
        for phrase in _phrases(tokens, dictionary)
        for place in range(phrase.start, phrase.end)
    }
    outcome, pieces, end = [], [], 0
    for place, token in enumerate(tokens):
        left_alone = token.quoted or token.measured or place in named
        better = None
        if not left_alone and place < MAX_CORRECTED_WORDS and not is_word(token.text):
            better = dictionary.correct(token.text)
        outcome.append(token if better is None else replace(token, text=better))
        if better is not None:
            pieces += [normal[end : token.start], better]
            end = token.end
    return outcome, "".join((*pieces, normal[end:])).strip() if pieces else None


def _matches(tokens: Sequence[_Token], dictionary: Dictionary) -> Iterator[AttributeMatch]:
    for phrase in _phrases(tokens, dictionary):
        text = " ".join(token.text for token in tokens[phrase.start : phrase.end])
        for meaning in dictionary.meanings(phrase.key):
            for value, _ in meaning.values:
                yield AttributeMatch(meaning.field, value, text, meaning.weight)


def _distinct(measured: Sequence[Measured]) -> tuple[Measurement, ...]:
    return tuple(dict.fromkeys(one.measurement for one in measured))


def _numbers(tokens: Sequence[_Token]) -> tuple[str, ...]:
    return tuple(
        token.text
        for token in tokens
        if not token.measured
        and len(token.text) >= MIN_NUMBER_CHARACTERS
        and has_digit(token.text)
    )
