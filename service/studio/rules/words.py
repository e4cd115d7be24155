"""Rules and synonyms in the words of a list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from service.rules.rule import Boost, Rule, Selection, Synonym
from service.suggestions.folding import fold

_SHOWN = 3
"""Words or products that are named of a longer list."""
_MATCHES = {"exact": "is", "start": "begins with", "contains": "has"}


@dataclass(frozen=True)
class Described:
    """A row. when, what: lines of text. state: `on`, `off`, `later` or `over`."""

    id: str
    note: str
    when: tuple[str, ...]
    what: tuple[str, ...]
    state: str


def describe_rule(rule: Rule) -> Described:
    """Return a rule as a row."""
    return Described(rule.id, rule.note, tuple(_when(rule)), tuple(_what(rule)), _state(rule))


def describe_synonym(synonym: Synonym) -> Described:
    """Return a synonym as a row."""
    words = " = ".join(synonym.words)
    if synonym.to:
        words = f"{', '.join(synonym.words)} → {', '.join(synonym.to)}"
    weight = "" if synonym.weight == 1 else f"counts {synonym.weight:g}"
    state = "on" if synonym.enabled else "off"
    return Described(synonym.id, weight, (), (words,), state)


def is_meant(one: Rule | Synonym, asked: str) -> bool:
    """Return whether a rule or synonym has all the words that are asked for, anywhere in it."""
    wanted = fold(asked).split()
    if not wanted:
        return True
    text = fold(orjson.dumps(one.model_dump(mode="json", exclude_defaults=True)).decode())
    return all(word in text for word in wanted)


def _when(rule: Rule) -> Iterator[str]:
    when = rule.when
    if when.queries:
        words = " or ".join(f"“{one}”" for one in when.queries[:_SHOWN])
        yield f"query {_MATCHES[when.match]} {words}{_more(len(when.queries))}"
    if when.categories:
        yield f"in {', '.join(when.categories[:_SHOWN])}{_more(len(when.categories))}"
    if when.starts:
        yield f"from {when.starts:%Y-%m-%d %H:%M %Z}"
    if when.ends:
        yield f"until {when.ends:%Y-%m-%d %H:%M %Z}"
    if not (when.queries or when.categories):
        yield "every query"


def _what(rule: Rule) -> Iterator[str]:
    if rule.pin:
        yield f"pin {', '.join(rule.pin[:_SHOWN])}{_more(len(rule.pin))}"
    for name, selections in (("hide", rule.hide), ("only", rule.only)):
        for selection in selections:
            yield f"{name} {_selection(selection)}"
    for name, moves in (("boost", rule.boost), ("bury", rule.bury)):
        for move in moves:
            yield f"{name} {_boost(move)}"
    for before, after in rule.replace.items():
        yield f"“{before}” → “{after}”" if after else f"leave out “{before}”"


def _boost(move: Boost) -> str:
    return f"{_selection(move.products)} by {move.strength:g}"


def _selection(selection: Selection) -> str:
    parts = []
    if selection.ids:
        parts.append(f"{', '.join(selection.ids[:_SHOWN])}{_more(len(selection.ids))}")
    if selection.words:
        parts.append(f"“{selection.words}”")
    if selection.filter:
        parts.append(orjson.dumps(selection.filter).decode())
    return " and ".join(parts)


def _more(count: int) -> str:
    return f" and {count - _SHOWN} more" if count > _SHOWN else ""


def _state(rule: Rule) -> str:
    now = datetime.now(UTC)
    if not rule.enabled:
        return "off"
    if rule.when.starts and now < rule.when.starts:
        return "later"
    return "on" if rule.when.holds_at(now) else "over"
