"""Whether a body is made hybrid, and what of it every leg must obey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.compat.options import ShelfwiseOptions
from service.compat.targets import Target
from service.compat.words import Clause, read_query
from service.search_request import MAX_WINDOW

OF_THE_FIRST_PASS = frozenset(
    {
        "aggregations",
        "aggs",
        "ext",
        "post_filter",
        "query",
        "runtime_mappings",
        "stats",
        "suggest",
        "terminate_after",
        "timeout",
        "track_scores",
        "track_total_hits",
    }
)
"""Parts of a body that say what is found and counted."""

OF_THE_FETCH = frozenset(
    {
        "_source",
        "docvalue_fields",
        "fields",
        "highlight",
        "runtime_mappings",
        "script_fields",
        "seq_no_primary_term",
        "stored_fields",
        "version",
    }
)
"""Parts that say what is told of each hit."""

NEEDS_ONE_REQUEST = frozenset(
    {
        "collapse",
        "explain",
        "indices_boost",
        "min_score",
        "profile",
        "rescore",
        "search_after",
    }
)
"""Parts that speak of one request's scores or order: the body stays one request."""

_PLACED = frozenset({"from", "size", "sort"})
KNOWN = OF_THE_FIRST_PASS | OF_THE_FETCH | NEEDS_ONE_REQUEST | _PLACED

_BY_SCORE: tuple[object, ...] = (
    "_score",
    {"_score": "desc"},
    {"_score": {"order": "desc"}},
    {"_score": {}},
)


@dataclass(frozen=True)
class Passed:
    """The body goes to Elasticsearch as it is. reason: in the answer's header."""

    reason: str


@dataclass(frozen=True)
class Hybrid:
    """The body is made hybrid.

    words: of its query, empty for a photo alone. query: the shop's own, None for a photo alone.
    filters: clauses that every leg is under, with the post_filter. one_request: why the legs
    are added up by Elasticsearch itself, empty where their exact scores are fused.
    """

    words: str
    query: Clause | None
    filters: tuple[Clause, ...]
    one_request: str = ""


def decide(
    body: Mapping[str, Any], options: ShelfwiseOptions, target: Target | None
) -> Hybrid | Passed:
    """Return what is done with a decoded body, in which URL parameters are already merged."""
    if target is None:
        return Passed("no index of ours, and none that is attached")
    if not options.hybrid:
        return Passed("ext.shelfwise.hybrid")
    if target.unready:
        return Passed(target.unready)
    beyond = sorted(body.keys() - KNOWN)
    if beyond:
        return Passed(beyond[0])
    in_order = _sorted_by(body.get("sort"))
    if in_order == "field":
        return Passed("sorted by a field")
    return _of_query(body, options, target, more_than_score=in_order == "score and more")


def _of_query(
    body: Mapping[str, Any], options: ShelfwiseOptions, target: Target, *, more_than_score: bool
) -> Hybrid | Passed:
    query = body.get("query")
    reading = read_query(query if isinstance(query, dict) else {}, target.is_text)
    if reading.opaque:
        return Passed(reading.opaque)
    if not reading.words and options.image is None:
        return Passed("no words")
    filters = reading.constraints  # of a query without words, the whole of it
    post_filter = body.get("post_filter")
    if isinstance(post_filter, dict):
        filters = (*filters, post_filter)
    return Hybrid(
        words=reading.words,
        query=query if reading.words and isinstance(query, dict) else None,
        filters=filters,
        one_request=_one_request(body, options, more_than_score=more_than_score),
    )


def _one_request(
    body: Mapping[str, Any], options: ShelfwiseOptions, *, more_than_score: bool
) -> str:
    """Return what asks for one request, empty for nothing."""
    if options.mode == "fast":
        return "ext.shelfwise.mode"
    for name in sorted(NEEDS_ONE_REQUEST & body.keys()):
        if body[name] not in (None, False):
            return name
    if more_than_score:
        return "sort"
    size = body.get("size")
    if isinstance(size, int) and not 0 < size <= MAX_WINDOW:
        return "size"
    if body.get("stored_fields") in ("_none_", ["_none_"]):
        return "stored_fields"
    return ""


def _sorted_by(sort: object) -> str:
    """Return `score`, `score and more` or `field`."""
    clauses = sort if isinstance(sort, list) else [] if sort is None else [sort]
    if not clauses:
        return "score"
    if clauses[0] not in _BY_SCORE:
        return "field"
    return "score" if len(clauses) == 1 else "score and more"
