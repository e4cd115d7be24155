"""Which rules hold for a search: found by look-ups, so thousands of others cost nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from service.rules.phrases import Key, PhraseTable, rule_key
from service.rules.rule import Rule

CATEGORY_SEPARATOR = " > "
Levels = tuple[Key, ...]


class RuleMatcher:
    """The rules of a set by what they wait for. Those that are not enabled are left out."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        numbered = [(place, rule) for place, rule in enumerate(rules) if rule.enabled]
        self._exact, self._start, self._contains = (
            PhraseTable(
                (rule_key(query), place)
                for place, rule in numbered
                if rule.when.match == match
                for query in rule.when.queries
            )
            for match in ("exact", "start", "contains")
        )
        self._always = [
            place for place, rule in numbered if not rule.when.queries and not rule.when.categories
        ]
        self._categories = {
            place: frozenset(map(_levels, rule.when.categories))
            for place, rule in numbered
            if rule.when.categories
        }
        self._by_category: dict[Levels, list[int]] = {}
        for place, paths in self._categories.items():
            if not rules[place].when.queries:
                for path in paths:
                    self._by_category.setdefault(path, []).append(place)

    def matching(
        self, queries: Iterable[str], categories: Iterable[str], now: datetime
    ) -> list[Rule]:
        """Return the rules that hold, in the order of their set.

        queries: what is searched for, as it was sent and as it became; one is enough.
        categories: paths that the search filters by.
        """
        paths = {
            levels[:depth]
            for levels in map(_levels, categories)
            for depth in range(1, len(levels) + 1)
        }
        found = set(self._always)
        for path in paths:
            found.update(self._by_category.get(path, ()))
        for key in {rule_key(query) for query in queries}:
            found.update(self._of_query(key))
        return [
            self._rules[place]
            for place in sorted(found)
            if self._rules[place].when.holds_at(now) and self._is_there(place, paths)
        ]

    def _of_query(self, key: Key) -> Iterable[int]:
        yield from self._exact.whole(key)
        for place in range(len(key)):
            if place == 0:
                for _, found in self._start.at(key, 0):
                    yield from found
            for _, found in self._contains.at(key, place):
                yield from found

    def _is_there(self, place: int, paths: set[Levels]) -> bool:
        wanted = self._categories.get(place)
        return wanted is None or not wanted.isdisjoint(paths)


def filtered_categories(wanted: Mapping[str, Any]) -> list[str]:
    """Return the category paths that a filter names at its top: one, or some of which any."""
    value = wanted.get("categories")
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]


def _levels(path: str) -> Levels:
    return tuple(rule_key(level) for level in path.split(CATEGORY_SEPARATOR))
