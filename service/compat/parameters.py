"""The URL parameters of searches: those that stand for a part of the body, and all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten

OUTPUT = frozenset({"pretty", "human", "error_trace", "filter_path", "format"})
"""How the answer is written; every endpoint takes them."""

QUERY = frozenset({"q", "df", "analyzer", "analyze_wildcard", "default_operator", "lenient"})
"""A query string in the address, and how it is read."""

_WHERE = frozenset(
    {
        "allow_no_indices",
        "expand_wildcards",
        "ignore_throttled",
        "ignore_unavailable",
        "preference",
        "routing",
    }
)
_HOW = frozenset(
    {
        "allow_partial_search_results",
        "batched_reduce_size",
        "ccs_minimize_roundtrips",
        "max_concurrent_shard_requests",
        "pre_filter_shard_size",
        "search_type",
    }
)
_WHAT = frozenset(
    {
        "include_named_queries_score",
        "request_cache",
        "rest_total_hits_as_int",
        "typed_keys",
        "suggest_field",
        "suggest_mode",
        "suggest_size",
        "suggest_text",
    }
)
ONE_FILTER = frozenset({"min_score", "terminate_after"})

_FLAGS = frozenset(
    {
        "allow_no_indices",
        "allow_partial_search_results",
        "analyze_wildcard",
        "ccs_minimize_roundtrips",
        "ignore_throttled",
        "ignore_unavailable",
        "include_named_queries_score",
        "lenient",
        "request_cache",
        "rest_total_hits_as_int",
        "typed_keys",
    }
)
"""True where no value is given. Of some of these Elasticsearch fails with a 500 then."""

_FLAG_ON = dict.fromkeys(_FLAGS, "true")


def _flag(value: str) -> bool:
    if value not in ("", "true", "false"):
        raise ValueError("should be true or false")
    return value != "false"


def _names(value: str) -> list[str]:
    return [name for name in value.split(",") if name]


def _flag_or_names(value: str) -> bool | list[str]:
    return value == "true" if value in ("true", "false") else _names(value)


def _flag_or_number(value: str) -> bool | int:
    return value == "true" if value in ("true", "false") else int(value)


def _order(value: str) -> list[Any]:
    clauses: list[Any] = []
    for part in _names(value):
        name, _, order = part.rpartition(":")
        clauses.append({name: {"order": order}} if order in ("asc", "desc") and name else part)
    return clauses


OF_THE_BODY: Mapping[str, Callable[[str], Any]] = {
    "_source": _flag_or_names,
    "docvalue_fields": _names,
    "explain": _flag,
    "from": int,
    "min_score": float,
    "seq_no_primary_term": _flag,
    "size": int,
    "sort": _order,
    "stats": _names,
    "stored_fields": _names,
    "terminate_after": int,
    "timeout": str,
    "track_scores": _flag,
    "track_total_hits": _flag_or_number,
    "version": _flag,
}
"""Parameters that say what a field of the body says, and come before it."""

_SOURCE = {"_source_includes": "includes", "_source_excludes": "excludes"}

SEARCH = OUTPUT | QUERY | _WHERE | _HOW | _WHAT | frozenset(OF_THE_BODY) | frozenset(_SOURCE)
COUNT = OUTPUT | QUERY | _WHERE | ONE_FILTER
MSEARCH = OUTPUT | frozenset(
    {
        "allow_no_indices",
        "ccs_minimize_roundtrips",
        "expand_wildcards",
        "ignore_throttled",
        "ignore_unavailable",
        "include_named_queries_score",
        "max_concurrent_searches",
        "max_concurrent_shard_requests",
        "pre_filter_shard_size",
        "rest_total_hits_as_int",
        "routing",
        "search_type",
        "typed_keys",
    }
)
SCROLLED = SEARCH | {"scroll"}
POINT = OUTPUT | frozenset(
    {
        "allow_partial_search_results",
        "expand_wildcards",
        "ignore_unavailable",
        "keep_alive",
        "max_concurrent_shard_requests",
        "preference",
        "routing",
    }
)
"""Of `_pit`, which opens a point in time."""
IN_POINT = SEARCH - frozenset({"allow_no_indices", "preference", "routing"})
"""Of a search in a point in time, which has its indexes already."""
PAGE = OUTPUT | frozenset({"rest_total_hits_as_int", "scroll", "scroll_id"})
"""Of the next page of a scroll."""
HEADER = _WHERE | _HOW | {"index", "request_cache"}
"""What the first line of each search of an `_msearch` may say."""

_OF_A_FETCH = _WHERE | {"allow_partial_search_results", "include_named_queries_score"}


@dataclass(frozen=True)
class Parameters:
    """The URL parameters of one search. given: name to value, as they came."""

    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def checked(cls, given: Mapping[str, str], known: frozenset[str]) -> Parameters:
        """Return them. Raises InvalidQuery for one that the endpoint does not know."""
        for name, value in given.items():
            if name not in known:
                raise InvalidQuery(
                    f"there is no parameter {shorten(name)} here; there are "
                    + ", ".join(sorted(known)),
                    field=name[:80],
                )
            if name == "format" and value not in ("", "json"):
                raise InvalidQuery(
                    f"format: only json is answered, got {shorten(value)}", field="format"
                )
        return cls({name: value or _FLAG_ON.get(name, value) for name, value in given.items()})

    def query(self) -> str:
        """Return all of them for Elasticsearch's address."""
        return urlencode(self.given)

    def beside_the_body(self) -> Parameters:
        """Return those that no body says, for a request whose body has taken in the others."""
        taken = QUERY | OF_THE_BODY.keys() | _SOURCE.keys()
        return Parameters({name: v for name, v in self.given.items() if name not in taken})

    def of_first_pass(self) -> Parameters:
        """Return those of a request whose hits are read by us."""
        left_out = OUTPUT | {"include_named_queries_score"}
        return self._without(left_out)

    def of_whole_answer(self) -> Parameters:
        """Return those of a request whose answer is handed on, but for how it is written."""
        return self._without(OUTPUT)

    def of_fetch(self) -> Parameters:
        """Return those of a request for hits that are known."""
        return Parameters({name: v for name, v in self.given.items() if name in _OF_A_FETCH})

    def with_preference(self, text: str) -> Parameters:
        """Return them with a preference, unless there is one."""
        return Parameters({"preference": text, **self.given})

    def merged(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body with what the parameters say in the place of its own.

        Raises InvalidQuery for a value that cannot be read.
        """
        found = dict(body)
        for name, read in OF_THE_BODY.items():
            if name in self.given:
                try:
                    found[name] = read(self.given[name])
                except ValueError as error:
                    raise InvalidQuery(
                        f"{name}: cannot be read: {error}, got {shorten(self.given[name])}",
                        field=name,
                    ) from error
        if "q" in self.given:
            found["query"] = {"query_string": self._query_string()}
        chosen = {
            part: _names(self.given[name]) for name, part in _SOURCE.items() if name in self.given
        }
        if chosen:
            found["_source"] = chosen
        return found

    def _query_string(self) -> dict[str, Any]:
        clause: dict[str, Any] = {"query": self.given["q"]}
        if "df" in self.given:
            clause["default_field"] = self.given["df"]
        for name in ("analyzer", "default_operator"):
            if name in self.given:
                clause[name] = self.given[name]
        for name in ("analyze_wildcard", "lenient"):
            if name in self.given:
                clause[name] = self.given[name] != "false"
        return clause

    def _without(self, names: frozenset[str]) -> Parameters:
        return Parameters({name: v for name, v in self.given.items() if name not in names})
