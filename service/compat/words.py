"""The words of a query, and what of it every leg must obey.

Words are what a scoring part looks for in a text field. What such parts stand beside, in `must`,
`filter` and `must_not`, are constraints: neighbours that break one are no results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.compat.plain_words import PLAIN, without_quotes

Clause = dict[str, Any]

MAX_WORDS = 1_000
"""Characters that an encoder is given, as in a search of our own."""

_ONE_FIELD = frozenset({"match", "match_phrase", "match_phrase_prefix", "match_bool_prefix"})
_SEVERAL_FIELDS = frozenset({"multi_match", "combined_fields"})
_UNBOUND = ("must", "should")


@dataclass(frozen=True)
class QueryReading:
    """What a query says.

    words: of all its parts, each text once. constraints: clauses that every leg is under.
    opaque: why its words cannot be made hybrid, empty when they can.
    """

    words: str = ""
    constraints: tuple[Clause, ...] = ()
    opaque: str = ""


class _Opaque(Exception):
    """The words of a part have a meaning that neighbours would blur."""


def read_query(query: Mapping[str, Any], is_text: Callable[[str], bool]) -> QueryReading:
    """Return what a decoded query says; a malformed part has no words.

    is_text: whether a field, or any that a pattern names, is of words.
    """
    try:
        texts = _texts(dict(query), is_text)
    except _Opaque as error:
        return QueryReading(opaque=str(error))
    once = {" ".join(text.split()).casefold(): " ".join(text.split()) for text in reversed(texts)}
    words = " ".join(reversed([text for text in once.values() if text]))
    if len(words) > MAX_WORDS:
        return QueryReading(opaque=f"more than {MAX_WORDS} characters of words")
    return QueryReading(words, tuple(_constraints(dict(query), is_text)))


def _texts(clause: object, is_text: Callable[[str], bool]) -> list[str]:
    """Return the texts that a clause scores by, in their order."""
    if not isinstance(clause, dict) or len(clause) != 1:
        return []
    ((kind, body),) = clause.items()
    if not isinstance(body, dict):
        return []
    if kind in _ONE_FIELD:
        return _of_one_field(body, is_text)
    if kind in _SEVERAL_FIELDS:
        return _text(body.get("query")) if _any_text(body.get("fields"), is_text) else []
    if kind in PLAIN:
        return _of_language(kind, body, is_text)
    return [text for part in _scoring_parts(kind, body) for text in _texts(part, is_text)]


def _scoring_parts(kind: str, body: Clause) -> list[Any]:
    """Return the clauses inside another one that its score is made of."""
    if kind == "bool":
        return [part for name in _UNBOUND for part in _listed(body.get(name))]
    if kind == "dis_max":
        return _listed(body.get("queries"))
    if kind == "function_score":
        return [_only_without_least_score(body)] if "query" in body else []
    return [body["positive"]] if kind == "boosting" and "positive" in body else []


def _only_without_least_score(body: Clause) -> Any:  # noqa: ANN401 - a part of a decoded body
    if "min_score" in body:
        raise _Opaque("function_score.min_score")
    return body["query"]


def _of_one_field(body: Clause, is_text: Callable[[str], bool]) -> list[str]:
    if len(body) != 1:
        return []
    ((field, asked),) = body.items()
    if not is_text(field):
        return []
    return _text(asked.get("query") if isinstance(asked, dict) else asked)


def _of_language(kind: str, body: Clause, is_text: Callable[[str], bool]) -> list[str]:
    texts = _text(body.get("query"))
    fields = body.get("fields", body.get("default_field"))
    if not texts or not _any_text(fields, is_text):
        return []
    if not PLAIN[kind](texts[0]):
        raise _Opaque(f"{kind} with operators")
    return [without_quotes(texts[0])]


def _text(value: object) -> list[str]:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return []
    return [str(value)]


def _any_text(fields: object, is_text: Callable[[str], bool]) -> bool:
    names = [name for name in _listed(fields) if isinstance(name, str)]
    return any(is_text(name.partition("^")[0]) for name in names) if names else True


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _constraints(clause: object, is_text: Callable[[str], bool]) -> Iterator[Clause]:
    """Yield what everything that a clause finds fulfils, as clauses for a filter."""
    if not isinstance(clause, dict) or not clause or "match_all" in clause:
        return
    if not _texts(clause, is_text):
        yield clause
        return
    ((kind, body),) = clause.items()
    if kind == "function_score":
        yield from _constraints(body["query"], is_text)
    elif kind == "boosting":
        yield from _constraints(body["positive"], is_text)
    elif kind == "bool":
        yield from _of_bool(body, is_text)


def _of_bool(body: Clause, is_text: Callable[[str], bool]) -> Iterator[Clause]:
    for part in _listed(body.get("must")):
        yield from _constraints(part, is_text)
    yield from (part for part in _listed(body.get("filter")) if isinstance(part, dict))
    excluded = _listed(body.get("must_not"))
    if excluded:
        yield {"bool": {"must_not": excluded}}
    # "One of these at least" binds, when none of them is words.
    should, least = _listed(body.get("should")), body.get("minimum_should_match")
    if should and least is not None and not any(_texts(part, is_text) for part in should):
        yield {"bool": {"should": should, "minimum_should_match": least}}
