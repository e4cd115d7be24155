"""Which attribute of an index holds the colour: shops call it by many names."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from cachetools import TTLCache

from service.search_request import SearchRequest
from service.searcher import Searcher

_NAMES = ("colour", "color", "Colour", "Color", "base_colour", "baseColour", "farbe", "Farbe")
_TTL_SECONDS = 600.0
_MAX_INDEXES = 64


class ColourFields:
    """Knows the filter of each index that stands for colour; thread-safe."""

    def __init__(self, searcher: Searcher, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._searcher = searcher
        self._lock = threading.Lock()
        self._known: TTLCache[str, str | None] = TTLCache(_MAX_INDEXES, _TTL_SECONDS, timer=clock)

    def get(self, index: str) -> str | None:
        """Return e.g. `attributes.colour`, the one that most products have; None without any.

        Raises what a search raises.
        """
        with self._lock:
            if index in self._known:
                return self._known[index]
        fields = {f"attributes.{name}": 1 for name in _NAMES}
        answer = self._searcher.search(index, SearchRequest.parse({"limit": 0, "facets": fields}))
        counts = {name: answer.facets.get(name) for name in fields}
        found = {name: values[0].count for name, values in counts.items() if values}
        best = max(found, key=lambda name: found[name], default=None)
        with self._lock:
            self._known[index] = best
        return best
