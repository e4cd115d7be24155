"""Where the vectors of an attached index go: into its own documents, or into a companion's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from elasticsearch import Elasticsearch

from indexer.attach.feed import FeedDocument
from indexer.attach.field_paths import FieldPaths, text_paths
from indexer.attach.guarded_bulk import BulkOutcome, GuardedWrite, send_guarded
from indexer.attach.photo_source import PhotoSource
from indexer.attach.photo_state import PHOTO_PATHS
from indexer.attach.vectors import VectorSource
from mappings.attachments import ATTACHED_TEXT_HASH, OWN_FIELD

SendBulk = Callable[[Elasticsearch, str, Sequence[GuardedWrite]], BulkOutcome]


@dataclass(frozen=True)
class PageOutcome:
    """What became of a page. written: documents. refused: document id to reason."""

    written: int
    refused: Mapping[str, str]


class Target(Protocol):
    """Takes pages of the feed. Doing one twice changes nothing."""

    @property
    def paths(self) -> Sequence[str] | None:
        """Return the paths of `_source` that it must be given; None for all of it."""
        ...

    @property
    def own(self) -> Sequence[str]:
        """Return the paths of our field that it must be given besides."""
        ...

    def take(self, page: Sequence[FeedDocument]) -> PageOutcome:
        """Write what a page needs. A document that was written since is left for its next turn."""
        ...


class InPlace:
    """Sets our field in the shop's own documents, and no other.

    A document whose vector is right already is left alone, which ends the circle that the writes
    of ours would make in the feed.
    """

    def __init__(
        self,
        client: Elasticsearch,
        index: str,
        vectors: VectorSource,
        paths: FieldPaths,
        template: str,
        *,
        photos: PhotoSource | None = None,
        send: SendBulk = send_guarded,
    ) -> None:
        self._client = client
        self._index = index
        self._vectors = vectors
        self._paths = text_paths(paths, template) + (photos.paths if photos else [])
        self._photos = photos
        self._send = send

    @property
    def paths(self) -> Sequence[str]:
        """Return the paths that the text is made from, and those of the photos."""
        return self._paths

    @property
    def own(self) -> Sequence[str]:
        """Return what says whether a document is right."""
        return (ATTACHED_TEXT_HASH, *(PHOTO_PATHS if self._photos else ()))

    def take(self, page: Sequence[FeedDocument]) -> PageOutcome:
        """Write vectors where they are missing or stand for another text."""
        digests = self._vectors.digests(page)
        places = [
            place for place, document in enumerate(page) if not _is_right(document, digests[place])
        ]
        found = self._vectors.vectors(page, digests, places)
        photos = self._photos.updates(page) if self._photos else {}
        writes = []
        for place in sorted({*places, *photos}):
            document, vector = page[place], found.vectors.get(place)
            own: dict[str, Any] = dict(photos.get(place, {}))
            if vector is not None:
                own |= {"text_vector": vector, "text_hash": digests[place]}
            elif place in places and (document.has_vector or document.text_hash):
                # The empty hash is a value, by which a detach finds the document.
                own |= {"text_vector": None, "text_hash": ""}
            elif own and document.text_hash is None:
                own["text_hash"] = ""
            if not own:
                continue
            writes.append(
                GuardedWrite(
                    "update",
                    document.document_id,
                    document.routing,
                    {"if_seq_no": document.seq_no, "if_primary_term": document.primary_term},
                    {"doc": {OWN_FIELD: own}},
                )
            )
        outcome = self._send(self._client, self._index, writes)
        return _outcome(page, found.refused, outcome)


class Companion:
    """Copies the shop's documents, with our field, into an index that is ours alone."""

    def __init__(
        self,
        client: Elasticsearch,
        index: str,
        vectors: VectorSource,
        *,
        photos: PhotoSource | None = None,
        send: SendBulk = send_guarded,
    ) -> None:
        self._client = client
        self._index = index
        self._vectors = vectors
        self._photos = photos
        self._send = send

    @property
    def paths(self) -> None:
        """Return that the whole document is copied."""
        return None

    @property
    def own(self) -> Sequence[str]:
        """Return nothing: the shop's documents have no field of ours."""
        return ()

    def take(self, page: Sequence[FeedDocument]) -> PageOutcome:
        """Copy the documents; a copy of a newer write is never written over."""
        digests = self._vectors.digests(page)
        found = self._vectors.vectors(page, digests, range(len(page)))
        photos = self._photos.updates(page) if self._photos else {}
        writes = []
        for place, document in enumerate(page):
            own: dict[str, Any] = {"shard": int(document.shard), "seq_no": document.seq_no}
            vector = found.vectors.get(place)
            if vector is not None:
                own |= {"text_vector": vector, "text_hash": digests[place]}
            kept = photos.get(place, {})
            own |= {name: value for name, value in kept.items() if value is not None}
            writes.append(
                GuardedWrite(
                    "index",
                    document.document_id,
                    document.routing,
                    {"version": document.seq_no + 1, "version_type": "external_gte"},
                    {**document.source, OWN_FIELD: own},
                )
            )
        outcome = self._send(self._client, self._index, writes)
        return _outcome(page, found.refused, outcome)


def _is_right(document: FeedDocument, digest: str) -> bool:
    # A shop that reads a document and writes it back whole may bring the hash without the
    # vector, which Elasticsearch 9 leaves out of what it shows.
    if digest:
        return document.text_hash == digest and document.has_vector
    return not document.has_vector and not document.text_hash


def _outcome(
    page: Sequence[FeedDocument], not_encoded: Mapping[int, str], outcome: BulkOutcome
) -> PageOutcome:
    refused = {page[place].document_id: reason for place, reason in not_encoded.items()}
    return PageOutcome(outcome.written, refused | outcome.refused)
