"""The products of a file, or of an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

from indexer.bulk_writer import BulkWriter
from indexer.change_plan import read_state
from indexer.load_command import recognise_map
from indexer.rebuild.id_pages import walk_ids
from indexer.records import RecordFile
from mappings.errors import InvalidQuery, ProductRejected
from mappings.feeds.field_map import RecordMap, read_map
from mappings.index_lifecycle import find_index

MOST_PRODUCTS = 200_000
"""Read at most; more teach little and cost memory."""

_PAGE = 500


def read_catalogue(file: Path, map_name: str | None) -> list[Mapping[str, Any]]:
    """Return the products of a file as their fields; records that are none are left out.

    map_name: as for `shelfwise load`; recognised by the first record when None. Of an id that
    comes again the last one counts. Raises InvalidQuery when there is no product in it.
    """
    mapping: RecordMap = read_map(map_name) if map_name else recognise_map(file)
    found: dict[str, Mapping[str, Any]] = {}
    for fields in _records(file, mapping):
        found[str(fields["id"])] = fields
        if len(found) >= MOST_PRODUCTS:
            break
    if not found:
        raise InvalidQuery(f"{file.name}: holds no product that can be read", field="catalogue")
    return list(found.values())


def read_index(client: Elasticsearch, name: str) -> list[Mapping[str, Any]]:
    """Return the live products of an index as their fields.

    Raises UnknownIndex, TemporaryError, and InvalidQuery when the index is empty.
    """
    live = find_index(client, name)
    writer = BulkWriter(client)
    found: list[Mapping[str, Any]] = []
    for ids in walk_ids(client, live.index, page_size=_PAGE):
        documents = writer.read(live.index, ids, whole=frozenset(ids))
        for product_id in ids:
            if product_id in documents:
                state = read_state(documents[product_id])
                if state.is_live:
                    found.append({"id": product_id, **state.fields})
        if len(found) >= MOST_PRODUCTS:
            break
    if not found:
        raise InvalidQuery(f"index {name!r} holds no product", field="index")
    return found[:MOST_PRODUCTS]


def _records(file: Path, mapping: RecordMap) -> Iterator[Mapping[str, Any]]:
    with RecordFile(file) as records:
        for record in records:
            if record.value is None:
                continue
            try:
                yield mapping.apply(record.value).fields
            except ProductRejected:
                continue
