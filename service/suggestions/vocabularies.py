"""Vocabularies of the indexes that are searched, read anew in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from mappings.index_lifecycle import LiveIndex
from service.suggestions.vocabulary import Vocabulary

TTL_SECONDS = 120.0
RETRY_SECONDS = 15.0
"""After a part could not be read."""

MAX_INDEXES = 16

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Kept:
    vocabulary: Vocabulary
    due: float


class Vocabularies:
    """Answers with the vocabulary that is there, and has an older one read anew meanwhile.

    read: never raises a ShelfwiseError. The first one of an index is waited for: two counts.
    clock: monotonic seconds.
    """

    def __init__(
        self,
        read: Callable[[LiveIndex], Vocabulary],
        *,
        ttl_seconds: float = TTL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._first = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._reading: set[str] = set()

    def get(self, live: LiveIndex) -> Vocabulary:
        """Return the vocabulary of an index, at once unless it is the first of its name."""
        now = self._clock()
        with self._lock:
            kept = self._kept.get(live.name)
            if kept is not None:
                is_old = kept.due <= now or kept.vocabulary.index != live.index
                if is_old and live.name not in self._reading:
                    self._reading.add(live.name)
                    threading.Thread(
                        target=self._renew, args=(live,), name="vocabulary", daemon=True
                    ).start()
                return kept.vocabulary
        with self._first:  # of several callers one reads
            with self._lock:
                kept = self._kept.get(live.name)
            return kept.vocabulary if kept else self._take(live)

    def _renew(self, live: LiveIndex) -> None:
        try:
            self._take(live)
        # Nobody waits for this thread; the older vocabulary goes on serving.
        except Exception as error:
            log.warning("vocabulary_not_read", index=live.name, reason=str(error))
        finally:
            with self._lock:
                self._reading.discard(live.name)

    def _take(self, live: LiveIndex) -> Vocabulary:
        read = self._read(live)
        lasts = RETRY_SECONDS if read.problems else self._ttl_seconds
        with self._lock:
            known = self._kept.pop(live.name, None)
            # What could be read before is better than nothing.
            kept = known.vocabulary if known and read.problems else read
            self._kept[live.name] = _Kept(kept, self._clock() + lasts)
            while len(self._kept) > MAX_INDEXES:
                del self._kept[next(iter(self._kept))]
        return kept
