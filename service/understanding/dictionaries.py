"""The dictionaries of the indexes that are searched, learned anew in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import structlog
from elasticsearch import Elasticsearch

from mappings.index_lifecycle import LiveIndex
from service.understanding.dictionary import Dictionary
from service.understanding.learning import learn
from service.understanding.sample import draw_sample

TTL_SECONDS = 900.0
RETRY_SECONDS = 60.0
MAX_INDEXES = 16
"""Dictionaries in memory; the one that was learned longest ago goes first."""

_PAUSE_SECONDS = 0.001
"""After each product: learning is work of Python alone, and searches want their turn."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Learned:
    """dictionary: None until one was learned. index: versioned. due: when to learn anew."""

    dictionary: Dictionary | None
    index: str
    due: float


class Dictionaries:
    """Answers at once with the dictionary that is there and learns newer ones by and by.

    ttl_seconds: age at which one is learned anew. clock: monotonic seconds.
    """

    def __init__(
        self,
        client: Elasticsearch,
        *,
        ttl_seconds: float = TTL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._learned: dict[str, _Learned] = {}
        self._queued: set[str] = set()
        self._queue: SimpleQueue[LiveIndex | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def get(self, live: LiveIndex) -> Dictionary | None:
        """Return the dictionary of an index, None until the first one is learned; never waits.

        One that is too old, or of the index's version before, serves until the next is there.
        """
        now = self._clock()
        with self._lock:
            known = self._learned.get(live.name)
            if known is None or known.due <= now or known.index != live.index:
                self._request(live)
            return known.dictionary if known else None

    def build_now(self, live: LiveIndex) -> Dictionary:
        """Learn the dictionary of an index and return it.

        Raises UnknownIndex when there is no such index, a TemporaryError when the cluster
        cannot answer.
        """
        return self._build(live, paced=False)

    def close(self) -> None:
        """End the background thread; one that is learning stops at the next product."""
        self._closed.set()
        self._queue.put(None)
        if self._thread:
            self._thread.join()

    def _request(self, live: LiveIndex) -> None:
        """Queue an index unless it is queued; the lock is held."""
        if live.name in self._queued or self._closed.is_set():
            return
        self._queued.add(live.name)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="dictionaries", daemon=True)
            self._thread.start()
        self._queue.put(live)

    def _work(self) -> None:
        while (live := self._queue.get()) is not None and not self._closed.is_set():
            try:
                self._build(live, paced=True)
            except _Closed:
                return
            # Whatever went wrong must end neither the thread nor a search: the searches go on
            # with the older dictionary, or without.
            except Exception as error:
                log.exception("dictionary_not_learned", index=live.index, reason=str(error))
                self._try_later(live)
            finally:
                with self._lock:
                    self._queued.discard(live.name)

    def _build(self, live: LiveIndex, *, paced: bool) -> Dictionary:
        started = time.perf_counter()
        sample = draw_sample(self._client, live.index)
        products = self._paced(sample.products) if paced else sample.products
        dictionary = learn(products, complete=sample.complete)
        size_bytes = dictionary.size_bytes  # also makes the words ready for correction
        self._keep(live.name, _Learned(dictionary, live.index, self._clock() + self._ttl_seconds))
        log.info(
            "dictionary_learned",
            index=live.index,
            products=dictionary.products,
            phrases=len(dictionary.phrases),
            size_bytes=size_bytes,
            seconds=round(time.perf_counter() - started, 2),
        )
        return dictionary

    def _paced(self, products: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        for product in products:
            yield product
            if self._closed.wait(_PAUSE_SECONDS):
                raise _Closed

    def _try_later(self, live: LiveIndex) -> None:
        with self._lock:
            known = self._learned.get(live.name)
        due = self._clock() + RETRY_SECONDS
        # Of the version that failed, so that its change alone does not ask for it at once.
        self._keep(live.name, _Learned(known.dictionary if known else None, live.index, due))

    def _keep(self, name: str, learned: _Learned) -> None:
        with self._lock:
            self._learned.pop(name, None)
            self._learned[name] = learned
            while len(self._learned) > MAX_INDEXES:
                del self._learned[next(iter(self._learned))]


class _Closed(Exception):
    """The dictionaries were closed while one was learned."""
