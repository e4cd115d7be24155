"""A shop's own query with other words in the place of some of its own, as synonyms have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from service.compat.words import Clause
from service.rules.synonyms import Expansion

MAX_VARIANTS = 8
"""Queries that are asked beside the shop's own one; each is as large as that."""

_TEXTS = frozenset(
    {
        "match",
        "match_phrase",
        "match_phrase_prefix",
        "match_bool_prefix",
        "multi_match",
        "combined_fields",
        "query_string",
        "simple_query_string",
    }
)
_INSIDE = frozenset({"bool", "dis_max", "function_score", "boosting"})
_SCORING = frozenset({"must", "should", "queries", "query", "positive"})

Expand = Callable[[str], Expansion | None]


def variants(query: Clause, expand: Expand) -> list[tuple[Clause, float]]:
    """Return the query once for each place that other words have in a synonym, with its weight.

    expand: what is searched for beside a text. The first variant has the best other words of each
    phrase, the second the next ones, and so on; a phrase that has no more keeps the shop's words.
    """
    found: list[tuple[Clause, float]] = []
    for place in range(MAX_VARIANTS):
        rewriting = _Rewriting(expand, place)
        rewritten = rewriting.clause(query)
        if not rewriting.weights:
            break
        found.append((rewritten, min(rewriting.weights)))
    return found


class _Rewriting:
    """One walk through a query; notes the weights of what it has put in."""

    def __init__(self, expand: Expand, place: int) -> None:
        self._expand = expand
        self._place = place
        self.weights: list[float] = []

    def clause(self, clause: Any) -> Any:  # noqa: ANN401 - a part of a decoded body
        if isinstance(clause, list):
            return [self.clause(part) for part in clause]
        if not isinstance(clause, Mapping):
            return clause
        return {kind: self._body(kind, body) for kind, body in clause.items()}

    def _body(self, kind: str, body: Any) -> Any:  # noqa: ANN401 - a part of a decoded body
        if not isinstance(body, Mapping):
            return body
        if kind in _INSIDE:
            return {
                name: self.clause(part) if name in _SCORING else part
                for name, part in body.items()
            }
        if kind not in _TEXTS:
            return body
        if "query" in body:
            return {**body, "query": self._text(body["query"])}
        return {
            field: {**asked, "query": self._text(asked.get("query"))}
            if isinstance(asked, Mapping)
            else self._text(asked)
            for field, asked in body.items()
        }

    def _text(self, text: Any) -> Any:  # noqa: ANN401 - a part of a decoded body
        expansion = self._expand(text) if isinstance(text, str) and text.strip() else None
        if expansion is None:
            return text
        (groups,) = expansion.groups.values()
        words = []
        for group in groups:
            others = list(group.others.items())
            if len(others) > self._place:
                other, weight = others[self._place]
                self.weights.append(weight)
                words.append(other)
            else:
                words.append(group.text)
        return " ".join(words)
