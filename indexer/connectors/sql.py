"""The `sql` connector: rows of a query, polled by the time at which they were changed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field, model_validator

from indexer.connectors.base import (
    ComparedOptions,
    Cursor,
    Page,
    RecordReader,
    SourceContext,
    says_deleted,
)
from indexer.connectors.product_ids import ProductIds
from indexer.connectors.sql_database import Database
from indexer.connectors.sql_paging import Paging
from indexer.connectors.sql_values import Value, decode, encode, plain, seconds_of
from indexer.connectors.trail import Place, Trail
from mappings.errors import MissingSetting, ProductRejected
from mappings.feeds.field_map import product_id_of
from mappings.feeds.references import SecretReference
from mappings.feeds.sources_file import Seconds
from mappings.product_changes import ProductChange


class SqlOptions(ComparedOptions):
    """url: reference to an address of SQLAlchemy's, e.g. postgresql+psycopg://user:pw@host/shop.

    query: a SELECT without paging, or one that pages itself by `:since`, `:after_id`, `:limit`.
    id, updated_at: its columns. first_since, first_id: what comes before every row, for a query
    that pages itself.
    overlap: how far each pass goes back, for transactions that ended later than others.
    deleted: a column that says that the product is gone. deletes_query: a SELECT of the ids and
    times of what was deleted, in the same columns, paged alike. compare_ids_every: how often to
    look which products are gone; ids_query: a SELECT of all of their ids.
    """

    url: SecretReference
    query: str = Field(min_length=1)
    id: str = "id"
    updated_at: str = "updated_at"
    first_since: int | str = "1970-01-01 00:00:00"
    first_id: int | str = 0
    overlap: Seconds = 60.0
    deleted: str | None = None
    deletes_query: str | None = None
    ids_query: str | None = None
    statement_timeout: Seconds = 60.0

    @model_validator(mode="after")
    def _check(self) -> SqlOptions:
        if self.ids_query is not None and self.compare_ids_every is None:
            raise ValueError("ids_query: is of no use without compare_ids_every")
        return self

    @property
    def identity(self) -> str:
        """Return what the cursor hangs on."""
        return f"{super().identity} {self.query} {self.id} {self.updated_at} {self.deletes_query}"


class SqlConnector:
    """Reads rows in the order of (updated_at, id), a page of them in each short transaction.

    The cursor has the trail of the rows, and that of the deletes.
    """

    def __init__(self, options: SqlOptions, context: SourceContext) -> None:
        self._options = options
        self._mapping = context.mapping
        self._reader = RecordReader(context.mapping, versions=options.versions)
        self._database = Database(options.url, statement_seconds=options.statement_timeout)
        self._rows = self._paging(options.query)
        self._deletes = self._paging(options.deletes_query) if options.deletes_query else None

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield the rows that have changed since the cursor, then the deletes."""
        now = dict(cursor or {})
        # A product that was deleted and comes anew has a greater time, whatever is read first.
        for rows in self._pages(self._rows, now, "rows"):
            changes = [change for row in rows if (change := self._change(row)) is not None]
            yield Page(changes, dict(now), self._reader.take_unread())
        if self._deletes is not None:
            for rows in self._pages(self._deletes, now, "deletes"):
                found = (self._delete(row) for row in rows)
                changes = [change for change in found if change is not None]
                yield Page(changes, dict(now), self._reader.take_unread())
        if self._options.is_time_to_compare(now):
            ids = self._all_ids()
            now["compared_at"] = time.time()
            yield Page((), dict(now), self._reader.take_unread(), ids)

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def _paging(self, query: str) -> Paging:
        options = self._options
        first = (options.first_since, options.first_id)
        return Paging(query, options.id, options.updated_at, first)

    def _pages(
        self, paging: Paging, now: dict[str, Any], key: str
    ) -> Iterator[list[Mapping[str, Any]]]:
        """Yield pages of rows behind the cursor's `key`, the last one empty, and move it along."""
        limit = self._options.page_size
        trail = Trail(now.get(key), overlap=self._options.overlap, order=_decoded)
        since, after = _decoded(trail.start or (None, None))
        is_more = True
        while is_more:
            rows = self._database.read(*paging.page(since, after, limit))
            if rows:
                since, after = self._place(rows[-1])
                trail.reached([encode(since), encode(after)])
                now[key] = trail.to_json()
                yield rows
            is_more = len(rows) == limit
        trail.ended()
        now[key] = trail.to_json()
        yield []

    def _place(self, row: Mapping[str, Any]) -> tuple[Value, Value]:
        options = self._options
        for column in (options.updated_at, options.id):
            if row.get(column) is None:
                raise MissingSetting(
                    f"query: the column {column!r} is missing or NULL in a row; it is what the "
                    "rows are read by (COALESCE gives it a value)"
                )
        return row[options.updated_at], row[options.id]

    def _change(self, row: Mapping[str, Any]) -> ProductChange | None:
        deleted = self._options.deleted
        if deleted is not None:
            if deleted not in row:
                raise MissingSetting(f"deleted: the query has no column {deleted!r}")
            if says_deleted(row[deleted]):
                return self._delete(row)
        return self._reader.upsert(
            {name: plain(value) for name, value in row.items()},
            f"row {row[self._options.id]}",
            updated_at=seconds_of(row[self._options.updated_at]),
        )

    def _delete(self, row: Mapping[str, Any]) -> ProductChange | None:
        return self._reader.delete(
            {name: plain(value) for name, value in row.items()},
            f"deleted row {row[self._options.id]}",
            updated_at=seconds_of(row[self._options.updated_at]),
        )

    def _all_ids(self) -> ProductIds | None:
        """Return the ids of all products, None when one cannot be told."""
        ids, deleted = ProductIds(), self._options.deleted
        for row in self._database.stream(self._options.ids_query or self._rows.everything()):
            if deleted is not None and says_deleted(row.get(deleted)):
                continue
            record = {name: plain(value) for name, value in row.items()}
            try:
                ids.add([product_id_of(self._mapping, record)])
            except ProductRejected as error:
                self._reader.reject(
                    "ids_query", f"{error.message}; so no ids were compared", at="id"
                )
                return None
        return ids


def _decoded(place: Place) -> tuple[Value, ...]:
    return tuple(decode(value) for value in place)


options = SqlOptions
make = SqlConnector
