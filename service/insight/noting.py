"""What is recorded of a search, made from its request and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.insight.search_log import LoggedSearch, Source
from service.search_request import SearchRequest
from service.search_results import SearchAnswer


def logged(
    index: str, source: Source, request: SearchRequest, answer: SearchAnswer
) -> LoggedSearch:
    """Return what is recorded of a search of our own."""
    words = ", ".join(text for text, weight in request.terms.items() if weight > 0)
    is_first_page = not request.offset and request.cursor is None
    return logged_words(index, source, words, answer, is_first_page=is_first_page)


def logged_words(
    index: str, source: Source, words: str, answer: SearchAnswer, *, is_first_page: bool
) -> LoggedSearch:
    """Return what is recorded of a search for words. words: as typed."""
    return LoggedSearch(
        index=index,
        source=source,
        words=words,
        total=answer.total.value,
        took_ms=answer.took.get("total", 0.0),
        dropped=tuple(one.reason for one in answer.watch.dropped),
        weights=answer.weights_version,
        rules=str((answer.rules or {}).get("version") or ""),
        is_first_page=is_first_page,
    )


def logged_elsewhere(
    index: str, words: str, answer: Mapping[str, Any], *, took_ms: float, start: object
) -> LoggedSearch:
    """Return what is recorded of a hybrid search with Elasticsearch's body.

    answer: Elasticsearch's envelope. start: the body's `from`.
    """
    total = answer.get("hits", {}).get("total")  # absent with track_total_hits: false
    value = total.get("value") if isinstance(total, Mapping) else total
    return LoggedSearch(
        index=index,
        source="elasticsearch",
        words=words,
        total=value if isinstance(value, int) and value >= 0 else None,
        took_ms=took_ms,
        is_first_page=not start,
    )


def logged_passed(index: str, *, took_ms: float) -> LoggedSearch:
    """Return what is recorded of a body that was passed on as it came: its time alone."""
    return LoggedSearch(index=index, source="passed", words="", total=None, took_ms=took_ms)
