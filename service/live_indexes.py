"""What each alias points at, remembered briefly, and checked against our query encoders."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from elasticsearch import Elasticsearch

from mappings.errors import UnknownIndex
from mappings.index_lifecycle import LiveIndex, find_index, list_indexes
from mappings.index_names import check_index_name


class LiveIndexes:
    """Finds indexes; every one that it returns fits an encoder of queries.

    require: returns an index that fits, and raises EncoderMismatch for any other.
    served: names of the only indexes that are served; empty when all are.
    find: finds the version that is asked, by default the live one.
    """

    def __init__(
        self,
        client: Elasticsearch,
        require: Callable[[LiveIndex], LiveIndex],
        *,
        served: Sequence[str] = (),
        ttl_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        find: Callable[[Elasticsearch, str], LiveIndex] = find_index,
    ) -> None:
        self._client = client
        self._require = require
        self._find = find
        self.served = frozenset(served)
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[str, tuple[float, LiveIndex]] = {}

    def get(self, name: str) -> LiveIndex:
        """Return the index behind an alias.

        Raises UnknownIndex when there is none or it is not served, EncoderMismatch when
        another encoder filled it.
        """
        check_index_name(name)
        now = self._clock()
        with self._lock:
            if (entry := self._found.get(name)) and entry[0] > now:
                return entry[1]
        self.require_served(name)
        live = self._require(self._find(self._client, name))
        with self._lock:
            self._found[name] = (now + self._ttl_seconds, live)
        return live

    def require_served(self, name: str) -> None:
        """Raise UnknownIndex for an index that is not served, whether or not it is there."""
        if self.served and name not in self.served:
            raise UnknownIndex(f"no index named {name!r}", field="index")

    def check_all(self) -> list[LiveIndex]:
        """Return every index that is served.

        Raises EncoderMismatch for the first that another encoder filled.
        """
        return [
            self._require(live)
            for live in list_indexes(self._client)
            if not self.served or live.name in self.served
        ]
