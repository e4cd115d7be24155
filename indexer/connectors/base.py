"""What a connector is: pages of changes, each with the place to go on behind it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from indexer.connectors.product_ids import ProductIds
from mappings.errors import ProductRejected
from mappings.feeds.field_map import IDENTITY, RecordMap, product_id_of
from mappings.feeds.sources_file import IndexName, Seconds
from mappings.feeds.versions import with_version
from mappings.product_changes import ProductChange

Cursor = Mapping[str, Any]
"""A connector's own note, as JSON, of where it goes on."""

Time = datetime | str | float | None
"""A time as `version_at` takes it."""

_NO = frozenset({"", "0", "false", "no", "n", "f", "off"})


@dataclass(frozen=True)
class UnreadRecord:
    """A record that is no product. place: where it stands, e.g. `shop.csv, line 7`."""

    place: str
    product_id: str | None
    field: str | None
    reason: str


@dataclass(frozen=True)
class Page:
    """Some changes of a source.

    cursor: where to go on once they are in the index. unread: records that are no products.
    all_ids: the ids of all products of the source, where the page ends such a list: what else
    the index holds is no longer in the shop.
    """

    changes: Sequence[ProductChange]
    cursor: Cursor
    unread: Sequence[UnreadRecord] = ()
    all_ids: ProductIds | None = None


class Connector(Protocol):
    """Reads one source. Used by one thread, for one pass, and closed then."""

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield what has changed since a page of that cursor; the end is the present.

        cursor: None for everything. What is read twice does no harm.
        Raises TemporaryError when the source does not answer, ConfigurationError or
        RequestError when it cannot be read as configured.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


class SourceOptions(BaseModel):
    """What every source's table may say; each connector adds its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    connector: str
    index: IndexName
    map: str = IDENTITY
    every: Seconds = 60.0
    page_size: int = Field(500, ge=1, le=5_000)
    max_delete: float = Field(0.2, ge=0, le=1)
    versions: bool = True
    rejects: str | None = None

    @property
    def identity(self) -> str:
        """Return what the cursor hangs on: another one of it means to begin anew."""
        return f"{self.connector} {self.index}"

    @property
    def deletes_what_is_absent(self) -> bool:
        """Return whether products that the source lacks are deleted."""
        return False


class ComparedOptions(SourceOptions):
    """Of a source whose ids are compared with the index's now and then, to find deletes."""

    compare_ids_every: Seconds | None = None

    @property
    def deletes_what_is_absent(self) -> bool:
        """Return whether ids are compared."""
        return self.compare_ids_every is not None

    def is_time_to_compare(self, cursor: Mapping[str, Any]) -> bool:
        """Return whether the ids were last compared so long ago, as a cursor says."""
        every = self.compare_ids_every
        return every is not None and time.time() - cursor.get("compared_at", 0) >= every


@dataclass(frozen=True)
class SourceContext:
    """What a connector is made with. folder: of the TOML file; relative paths begin there."""

    name: str
    mapping: RecordMap
    folder: Path


class ConnectorKind(Protocol):
    """What a row of the registry names: a class of options, and what makes a connector."""

    options: type[SourceOptions]
    make: Callable[[Any, SourceContext], Connector]


@dataclass
class RecordReader:
    """Turns the records of one source into changes, and keeps what is none of a page."""

    mapping: RecordMap
    versions: bool = True
    unread: list[UnreadRecord] = field(default_factory=list)
    has_nameless: bool = False

    def upsert(
        self, record: Mapping[str, Any], place: str, *, updated_at: Time = None
    ) -> ProductChange | None:
        """Return the upsert of a record, None when it is no product.

        updated_at: when the shop changed it; else the product's own `updated_at` counts.
        """
        try:
            change = self.mapping.apply(record)
        except ProductRejected as error:
            self.reject(place, error.message, record=record, at=error.field)
            return None
        if not self.versions:
            return change
        return with_version(change, updated_at or change.fields.get("updated_at"))

    def delete(
        self, record: Mapping[str, Any], place: str, *, updated_at: Time = None
    ) -> ProductChange | None:
        """Return the delete of a record's product, None when it names none."""
        try:
            change = ProductChange("delete", product_id_of(self.mapping, record), {})
        except ProductRejected as error:
            self.reject(place, error.message, at=error.field)
            return None
        return with_version(change, updated_at) if self.versions else change

    def reject(
        self,
        place: str,
        reason: str,
        *,
        record: Mapping[str, Any] | None = None,
        at: str | None = None,
    ) -> str | None:
        """Keep a record that is no product, and return its id where it can be told."""
        try:
            product_id = None if record is None else product_id_of(self.mapping, record)
        except ProductRejected:
            product_id = None
        self.has_nameless = self.has_nameless or product_id is None
        self.unread.append(UnreadRecord(place, product_id, at, reason))
        return product_id

    def take_unread(self) -> tuple[UnreadRecord, ...]:
        """Return what was kept since the last call."""
        taken = tuple(self.unread)
        self.unread.clear()
        return taken


def says_deleted(value: object) -> bool:
    """Return whether a column means that the product is gone: a time, true, 1, "yes"."""
    if isinstance(value, str):
        return value.strip().lower() not in _NO
    return bool(value)
