"""The record of searches in Elasticsearch, as `shelfwise-searches-2026.11.22`: hidden, one a day.

By the day, so that forgetting is dropping an index, which costs the same however much is in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from mappings.cluster import RETRY_AFTER_SECONDS, cluster_errors
from mappings.errors import ClusterOverloaded
from mappings.index_lifecycle import create_own_index
from mappings.index_names import write_alias
from service.insight.latency_buckets import NAMES

PREFIX = "shelfwise-searches-"
PATTERN = f"{PREFIX}*.*"
HIDDEN = "open,hidden"
"""Wildcards find hidden indexes only when they are told to."""

WRITTEN_AT_ONCE = 1_000
_ATTEMPTS = 2
_NAME = re.compile(re.escape(PREFIX) + r"(\d{4}\.\d{2}\.\d{2})")
_CONFLICT, _NOT_FOUND = 409, 404

_KEYWORD = {"type": "keyword"}
_NUMBER = {"type": "double", "index": False}
_COUNT = {"type": "long", "index": False}
FIELDS: Mapping[str, Mapping[str, Any]] = {
    "kind": _KEYWORD,  # searches, query or queue
    "at": {"type": "date"},
    "index": _KEYWORD,
    "source": _KEYWORD,
    "weights": _KEYWORD,
    "rules": _KEYWORD,
    "query": _KEYWORD,
    "searches": _COUNT,
    "pages": _COUNT,
    "known": _COUNT,
    "zero": {"type": "long"},
    "degraded": _COUNT,
    "dropped": {"properties": {name: _COUNT for name in ("no_encoder", "encoder_failed", "slow")}},
    "took_sum": _NUMBER,
    "took_max": _NUMBER,
    "took": {"properties": dict.fromkeys(NAMES, _COUNT)},
    "lane": _KEYWORD,
    "oldest_seconds": _NUMBER,
    "changes": _COUNT,
    "waiting": _COUNT,
    "dead_letters": _COUNT,
}


def log_index(at_ms: int) -> str:
    """Return the name of the index of a moment, milliseconds since 1970."""
    return f"{PREFIX}{datetime.fromtimestamp(at_ms / 1e3, UTC):%Y.%m.%d}"


def end_of_day(index: str) -> datetime | None:
    """Return the first moment that is too late for an index, None for a name of another kind."""
    match = _NAME.fullmatch(index)
    if match is None:
        return None
    try:
        day = datetime.strptime(match[1], "%Y.%m.%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return day + timedelta(days=1)


class LogStore:
    """Writes and forgets the record; every method raises a TemporaryError without the cluster."""

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client

    def write(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Store documents by their `id`; the same ones may be written again after any error.

        Raises ClusterOverloaded when the cluster took only some of them.
        """
        for start in range(0, len(documents), WRITTEN_AT_ONCE):
            self._write(documents[start : start + WRITTEN_AT_ONCE])

    def _write(self, documents: Sequence[Mapping[str, Any]]) -> None:
        lines: list[dict[str, Any]] = []
        for one in documents:
            fields = {name: value for name, value in one.items() if name != "id"}
            target = write_alias(log_index(one["at"]))
            lines += [{"create": {"_index": target, "_id": one["id"]}}, fields]
        for _ in range(_ATTEMPTS):
            with cluster_errors(index=PATTERN):
                # Only through an alias: a bulk would else make an index with its own mapping.
                answer = self._client.bulk(operations=lines, require_alias=True)
            statuses = [item["create"]["status"] for item in answer["items"]]
            if _NOT_FOUND not in statuses:
                break
            for index in sorted({log_index(one["at"]) for one in documents}):
                alias = {write_alias(index): {"is_hidden": True}}
                create_own_index(self._client, index, FIELDS, aliases=alias)
        refused = sum(status >= 300 and status != _CONFLICT for status in statuses)
        if refused:
            raise ClusterOverloaded(
                f"Elasticsearch refused {refused:,} of {len(documents):,} records of searches",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )

    def names(self) -> list[str]:
        """Return the indexes that are there, oldest first."""
        with cluster_errors(index=PATTERN):
            found = self._client.indices.get(
                index=PATTERN, features=["aliases"], expand_wildcards=HIDDEN
            )
        return sorted(found)

    def purge(self, before: datetime) -> int:
        """Drop the days that are wholly older than a moment; return how many there were."""
        dropped = 0
        for name in self.names():
            end = end_of_day(name)
            if end is None or end > before:
                continue
            with cluster_errors(index=name):
                try:
                    self._client.indices.delete(index=name)
                except NotFoundError:  # another process did
                    continue
            dropped += 1
        return dropped

    def refresh(self) -> None:
        """Make what was written visible at once."""
        with cluster_errors(index=PATTERN):
            self._client.indices.refresh(index=PATTERN, expand_wildcards=HIDDEN)
