"""What was understood, as a filter of the search API, and what is still to be searched for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from service.search_results import AttributeMatch, UnderstoodQuery
from service.understanding.dictionary import MAX_VALUES
from service.understanding.words import keys_of, phrase_key

MIN_FILTER_WEIGHT = 0.25
"""A filter takes products away for good, so a match must weigh more here than for ranking."""

FILTER_FIELDS = ("brand", "categories")
CATEGORY_SEPARATOR = " > "


def as_filter(understood: UnderstoodQuery) -> dict[str, Any]:
    """Return brand, categories and price limits in the API's filter language.

    Empty when nothing is certain enough. Brands are alternatives. Of categories those are kept
    that all the words agree on, and if there are none they are alternatives too; words of more
    paths than the dictionary keeps each name the level that they mean. Words that name
    a brand and a category keep both: `{"any": [{"brand": ...}, {"categories": ...}]}`.
    """
    groups = _groups(understood)
    ambiguous = {text for text, fields in groups.items() if len(fields) > 1}
    conditions: dict[str, Any] = {}
    brands = [
        match.value
        for text, fields in groups.items()
        if text not in ambiguous
        for match in fields.get("brand", ())
    ]
    paths = {
        text: [match.value for match in fields["categories"]]
        for text, fields in groups.items()
        if text not in ambiguous and "categories" in fields
    }
    if brands:
        conditions["brand"] = list(dict.fromkeys(brands))
    either = [_either(text, groups[text]) for text in groups if text in ambiguous]
    if _may_agree_elsewhere(paths):
        either += [{"categories": _levels(text, named)} for text, named in paths.items()]
    elif paths:
        conditions["categories"] = _agreed(paths)
    if either:
        conditions["all"] = either
    if price := _price(understood):
        conditions["price"] = price
    return conditions


def remaining_words(understood: UnderstoodQuery) -> tuple[str, ...]:
    """Return the words that the filter does not say, in their order.

    When it says them all, all remain: a search without words has no order by relevance.
    """
    remaining = list(understood.words)
    for text in _groups(understood):
        part = text.split(" ")
        start = _place_of(part, remaining)
        if start is not None:
            del remaining[start : start + len(part)]
    return tuple(remaining) or understood.words


def _place_of(part: list[str], words: list[str]) -> int | None:
    for start in range(len(words) - len(part) + 1):
        if words[start : start + len(part)] == part:
            return start
    return None


def _groups(understood: UnderstoodQuery) -> dict[str, dict[str, list[AttributeMatch]]]:
    """Return words to field to the matches that are certain enough for a filter."""
    groups: dict[str, dict[str, list[AttributeMatch]]] = {}
    for match in understood.matches:
        if match.field in FILTER_FIELDS and match.weight >= MIN_FILTER_WEIGHT:
            groups.setdefault(match.text, {}).setdefault(match.field, []).append(match)
    return groups


def _may_agree_elsewhere(paths: Mapping[str, list[str]]) -> bool:
    """Whether words agree, but perhaps on more paths than the dictionary has kept of each."""
    return (
        len(paths) > 1
        and any(len(named) >= MAX_VALUES for named in paths.values())
        and bool(set.intersection(*map(set, paths.values())))
    )


def _levels(text: str, named: Iterable[str]) -> list[str]:
    return _distinct(_level(path, text) for path in named)


def _agreed(paths: Mapping[str, list[str]]) -> list[str]:
    """Return the paths that all words name; else, and for one alone, the levels they name."""
    common = set.intersection(*map(set, paths.values()))
    if len(paths) > 1 and common:
        return sorted(common)
    return _distinct(_level(path, text) for text, named in paths.items() for path in named)


def _level(path: str, text: str) -> str:
    """Return the path up to the level that the words name.

    The filter finds what lies under it too, also paths that the dictionary has not kept.
    """
    named = phrase_key(keys_of(text))
    levels = path.split(CATEGORY_SEPARATOR)
    for depth, level in enumerate(levels, start=1):
        if phrase_key(keys_of(level)) == named:
            return CATEGORY_SEPARATOR.join(levels[:depth])
    return path


def _either(text: str, fields: Mapping[str, list[AttributeMatch]]) -> dict[str, Any]:
    brands = _distinct(match.value for match in fields["brand"])
    levels = _distinct(_level(match.value, text) for match in fields["categories"])
    return {"any": [{"brand": brands}, {"categories": levels}]}


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _price(understood: UnderstoodQuery) -> dict[str, float]:
    limits = {"gte": understood.least_price, "lte": understood.most_price}
    return {operator: limit for operator, limit in limits.items() if limit is not None}
