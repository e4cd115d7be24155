"""Ranked windows that a reader is paging through, remembered briefly.

Elasticsearch searches the segments of a shard at the same time, and what one finds narrows what
the others look at; so the neighbours of two equal searches can differ at the edge. A page that
was cut from another search than the page before it could repeat or drop a product.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cachetools import TTLCache

from service.interleaving import Interleaved
from service.page import Ranked
from service.retrieval.candidates import Candidates

TTL_SECONDS = 30.0
"""Long enough to turn a page, short enough that nobody pages through what is long sold."""

MAX_WINDOWS = 1_000
"""About 25 kB each."""


@dataclass(frozen=True)
class RankedWindow:
    """The best candidates of a search, ranked. aggregations: what its facets were asked for."""

    candidates: Candidates
    ranked: Ranked | Interleaved
    aggregations: Mapping[str, Any]


class RankedWindows:
    """The last ranked window of each search, by index and fingerprint."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._windows: TTLCache[tuple[str, str], RankedWindow] = TTLCache(
            MAX_WINDOWS, TTL_SECONDS, timer=clock
        )

    def get(self, index: str, text: str, aggregations: Mapping[str, Any]) -> RankedWindow | None:
        """Return the window of a search, None when it is gone or counted other facets.

        index: the versioned index. text: the search's fingerprint.
        """
        with self._lock:
            window: RankedWindow | None = self._windows.get((index, text))
        return window if window and window.aggregations == aggregations else None

    def put(self, index: str, text: str, window: RankedWindow) -> None:
        """Remember a window in place of an older one of the same search."""
        with self._lock:
            self._windows[index, text] = window
