"""Indexes of a shop that search with our vectors: what was added, where, and from which fields.

An index is attached in place, with our fields in its own documents, or by a companion, a copy of
it with our fields that is kept in step. Both have all that is ours under one object field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from elasticsearch import ConflictError, Elasticsearch, NotFoundError

from mappings.cluster import cluster_errors
from mappings.encoder_spec import EncoderSpec
from mappings.errors import UnknownIndex
from mappings.index_lifecycle import create_own_index
from mappings.index_mapping import photos_field, vector_field
from mappings.product import IMAGE_VECTOR, TEXT_VECTOR

ATTACHMENTS_INDEX = "shelfwise-attachments"

OWN_FIELD = "shelfwise"
"""The one object field, in the shop's documents, that everything of ours lies under."""

ATTACHED_TEXT_VECTOR = f"{OWN_FIELD}.text_vector"
ATTACHED_TEXT_HASH = f"{OWN_FIELD}.text_hash"
"""What the vector stands for: a digest of the encoder's identity and the text."""

ATTACHED_PHOTOS = f"{OWN_FIELD}.photos"
ATTACHED_PHOTO_VECTOR = f"{ATTACHED_PHOTOS}.vector"
ATTACHED_PHOTO_PROBLEMS = f"{OWN_FIELD}.photo_problems"
ATTACHED_PHOTOS_DUE = f"{OWN_FIELD}.photos_due_at"

_KEYWORD = {"type": "keyword"}
_UNREAD = {"type": "object", "enabled": False}
_FIELDS: dict[str, Any] = {
    "index": _KEYWORD,
    "mode": _KEYWORD,
    "target": _KEYWORD,
    "state": _KEYWORD,
    "fields": _UNREAD,
    "encoders": _UNREAD,
    "progress": _UNREAD,
}


State = Literal["backfilling", "following", "detaching"]


@dataclass(frozen=True)
class Attachment:
    """One attached index.

    index: the shop's name of it, an index or an alias. target: the index that searches of it
    ask, which is the shop's own in place. fields: field of our product record to the paths in
    the shop's documents that fill it. encoders: by vector field of ours, as of a live index.
    progress: how far the backfill and the following of changes are, for their own use; but
    `replaces_vectors` says that some vectors are still those of another encoder.
    """

    index: str
    mode: Literal["in_place", "companion"]
    target: str
    fields: Mapping[str, tuple[str, ...]]
    encoders: Mapping[str, EncoderSpec]
    state: State = "backfilling"
    progress: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unready(self) -> str:
        """Return why its vectors cannot be searched at present, empty when they can."""
        if self.state == "detaching":
            return "the index is being detached"
        if self.mode == "companion" and self.state == "backfilling":
            return "the companion index is being filled"
        if self.progress.get("replaces_vectors"):
            return "the vectors of the index are being replaced by another encoder's"
        return ""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object that is stored."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_document` made."""
        fields = {name: tuple(paths) for name, paths in document["fields"].items()}
        encoders = {
            name: EncoderSpec.from_meta(meta, field=name)
            for name, meta in document["encoders"].items()
        }
        return cls(**{**document, "fields": fields, "encoders": encoders})


def in_place_properties(encoders: Mapping[str, EncoderSpec]) -> dict[str, Any]:
    """Return what an attached index has besides its own fields, for its mapping.

    encoders: by vector field of ours; without that of photos there are no fields of them.
    Whatever else lies under our field is kept and not read, so that nothing a shop writes there
    is refused.
    """
    own: dict[str, Any] = {
        "text_vector": vector_field(encoders[TEXT_VECTOR]),
        "text_hash": {"type": "keyword", "index": False},
    }
    if photos := encoders.get(IMAGE_VECTOR):
        own |= {
            "photos": photos_field(vector_field(photos), dynamic="false"),
            "photos_due_at": {"type": "date", "format": "strict_date_optional_time"},
            "photo_problems": {"type": "keyword"},
        }
    return {OWN_FIELD: {"type": "object", "dynamic": "false", "properties": own}}


def companion_properties(encoders: Mapping[str, EncoderSpec]) -> dict[str, Any]:
    """Return what a companion has besides the shop's fields, for its mapping.

    shard, seq_no: the place in the shop's index that a document was copied from.
    """
    properties = in_place_properties(encoders)
    properties[OWN_FIELD]["properties"] |= {
        "shard": {"type": "integer"},
        "seq_no": {"type": "long"},
    }
    return properties


class Attachments:
    """The attached indexes of a cluster."""

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client

    def get(self, index: str) -> Attachment:
        """Return the attachment of an index. Raises UnknownIndex when it has none."""
        with cluster_errors(index=index):
            try:
                found = self._client.get(index=ATTACHMENTS_INDEX, id=index)
            except NotFoundError as error:
                raise UnknownIndex(f"index {index!r} is not attached", field="index") from error
        return Attachment.from_document(found["_source"])

    def list(self) -> list[Attachment]:
        """Return all of them, by name of the index."""
        with cluster_errors(index=ATTACHMENTS_INDEX):
            found = self._client.search(
                index=ATTACHMENTS_INDEX, ignore_unavailable=True, size=1_000, sort="index"
            )
        return [Attachment.from_document(hit["_source"]) for hit in found["hits"]["hits"]]

    def put(self, attachment: Attachment) -> None:
        """Store an attachment in the place of the one of its index."""
        create_own_index(self._client, ATTACHMENTS_INDEX, _FIELDS)
        with cluster_errors(index=ATTACHMENTS_INDEX):
            self._client.index(
                index=ATTACHMENTS_INDEX,
                id=attachment.index,
                document=attachment.to_document(),
                refresh=True,
            )

    def note(
        self,
        index: str,
        progress: Mapping[str, Any],
        *,
        state: State | None = None,
        target: str | None = None,
    ) -> Attachment:
        """Store how far the work is, and return the attachment as it is now.

        What is not named here stays, and so does the state of one that is being detached, which
        tells whoever works on it to stop.
        Raises UnknownIndex when it has been removed meanwhile, so that nobody brings it back.
        """
        changes: dict[str, Any] = {"progress": dict(progress)}
        if state is not None:
            changes["state"] = state
        if target is not None:
            changes["target"] = target
        return self._change(index, lambda found: {**found, **changes})

    def set_detaching(self, index: str) -> Attachment:
        """Let everybody who works on an attached index stop; return the attachment."""
        return self._change(index, lambda found: {**found, "state": "detaching"})

    def _change(
        self, index: str, change: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> Attachment:
        while True:
            with cluster_errors(index=index):
                found = self._client.options(ignore_status=404).get(
                    index=ATTACHMENTS_INDEX, id=index
                )
                if not found.get("found"):
                    raise UnknownIndex(f"index {index!r} is not attached", field="index")
                document = change(found["_source"])
                if found["_source"]["state"] == "detaching":
                    document["state"] = "detaching"
                try:
                    self._client.index(
                        index=ATTACHMENTS_INDEX,
                        id=index,
                        document=document,
                        if_seq_no=found["_seq_no"],
                        if_primary_term=found["_primary_term"],
                        refresh=document["state"] != found["_source"]["state"],
                    )
                except ConflictError:
                    continue  # somebody else has changed it at this moment
            return Attachment.from_document(document)

    def remove(self, index: str) -> None:
        """Forget an attachment; one that is not there is no error."""
        with cluster_errors(index=ATTACHMENTS_INDEX):
            self._client.options(ignore_status=404).delete(
                index=ATTACHMENTS_INDEX, id=index, refresh=True
            )
