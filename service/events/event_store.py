"""Events in Elasticsearch: added once each, read in order, counted, and forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from elasticsearch import Elasticsearch

from mappings.cluster import RETRY_AFTER_SECONDS, close_point, cluster_errors
from mappings.errors import ClusterOverloaded, DocumentRejected
from mappings.index_lifecycle import create_if_absent
from mappings.index_names import write_alias
from service.events.event_index import BODY, PATTERN, end_of_month, event_index
from service.events.stored_event import StoredEvent

_PAGE_EVENTS = 1_000
"""An impression of 200 products with the longest ids is 100 kB."""

_KEEP_ALIVE = "2m"
_ATTEMPTS = 3
_CONFLICT, _NOT_FOUND, _OVERLOADED = 409, 404, (429, 503)


@dataclass(frozen=True)
class Erased:
    """deleted: events that are gone. under_other_keys: events whose client cannot be known."""

    deleted: int
    under_other_keys: int


@dataclass(frozen=True)
class EventStats:
    """What is stored; oldest and newest are None when nothing is, clients are estimated."""

    events: int
    clients: int
    oldest: str | None
    newest: str | None
    actions: dict[str, int]
    months: dict[str, int]
    keys: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self)


class EventStore:
    """The events of all months; every method raises a TemporaryError without the cluster."""

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client

    def add(self, events: Sequence[StoredEvent]) -> int:
        """Store events that are not there yet; return how many that were.

        One that is there stays as it is, so the same call may be made again after any error.
        Raises ClusterOverloaded when the cluster took only some of them.
        """
        for _ in range(_ATTEMPTS):
            items = self._create(events)
            statuses = [item["status"] for item in items]
            if _NOT_FOUND not in statuses:
                break
            # A month's first event, or its first after a purge.
            for index in sorted({event_index(event.at) for event in events}):
                self._create_index(index)
        failed = [item for item in items if item["status"] >= 300 and not _is_there(item)]
        if any(item["status"] in (*_OVERLOADED, _NOT_FOUND) for item in failed):
            raise ClusterOverloaded(
                f"Elasticsearch took {len(items) - len(failed):,} of {len(items):,} events; "
                "send them all again",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        if failed:
            reason = failed[0].get("error", {}).get("reason", failed[0]["status"])
            raise DocumentRejected(f"Elasticsearch refuses an event: {reason}")
        return sum(status < 300 for status in statuses)

    def read(
        self,
        *,
        index: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[StoredEvent]:
        """Yield events by time, as they were when reading began; `until` is left out itself.

        index: of these products alone.
        """
        names = self._names()
        if not names:
            return
        span = {"gte": since and since.isoformat(), "lt": until and until.isoformat()}
        filters: list[dict[str, Any]] = [
            {"range": {"timestamp": {bound: at for bound, at in span.items() if at}}}
        ]
        if index is not None:
            filters.append({"term": {"index": index}})
        for hits in self._pages(names, {"bool": {"filter": filters}}, with_source=True):
            for hit in hits:
                yield StoredEvent.from_document(hit["_id"], hit["_source"])

    def erase(self, client: str, *, key_id: str) -> Erased:
        """Delete every event of a client, given by its hash under the key of that id."""
        deleted = self._delete({"term": {"client_id": client}}, self._names())
        with cluster_errors(index=PATTERN):
            others = self._client.count(
                index=PATTERN, query={"bool": {"must_not": {"term": {"key_id": key_id}}}}
            )
        return Erased(deleted, int(others["count"]))

    def purge(self, before: datetime) -> int:
        """Delete every event that is older than a moment; return how many there were."""
        names, count = self._names(), 0
        for name in names:
            end = end_of_month(name)
            if end is not None and end <= before:
                with cluster_errors(index=name):
                    self._client.indices.refresh(index=name)
                    count += int(self._client.count(index=name)["count"])
                    self._client.indices.delete(index=name)
        older = {"range": {"timestamp": {"lt": before.isoformat()}}}
        return count + self._delete(older, self._names())

    def stats(self) -> EventStats:
        """Return what is stored, counted now."""
        names = self._names()
        if not names:
            return EventStats(0, 0, None, None, {}, {}, {})
        with cluster_errors(index=PATTERN):
            self._client.indices.refresh(index=names)
            answer = self._client.search(
                index=names,
                size=0,
                track_total_hits=True,
                aggregations={
                    "actions": {"terms": {"field": "action_name", "size": 10}},
                    "months": {"terms": {"field": "_index", "size": 1_000}},
                    "keys": {"terms": {"field": "key_id", "size": 100}},
                    "clients": {"cardinality": {"field": "client_id"}},
                    "oldest": {"min": {"field": "timestamp"}},
                    "newest": {"max": {"field": "timestamp"}},
                },
            )
        found = answer["aggregations"]

        def counts(name: str) -> dict[str, int]:
            return {one["key"]: one["doc_count"] for one in found[name]["buckets"]}

        return EventStats(
            events=answer["hits"]["total"]["value"],
            clients=found["clients"]["value"],
            oldest=found["oldest"].get("value_as_string"),
            newest=found["newest"].get("value_as_string"),
            actions=counts("actions"),
            months=dict(sorted(counts("months").items())),
            keys=counts("keys"),
        )

    def _create(self, events: Sequence[StoredEvent]) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        for event in events:
            target = write_alias(event_index(event.at))
            lines += [{"create": {"_index": target, "_id": event.id}}, event.to_document()]
        with cluster_errors(index=PATTERN):
            # Only through an alias: a bulk would else make an index with a mapping of its own.
            answer = self._client.bulk(operations=lines, require_alias=True)
        return [item["create"] for item in answer["items"]]

    def _create_index(self, index: str) -> None:
        create_if_absent(self._client, index, {**BODY, "aliases": {write_alias(index): {}}})

    def _names(self) -> list[str]:
        with cluster_errors(index=PATTERN):
            return sorted(self._client.indices.get(index=PATTERN, features=["aliases"]))

    def _delete(self, query: dict[str, Any], names: Sequence[str]) -> int:
        """Delete what is found, page by page; raises ClusterOverloaded when some is left."""
        deleted, left = 0, 0
        for hits in self._pages(names, query, with_source=False) if names else ():
            lines = [{"delete": {"_index": hit["_index"], "_id": hit["_id"]}} for hit in hits]
            with cluster_errors(index=PATTERN):
                answer = self._client.bulk(operations=lines)
            statuses = [item["delete"]["status"] for item in answer["items"]]
            deleted += sum(status < 300 for status in statuses)
            left += sum(status >= 300 and status != _NOT_FOUND for status in statuses)
        if left:
            raise ClusterOverloaded(
                f"{deleted:,} events were deleted and {left:,} were not; run it again",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        return deleted

    def _pages(
        self, names: Sequence[str], query: dict[str, Any], *, with_source: bool
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield hits by time, all that there were at the beginning."""
        with cluster_errors(index=PATTERN):
            self._client.indices.refresh(index=names)
            pit = self._client.open_point_in_time(index=names, keep_alive=_KEEP_ALIVE)["id"]
        after = None
        try:
            while True:
                with cluster_errors(index=PATTERN):
                    page = self._client.search(
                        pit={"id": pit, "keep_alive": _KEEP_ALIVE},
                        query=query,
                        sort=[{"timestamp": "asc"}, {"_shard_doc": "asc"}],
                        search_after=after,
                        size=_PAGE_EVENTS,
                        source=with_source,
                        track_total_hits=False,
                    )
                pit, hits = page["pit_id"], page["hits"]["hits"]
                if hits:
                    yield hits
                if len(hits) < _PAGE_EVENTS:
                    return
                after = hits[-1]["sort"]
        finally:
            close_point(self._client, pit)


def _is_there(item: dict[str, Any]) -> bool:
    return bool(item["status"] == _CONFLICT)
