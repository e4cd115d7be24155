"""Suggestions for what somebody is typing: past queries, brands, categories, products."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cachetools import TTLCache
from elasticsearch import Elasticsearch

from mappings.errors import ShelfwiseError
from service.live_indexes import LiveIndexes
from service.suggestions.folding import fold
from service.suggestions.products import find_products
from service.suggestions.vocabularies import Vocabularies
from service.suggestions.vocabulary import Term
from service.suggestions.vocabulary_reader import read_vocabulary

MAX_TYPED = 200
"""Characters that are looked at."""

MAX_LIMIT = 20
DEFAULT_LIMIT = 5

LEAST_TYPED = 2
"""Characters before products are looked for: one letter begins a word of nearly every title."""

_CACHED = 4_000
_CACHED_SECONDS = 20.0
_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True)
class Suggestions:
    """What may be meant, the likeliest first. products: as `find_products` gives them."""

    queries: Sequence[Term] = ()
    brands: Sequence[Term] = ()
    categories: Sequence[Term] = ()
    products: Sequence[dict[str, Any]] = ()
    warnings: Sequence[str] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the API."""
        return {
            "queries": [term.text for term in self.queries],
            "brands": [{"value": term.text, "count": term.count} for term in self.brands],
            "categories": [{"value": term.text, "count": term.count} for term in self.categories],
            "products": list(self.products),
            "warnings": list(self.warnings),
        }


Kept = Callable[[str], Sequence[dict[str, Any]]]
"""By the name of an index, the filters that products fulfil which rules leave; never raises."""


class Suggester:
    """Suggests; one per process, thread-safe. clock: monotonic seconds."""

    def __init__(
        self,
        client: Elasticsearch,
        indexes: LiveIndexes,
        *,
        vocabularies: Vocabularies | None = None,
        kept: Kept = lambda index: (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client.options(request_timeout=_TIMEOUT_SECONDS)
        self._indexes = indexes
        self._vocabularies = vocabularies or Vocabularies(
            lambda live: read_vocabulary(client, live)
        )
        self._kept = kept
        self._lock = threading.Lock()
        self._cache: TTLCache[tuple[str, str, int, str], Suggestions] = TTLCache(
            _CACHED, _CACHED_SECONDS, timer=clock
        )

    def suggest(self, index: str, typed: str, limit: int = DEFAULT_LIMIT) -> Suggestions:
        """Return up to `limit` suggestions of each kind; nothing typed gives what is frequent.

        A part that cannot be had is empty, and a warning says so. Raises UnknownIndex, and
        what finding the index raises.
        """
        live = self._indexes.get(index)
        wanted = fold(typed[:MAX_TYPED])
        kept = self._kept(live.name)
        key = (live.index, wanted, limit, str(kept) if kept else "")
        with self._lock:
            known = self._cache.get(key)
        if known is not None:
            return known
        words = self._vocabularies.get(live)
        warnings = list(words.problems)
        products: list[dict[str, Any]] = []
        if len(wanted) >= LEAST_TYPED:
            try:
                products = find_products(self._client, live.index, wanted, limit, kept)
            except ShelfwiseError as error:
                warnings.append(f"products: {error.message}")
        found = Suggestions(
            queries=words.queries.starting(wanted, limit),
            brands=words.brands.starting(wanted, limit),
            categories=words.categories.starting(wanted, limit),
            products=products,
            warnings=warnings,
        )
        if not warnings:
            with self._lock:
                self._cache[key] = found
        return found
