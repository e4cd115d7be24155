"""The `elasticsearch` connector: all documents of an index first, then what has changed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError
from pydantic import Field, SecretStr

from indexer.connectors.base import (
    ComparedOptions,
    Cursor,
    Page,
    RecordReader,
    SourceContext,
    says_deleted,
)
from indexer.connectors.product_ids import ProductIds
from indexer.connectors.trail import Trail
from mappings import cluster
from mappings.errors import (
    ConfigurationError,
    MissingSetting,
    PermanentIndexingError,
    ProductRejected,
    SourceUnavailable,
    TemporaryError,
)
from mappings.feeds.field_map import FieldMap, product_id_of
from mappings.feeds.field_rules import columns_of, look_up
from mappings.feeds.references import SecretReference, read_secret
from mappings.feeds.sources_file import Seconds
from mappings.product_changes import ProductChange
from mappings.settings import SharedSettings

_KEEP_ALIVE = "10m"
"""How long a place in a whole read is kept for a process that was stopped."""


class ElasticsearchOptions(ComparedOptions):
    """source_index: index or alias to read. query: which of its documents, as query DSL.

    updated_at: a date field by which changes are found; without one each pass reads everything.
    overlap: how far a pass goes back behind the last one, for what became visible late.
    deleted: a field that says that the product is gone. compare_ids_every: how often to look
    which products are no longer there.
    """

    url: str
    source_index: str = Field(min_length=1)
    api_key: SecretReference | None = None
    username: str | None = None
    password: SecretReference | None = None
    ca_certs: str | None = None
    query: dict[str, Any] = Field(default_factory=lambda: {"match_all": {}})
    updated_at: str | None = None
    overlap: Seconds = 60.0
    deleted: str | None = None

    @property
    def identity(self) -> str:
        """Return what the cursor hangs on."""
        return f"{super().identity} {self.source_index} {self.updated_at} {self.query}"


class ElasticsearchConnector:
    """Reads an index by a point in time; from the second pass on what `updated_at` names.

    The cursor of a whole read has the point in time and the place in it, that of changes the
    trail of their times, in milliseconds since 1970.
    """

    def __init__(self, options: ElasticsearchOptions, context: SourceContext) -> None:
        self._options = options
        self._mapping = context.mapping
        self._reader = RecordReader(context.mapping, versions=options.versions)
        self._client = connect(options)

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield the documents that have changed since the cursor, or all."""
        now = dict(cursor or {})
        field = self._options.updated_at
        if field is None:
            yield from self._everything(now)
        elif "times" not in now or "point" in now:
            if "times" not in now:
                # Noted before anything is read: what changes meanwhile comes after it.
                trail = Trail(None, overlap=self._options.overlap)
                trail.reached([self._newest(field)])
                trail.ended()
                now["times"] = trail.to_json()
            yield from self._everything(now)
        else:
            yield from self._since(field, now)
        if self._options.is_time_to_compare(now):
            ids = self._all_ids()
            now["compared_at"] = time.time()
            yield Page((), dict(now), self._reader.take_unread(), ids)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _everything(self, now: dict[str, Any]) -> Iterator[Page]:
        """Yield every document. now: the cursor, which goes on to the end of the read."""
        point, after = now.pop("point", None), now.pop("after", None)
        if point is not None and not self._is_open(point, after):
            point, after = None, None
        for held, hits in self._scan(self._options.query, point=point, after=after):
            at = {"point": held, "after": hits[-1]["sort"]}
            yield self._page(hits, {**now, **at})
        yield Page((), dict(now))

    def _since(self, field: str, now: dict[str, Any]) -> Iterator[Page]:
        trail = Trail(now["times"], overlap=self._options.overlap)
        (since,) = trail.start or (0,)
        is_recent = {"range": {field: {"gt": since, "format": "epoch_millis"}}}
        query = {"bool": {"filter": [self._options.query, is_recent]}}
        order = [{field: {"order": "asc", "numeric_type": "date"}}]
        for _, hits in self._scan(query, order=order):
            # Not where this page ends, but where its last time begins: others have it too.
            trail.reached([int(hits[-1]["sort"][0]) - 1])
            now["times"] = trail.to_json()
            yield self._page(hits, dict(now))
            newest = int(hits[-1]["sort"][0])
            trail.reached([newest])
        trail.ended()
        now["times"] = trail.to_json()
        yield Page((), dict(now))

    def _scan(
        self,
        query: Mapping[str, Any],
        *,
        point: str | None = None,
        after: list[Any] | None = None,
        order: list[dict[str, Any]] | None = None,
        source: bool | Mapping[str, Any] = True,
    ) -> Iterator[tuple[str, list[Any]]]:
        """Yield pages of hits, none empty, with the point in time that they are of."""
        if point is None:
            with source_errors(self._options.source_index):
                opened = self._client.open_point_in_time(
                    index=self._options.source_index, keep_alive=_KEEP_ALIVE
                )
            point = str(opened["id"])
        times = self._options.updated_at
        while True:
            with source_errors(self._options.source_index):
                answer = self._client.search(
                    pit={"id": point, "keep_alive": _KEEP_ALIVE},
                    size=self._options.page_size,
                    query=query,
                    sort=order or [{"_shard_doc": "asc"}],
                    search_after=after,
                    source=source,
                    docvalue_fields=[{"field": times, "format": "epoch_millis"}] if times else [],
                    track_total_hits=False,
                )
            point = str(answer["pit_id"])
            hits = answer["hits"]["hits"]
            if not hits:
                cluster.close_point(self._client, point)
                return
            after = hits[-1]["sort"]
            yield point, hits

    def _is_open(self, point: str, after: object) -> bool:
        """Return whether a point in time of an earlier process is still there."""
        with source_errors(self._options.source_index):
            try:
                self._client.search(pit={"id": point, "keep_alive": _KEEP_ALIVE}, size=0)
            except NotFoundError:
                return False
        return True

    def _newest(self, field: str) -> int:
        with source_errors(self._options.source_index):
            found = self._client.search(
                index=self._options.source_index,
                query=self._options.query,
                size=1,
                sort=[{field: {"order": "desc", "numeric_type": "date"}}],
                source=False,
            )
        hits = found["hits"]["hits"]
        first = hits[0]["sort"][0] if hits else 0
        # A missing date sorts last, as the least number there is.
        return max(0, int(first))

    def _page(self, hits: list[Any], cursor: Cursor) -> Page:
        found = (self._change(hit) for hit in hits)
        changes = [change for change in found if change is not None]
        return Page(changes, cursor, self._reader.take_unread())

    def _change(self, hit: Mapping[str, Any]) -> ProductChange | None:
        record = _record(hit)
        place = f"{self._options.source_index}, document {hit['_id']}"
        seconds = None
        if self._options.updated_at is not None:
            values = hit.get("fields", {}).get(self._options.updated_at)
            seconds = float(values[0]) / 1000 if values else None
        if self._options.deleted and says_deleted(look_up(record, self._options.deleted)):
            return self._reader.delete(record, place, updated_at=seconds)
        return self._reader.upsert(record, place, updated_at=seconds)

    def _all_ids(self) -> ProductIds | None:
        """Return the ids of all products, None when one cannot be told."""
        ids, deleted = ProductIds(), self._options.deleted
        for _, hits in self._scan(self._options.query, source=self._id_columns()):
            for hit in hits:
                record = _record(hit)
                if deleted and says_deleted(look_up(record, deleted)):
                    continue
                try:
                    ids.add([product_id_of(self._mapping, record)])
                except ProductRejected as error:
                    self._reader.reject(
                        f"{self._options.source_index}, document {hit['_id']}",
                        f"{error.message}; so no ids were compared",
                    )
                    return None
        return ids

    def _id_columns(self) -> bool | Mapping[str, Any]:
        """Return which part of the documents tells the ids of products."""
        columns = ["id"]
        if isinstance(self._mapping, FieldMap):
            columns = [*columns_of(self._mapping.fields["id"])]
        return {
            "includes": [*columns, *([self._options.deleted] if self._options.deleted else [])]
        }


def connect(options: ElasticsearchOptions) -> Elasticsearch:
    """Return a client of the source's cluster; nothing is sent until its first call.

    Raises MissingSetting when a secret is not there or the address is none.
    """
    values: dict[str, Any] = {"elasticsearch_url": options.url}
    if options.api_key is not None:
        values["elasticsearch_api_key"] = SecretStr(read_secret(options.api_key))
    if options.username is not None:
        values["elasticsearch_username"] = options.username
    if options.password is not None:
        values["elasticsearch_password"] = SecretStr(read_secret(options.password))
    values["elasticsearch_ca_certs"] = options.ca_certs
    try:
        settings = SharedSettings(**values)
    except ValueError as error:
        raise MissingSetting(
            "url: should be an address with its port, such as http://127.0.0.1:9200"
        ) from error
    return cluster.connect(settings, connections_per_node=2)


@contextmanager
def source_errors(index: str) -> Iterator[None]:
    """Turn an error of the source's cluster into one of ours that says that it is the source's."""
    try:
        with cluster.cluster_errors(index=index):
            yield
    except TemporaryError as error:
        raise SourceUnavailable(
            f"the source's index {index!r} cannot be read now: {error.message}",
            retry_after_seconds=error.retry_after_seconds,
        ) from error
    except (ConfigurationError, PermanentIndexingError) as error:
        # A refused key of the source is no fault of our own cluster's settings.
        raise MissingSetting(
            f"the source's index {index!r} cannot be read as configured: {_cause(error)}"
        ) from error


def _cause(error: Exception) -> str:
    cause = error.__cause__
    return f"{type(cause).__name__} {cause}"[:500] if cause is not None else str(error)


def _record(hit: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document as a record: its source, and `_id`."""
    return {"_id": hit["_id"], **hit.get("_source", {})}


options = ElasticsearchOptions
make = ElasticsearchConnector
