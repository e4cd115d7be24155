"""`shelfwise photos`: which photos are not there, why, and once more."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click
from elasticsearch import Elasticsearch
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indexer.attach.faulty_photos import faulty_documents, retry_photos
from indexer.attach.opening import find_attachment
from indexer.attach.photo_counts import photo_counts
from indexer.bulk_writer import BulkWriter, DocumentWrite
from indexer.images.failures import shown
from indexer.photos.due_products import count_photos, faulty_pages
from indexer.photos.parts import hints_from_settings
from indexer.photos.photo_state import PhotoFault, PhotoState, photo_update, read_photos, revived
from indexer.photos.waiting import described
from indexer.settings import IndexerSettings
from mappings import cluster
from mappings.attachments import Attachment
from mappings.errors import ClusterOverloaded, InvalidQuery
from mappings.index_lifecycle import LiveIndex, find_index, find_targets
from mappings.product import PHOTO_STATE_FIELDS

MAX_ROUNDS = 8
_INDEX = click.option(
    "--index", "name", required=True, help="Index of the products, also one that is attached."
)
_CODE = click.option("--code", "codes", multiple=True, help="Only faults of this code.")


@click.group()
def photos() -> None:
    """List and retry photos that could not be had."""


@photos.command("list")
@_INDEX
@_CODE
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_command(name: str, codes: Sequence[str], limit: int, as_json: bool) -> None:
    """List photos that are not in the index, by product, and when they are tried again."""
    with cluster.connect(_settings(), exact_numbers=True) as client:
        attachment = find_attachment(client, name)
        if attachment is not None:
            found = list(islice(_attached_rows(client, attachment, codes), limit))
            counts = _attached_counts(client, attachment)
        else:
            live = _with_photos(find_index(client, name))
            found = list(islice(_rows(client, live, codes), limit))
            counts = described(count_photos(client, live.index))
    if as_json:
        for row in found:
            click.echo(json.dumps(row))
        return
    table = Table("product", "position", "code", "message", "attempts", "next try")
    for row in found:
        cells = [str(row[key]) for key in ("product", "position", "code", "message", "attempts")]
        table.add_row(*map(escape, cells), row["next_try"] or "by `photos retry` alone")
    Console().print(table)
    click.echo(f"{name}: {counts}")


@photos.command("retry")
@_INDEX
@_CODE
def retry(name: str, codes: Sequence[str]) -> None:
    """Try photos again that could not be had, at once, also those that were given up."""
    settings = _settings()
    with cluster.connect(settings, exact_numbers=True) as client:
        attachment = find_attachment(client, name)
        count = retry_photos(client, attachment, codes=codes) if attachment else None
    if count is None:
        count = _retry_own(settings, name, codes)
    click.echo(f"{name}: the photos of {count:,} products are tried again")


def _retry_own(settings: IndexerSettings, name: str, codes: Sequence[str]) -> int:
    with cluster.connect(settings) as client:
        _with_photos(find_index(client, name))
        hints = hints_from_settings(settings)
        count = 0
        for live in find_targets(client, name):
            for page in faulty_pages(client, live.index, codes=codes):
                revived_ids = _revive(client, live, [hit["_id"] for hit in page], codes)
                hints.tell(name, revived_ids)
                count += len(revived_ids)
    return count


def _rows(
    client: Elasticsearch, live: LiveIndex, codes: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for page in faulty_pages(client, live.index, codes=codes):
        for hit in page:
            images = hit["_source"].get("images") or []
            yield from _rows_of(hit["_id"], images, read_photos(hit["_source"]), codes)


def _attached_rows(
    client: Elasticsearch, attachment: Attachment, codes: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for document in faulty_documents(client, attachment, codes=codes):
        yield from _rows_of(document.document_id, document.images, document.state, codes)


def _attached_counts(client: Elasticsearch, attachment: Attachment) -> str:
    counts = photo_counts(client, attachment)
    left, faulty = counts.get("photos_due", 0), counts.get("photos_faulty", 0)
    return f"{left:,} documents with photos to be done, {faulty:,} that lack some for good"


def _rows_of(
    product_id: str, images: Sequence[str], state: PhotoState, codes: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for fault in state.faults:
        if not codes or fault.code in codes:
            due = None if fault.lasting else state.due_at
            yield _row(product_id, images, fault, state.attempts, due)


def _row(
    product_id: str, images: Sequence[str], fault: PhotoFault, attempts: int, due: datetime | None
) -> dict[str, Any]:
    address = images[fault.position] if fault.position < len(images) else ""
    return {
        "product": product_id,
        "position": fault.position,
        "address": shown(address),
        "code": fault.code,
        "message": fault.message,
        "attempts": attempts,
        "at": fault.at.isoformat(timespec="seconds"),
        "next_try": None if due is None else due.isoformat(sep=" ", timespec="seconds"),
    }


def _revive(
    client: Elasticsearch, live: LiveIndex, product_ids: Sequence[str], codes: Sequence[str]
) -> list[str]:
    """Make the faults of products due; return those that had any.

    Raises ClusterOverloaded when others write the same products again and again.
    """
    writer, waiting, done = BulkWriter(client), list(product_ids), []
    for _ in range(MAX_ROUNDS):
        writes: list[DocumentWrite] = []
        for product_id, document in writer.read_photos(live.index, waiting).items():
            before = read_photos(document.source)
            images = document.source.get("images") or []
            after = revived(images, before, codes=frozenset(codes), now=datetime.now(UTC))
            if after is not before:
                fields = photo_update(after)
                update = {key: fields[key] for key in PHOTO_STATE_FIELDS}
                writes.append(DocumentWrite(product_id, update, document, is_partial=True))
        results = writer.write(live.index, writes) if writes else {}
        done += [one for one, result in results.items() if result.state == "written"]
        waiting = [one for one, result in results.items() if result.state == "conflict"]
        if not waiting:
            return done
    raise ClusterOverloaded(f"{len(waiting)} products of {live.name!r} are written all the time")


def _with_photos(live: LiveIndex) -> LiveIndex:
    if live.image_encoder is None:
        raise InvalidQuery(
            f"index {live.name!r} has no photos of an encoder of ours; give it one by "
            f"`shelfwise reindex --index {live.name} --image-encoder NAME`",
            field="index",
        )
    return live


def _settings() -> IndexerSettings:
    return IndexerSettings.from_environment(os.environ)
