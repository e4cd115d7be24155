"""Makes single changes searchable soon, also while a load has raised the refresh interval."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from elasticsearch import Elasticsearch

from indexer.refresh_interval import RefreshIntervals
from mappings.cluster import cluster_errors
from mappings.errors import ShelfwiseError, TemporaryError
from mappings.index_lifecycle import find_index

REFRESH_SECONDS = 1.0
"""Shortest time between two refreshes of an index, Elasticsearch's own default interval."""

_log = structlog.get_logger(__name__)


class Freshness:
    """Refreshes indexes that were changed by others than a load; safe for several threads."""

    def __init__(
        self,
        client: Elasticsearch,
        intervals: RefreshIntervals,
        *,
        seconds: float = REFRESH_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._intervals = intervals
        self._seconds = seconds
        self._sleep = sleep
        self._lock = threading.Lock()
        self._changed: set[str] = set()
        self._is_running = False

    def note(self, index: str) -> None:
        """Say that an index was changed; returns at once."""
        with self._lock:
            self._changed.add(index)
            if self._is_running:
                return
            self._is_running = True
        threading.Thread(target=self._refresh_changed, daemon=True).start()

    def _refresh_changed(self) -> None:
        while True:
            with self._lock:
                names, self._changed = self._changed, set()
                self._is_running = bool(names)
            if not names:
                return
            for name in sorted(names):
                try:
                    self.refresh_if_raised(name)
                except TemporaryError as error:
                    _log.warning("not_refreshed", index=name, reason=error.message)
                except ShelfwiseError:
                    pass  # dropped meanwhile
            self._sleep(self._seconds)

    def refresh_if_raised(self, name: str) -> bool:
        """Refresh an index whose interval a load has raised; return whether it was one."""
        live = find_index(self._client, name)
        if not self._intervals.is_raised(live.index):
            return False
        with cluster_errors(index=name):
            self._client.indices.refresh(index=live.index)
        return True
