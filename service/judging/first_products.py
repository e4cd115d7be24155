"""What each ranking shows first for a query, kept for some minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from cachetools import TTLCache

from service.judging.stakes import CUTOFF
from service.search_request import SearchRequest
from service.searcher import Searcher

KEPT_SECONDS = 600
_MOST_KEPT = 20_000
"""Lists of ten ids, about 20 MB in each process."""


class FirstProducts:
    """Searches once for what is asked again with the next pairs to judge."""

    def __init__(self, searcher: Searcher, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._searcher = searcher
        self._lock = threading.Lock()
        self._kept: TTLCache[tuple[str, str, bytes], tuple[str, ...]]
        self._kept = TTLCache(_MOST_KEPT, KEPT_SECONDS, timer=clock)

    def get(self, index: str, query: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the ids of the first products, ten at most.

        Raises InvalidQuery for a query that cannot be searched for, UnknownWeights, and a
        TemporaryError.
        """
        key = (index, query, orjson.dumps(options, option=orjson.OPT_SORT_KEYS))
        with self._lock:
            if (kept := self._kept.get(key)) is not None:
                return kept
        body = {"q": query, "limit": CUTOFF, "fields": ["title"], **options}
        hits = self._searcher.search(index, SearchRequest.parse(body)).hits
        found = tuple(hit.id for hit in hits)
        with self._lock:
            self._kept[key] = found
        return found
