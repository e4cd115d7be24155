"""Documents of an attached index as photo work reads and writes them, in place or a copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from indexer.attach.guarded_bulk import GuardedWrite
from indexer.attach.photo_state import PHOTO_PATHS, encoder_mark, image_addresses, read_state
from indexer.attach.whole_documents import read_whole
from indexer.photos.photo_state import PhotoState
from mappings.attachments import OWN_FIELD, Attachment
from mappings.encoder_spec import EncoderSpec


@dataclass(frozen=True)
class PhotoDocument:
    """A document as it was read. guard: of a write, so that none is done over a newer one."""

    document_id: str
    routing: str | None
    guard: Mapping[str, Any]
    source: Mapping[str, Any]
    images: Sequence[str]
    state: PhotoState


def read_documents(
    client: Elasticsearch,
    attachment: Attachment,
    spec: EncoderSpec,
    ids: Sequence[tuple[str, str | None]],
) -> list[PhotoDocument]:
    """Return those of the documents that have our field.

    ids: with their routing. spec: the encoder of the photos; those of another are not there.
    """
    in_place = attachment.mode == "in_place"
    paths = (*attachment.fields.get("images", ()), *PHOTO_PATHS) if in_place else None
    mark = encoder_mark(spec)
    documents = []
    for answer in read_whole(client, attachment.target, ids, paths=paths):
        source = answer.get("_source", {})
        own = source.get(OWN_FIELD)
        if not isinstance(own, Mapping):
            continue
        guard = (
            {"if_seq_no": answer["_seq_no"], "if_primary_term": answer["_primary_term"]}
            if in_place
            # As the copy has: a newer copy is never written over, and numbers do not grow.
            else {"version": answer["_version"], "version_type": "external_gte"}
        )
        images = image_addresses(source, attachment.fields)
        state = read_state(own, mark)
        documents.append(
            PhotoDocument(answer["_id"], answer.get("_routing"), guard, source, images, state)
        )
    return documents


def state_write(
    attachment: Attachment, document: PhotoDocument, update: Mapping[str, Any]
) -> GuardedWrite:
    """Return the write that sets fields under ours; None takes one away."""
    if attachment.mode == "in_place":
        body: dict[str, Any] = {"doc": {OWN_FIELD: update}}
        operation: Any = "update"
    else:
        own = {**document.source[OWN_FIELD], **update}
        kept = {name: value for name, value in own.items() if value is not None}
        body, operation = {**document.source, OWN_FIELD: kept}, "index"
    return GuardedWrite(operation, document.document_id, document.routing, document.guard, body)
