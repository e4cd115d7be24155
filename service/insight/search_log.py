"""Searches counted in memory until they are written: a search only adds to some numbers.

Searches of some seconds that are alike become one document: one for each kind of answer with all
that is counted of it, and one for each query. So what is written grows with the variety of
queries, up to a limit, and not with the traffic.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from service.events.pseudonyms import mask_query
from service.insight.latency_buckets import COUNT, NAMES, bucket_of
from service.search_watch import DropReason

Source = Literal["search", "shop", "elasticsearch", "passed"]
"""Who asked: the API, the shop page, Elasticsearch's interface; `passed` was not made hybrid."""

MOST_QUERIES = 200
"""Distinct queries that are told apart between two writes; more count without their words."""

MOST_KINDS = 500
MAX_QUERY_CHARACTERS = 200


@dataclass(frozen=True)
class LoggedSearch:
    """What is kept of one search: no client, no address, no products.

    words: as they were typed; masked before anything is written. total: products found, None
    where it is not known. took_ms: milliseconds. dropped: why legs were left out. is_first_page:
    the pages after the first are the same search, and count for the times alone.
    """

    index: str
    source: Source
    words: str = field(repr=False)
    total: int | None
    took_ms: float
    dropped: tuple[DropReason, ...] = ()
    weights: str = ""
    rules: str = ""
    is_first_page: bool = True


@dataclass
class _Kind:
    """Counts of the searches of one index, source, weights and rules."""

    searches: int = 0
    pages: int = 0
    known: int = 0
    zero: int = 0
    degraded: int = 0
    took_sum: float = 0.0
    took_max: float = 0.0
    dropped: Counter[str] = field(default_factory=Counter)
    buckets: list[int] = field(default_factory=lambda: [0] * COUNT)


@dataclass
class _Query:
    searches: int = 0
    known: int = 0
    zero: int = 0
    took_sum: float = 0.0


class SearchLog:
    """Adds up searches; safe for several threads.

    clock: seconds since 1970. most_queries: told apart between two calls of `take`.
    """

    def __init__(
        self, *, most_queries: int = MOST_QUERIES, clock: Callable[[], float] = time.time
    ) -> None:
        self._most_queries = most_queries
        self._clock = clock
        self._lock = threading.Lock()
        self._since = clock()
        self._kinds: dict[tuple[str, Source, str, str], _Kind] = {}
        self._queries: dict[tuple[str, str], _Query] = {}

    def note(self, search: LoggedSearch) -> None:
        """Count a search; takes microseconds and never waits for anything but other counts."""
        key = (search.index, search.source, search.weights, search.rules)
        bucket = bucket_of(search.took_ms)
        with self._lock:
            if not self._kinds:
                self._since = self._clock()
            kind = self._kinds.get(key)
            if kind is None:
                if len(self._kinds) >= MOST_KINDS:  # nobody takes: memory has an end
                    return
                kind = self._kinds[key] = _Kind()
            _add(kind, search, bucket)
            if search.is_first_page and search.words:
                self._add_query(search)

    def _add_query(self, search: LoggedSearch) -> None:
        key = (search.index, search.words)
        query = self._queries.get(key)
        if query is None:
            if len(self._queries) >= self._most_queries:
                return
            query = self._queries[key] = _Query()
        query.searches += 1
        query.took_sum += search.took_ms
        if search.total is not None:
            query.known += 1
            query.zero += search.total == 0

    def take(self) -> list[dict[str, Any]]:
        """Return what was counted since the last call as documents, and begin anew."""
        with self._lock:
            kinds, self._kinds = self._kinds, {}
            queries, self._queries = self._queries, {}
            since = self._since
        if not kinds:
            return []
        at = round(since * 1e3)
        batch = secrets.token_hex(8)
        documents = [_kind_document(at, *pair) for pair in kinds.items()]
        documents += _query_documents(at, queries.items())
        return [{**one, "id": f"{batch}-{place}"} for place, one in enumerate(documents)]


def query_key(text: str) -> str:
    """Return a query as it is counted: masked, in lower case, with single spaces, not too long."""
    return " ".join(mask_query(text).casefold().split())[:MAX_QUERY_CHARACTERS].rstrip()


def _add(kind: _Kind, search: LoggedSearch, bucket: int) -> None:
    kind.buckets[bucket] += 1
    kind.took_sum += search.took_ms
    kind.took_max = max(kind.took_max, search.took_ms)
    kind.degraded += bool(search.dropped)
    kind.dropped.update(set(search.dropped))
    if not search.is_first_page:
        kind.pages += 1
        return
    kind.searches += 1
    if search.total is not None:
        kind.known += 1
        kind.zero += search.total == 0


def _kind_document(at: int, key: tuple[str, Source, str, str], kind: _Kind) -> dict[str, Any]:
    index, source, weights, rules = key
    numbers: Mapping[str, Any] = {
        "searches": kind.searches,
        "pages": kind.pages,
        "known": kind.known,
        "zero": kind.zero,
        "degraded": kind.degraded,
        "dropped": dict(kind.dropped),
        "took_sum": round(kind.took_sum, 3),
        "took_max": round(kind.took_max, 3),
        "took": {name: count for name, count in zip(NAMES, kind.buckets, strict=True) if count},
        "weights": weights,
        "rules": rules,
    }
    kept = {name: value for name, value in numbers.items() if value not in (0, "", {})}
    return {"kind": "searches", "at": at, "index": index, "source": source, **kept}


def _query_documents(
    at: int, queries: Iterable[tuple[tuple[str, str], _Query]]
) -> list[dict[str, Any]]:
    # Spellings that are the same once they are masked and folded become one.
    folded: dict[tuple[str, str], _Query] = {}
    for (index, words), query in queries:
        key = query_key(words)
        if not key:
            continue
        one = folded.setdefault((index, key), _Query())
        one.searches += query.searches
        one.known += query.known
        one.zero += query.zero
        one.took_sum += query.took_sum
    return [
        {
            "kind": "query",
            "at": at,
            "index": index,
            "query": key,
            "searches": one.searches,
            "known": one.known,
            "zero": one.zero,
            "took_sum": round(one.took_sum, 3),
        }
        for (index, key), one in folded.items()
    ]
