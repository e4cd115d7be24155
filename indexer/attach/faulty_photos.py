"""Photos of an attached index that could not be had: which they are, and once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan

from indexer.attach.guarded_bulk import send_guarded
from indexer.attach.photo_documents import PhotoDocument, read_documents, state_write
from indexer.photos.photo_state import photo_update, revived
from mappings.attachments import ATTACHED_PHOTO_PROBLEMS, Attachment
from mappings.cluster import cluster_errors
from mappings.encoder_spec import EncoderSpec
from mappings.errors import ClusterOverloaded, InvalidQuery
from mappings.product import IMAGE_VECTOR, PHOTO_STATE_FIELDS

MAX_ROUNDS = 8
_PAGE = 200


def faulty_documents(
    client: Elasticsearch, attachment: Attachment, *, codes: Sequence[str] = ()
) -> Iterator[PhotoDocument]:
    """Yield documents with photos that are not there, in no order.

    codes: only those with a fault of one of these. Raises InvalidQuery for an attachment without
    photos.
    """
    for ids in _faulty_ids(client, attachment, codes):
        for document in read_documents(client, attachment, _spec(attachment), ids):
            if document.state.faults:
                yield document


def retry_photos(
    client: Elasticsearch,
    attachment: Attachment,
    *,
    codes: Sequence[str] = (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> int:
    """Make photos due at once that could not be had; return of how many documents.

    Raises InvalidQuery for an attachment without photos, ClusterOverloaded when others write the
    same documents again and again.
    """
    count = 0
    for ids in _faulty_ids(client, attachment, codes):
        waiting = ids
        for _ in range(MAX_ROUNDS):
            written, overtaken = _revive(client, attachment, waiting, codes, now())
            count += written
            # One that is done has no fault any more, so all may be read again.
            if not overtaken:
                break
        else:
            raise ClusterOverloaded(
                f"documents of {attachment.index!r} are written all the time; try again"
            )
    return count


def _revive(
    client: Elasticsearch,
    attachment: Attachment,
    ids: Sequence[tuple[str, str | None]],
    codes: Sequence[str],
    now: datetime,
) -> tuple[int, int]:
    """Write once; return how many documents were written, and how many were overtaken."""
    spec = _spec(attachment)
    writes = []
    for document in read_documents(client, attachment, spec, ids):
        after = revived(document.images, document.state, codes=frozenset(codes), now=now)
        if after is not document.state:
            fields = photo_update(after)
            update = {name: fields[name] for name in PHOTO_STATE_FIELDS}
            writes.append(state_write(attachment, document, update))
    outcome = send_guarded(client, attachment.target, writes)
    return outcome.written, outcome.overtaken


def _faulty_ids(
    client: Elasticsearch, attachment: Attachment, codes: Sequence[str]
) -> Iterator[list[tuple[str, str | None]]]:
    _spec(attachment)
    query: dict[str, Any] = {"exists": {"field": ATTACHED_PHOTO_PROBLEMS}}
    if codes:
        query = {"terms": {ATTACHED_PHOTO_PROBLEMS: list(codes)}}
    with cluster_errors(index=attachment.target):
        client.indices.refresh(index=attachment.target)
        hits = scan(
            client,
            index=attachment.target,
            query={"query": query, "_source": False},
            size=_PAGE,
        )
        while page := [(hit["_id"], hit.get("_routing")) for hit in islice(hits, _PAGE)]:
            yield page


def _spec(attachment: Attachment) -> EncoderSpec:
    spec = attachment.encoders.get(IMAGE_VECTOR)
    if spec is None:
        raise InvalidQuery(
            f"index {attachment.index!r} is attached without photos; attach it with "
            "--image-encoder NAME and a map that names their field",
            field="index",
        )
    return spec
