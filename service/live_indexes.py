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
    """Finds indexes, and knows whether each fits an encoder of queries.

    require: returns an index that fits, and raises EncoderMismatch for any other.
    degrades: whether `get` gives out others too, which are searched without what does not fit.
    served: names of the only indexes that are served; empty when all are.
    find: finds the version that is asked, by default the live one.
    """

    def __init__(
        self,
        client: Elasticsearch,
        require: Callable[[LiveIndex], LiveIndex],
        *,
        served: Sequence[str] = (),
        degrades: bool = False,
        ttl_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        find: Callable[[Elasticsearch, str], LiveIndex] = find_index,
    ) -> None:
        self._client = client
        self._require = require
        self._degrades = degrades
        self._find = find
        self.served = frozenset(served)
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[str, tuple[float, LiveIndex]] = {}

    def get(self, name: str) -> LiveIndex:
        """Return the index behind an alias.

        Raises UnknownIndex when there is none or it is not served, and EncoderMismatch when
        another encoder filled it and that is not put up with.
        """
        check_index_name(name)
        now = self._clock()
        with self._lock:
            if (entry := self._found.get(name)) and entry[0] > now:
                return entry[1]
        self.require_served(name)
        live = self._find(self._client, name)
        if not self._degrades:
            self._require(live)
        with self._lock:
            self._found[name] = (now + self._ttl_seconds, live)
        return live

    def serves(self, name: str) -> bool:
        """Return whether an index of that name would be served."""
        return not self.served or name in self.served

    def require_served(self, name: str) -> None:
        """Raise UnknownIndex for an index that is not served, whether or not it is there."""
        if not self.serves(name):
            raise UnknownIndex(f"no index named {name!r}", field="index")

    def list_served(self) -> list[LiveIndex]:
        """Return every index that is served, whether or not it fits an encoder."""
        return [live for live in list_indexes(self._client) if self.serves(live.name)]

    def check_all(self) -> list[LiveIndex]:
        """Return every index that is served.

        Raises EncoderMismatch for the first that another encoder filled.
        """
        return [
            self._require(live) for live in list_indexes(self._client) if self.serves(live.name)
        ]
