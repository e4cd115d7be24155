"""From plans to writes: the documents with their vectors, kept, copied or encoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from indexer.bulk_writer import BulkWriter, DocumentWrite, StoredDocument, Vector
from indexer.change_plan import ProductPlan, fast_update, order_fields, tombstone
from indexer.documents import product_text, read_digests, text_digest, to_document
from indexer.encoder_pool import EncoderPool
from indexer.photos.photo_state import (
    PhotoRules,
    ProductPhotos,
    carried,
    photo_fields,
    read_photos,
)
from indexer.text_embedding import encode_texts
from indexer.vector_cache import VectorCache
from mappings.encoder_spec import EncoderSpec
from mappings.index_lifecycle import LiveIndex
from mappings.product import TEXT_VECTOR

if TYPE_CHECKING:  # what opens photos is loaded by a worker that gets some, and by no other
    from indexer.photos.ahead import PhotosAhead


@dataclass(frozen=True)
class _Draft:
    """A document that will be written, but for the vectors that are still to be found.

    digests: vector field to what its vector stands for. text: what text_vector is made of,
    None when no encoder of ours fills it.
    """

    plan: ProductPlan
    digests: Mapping[str, str]
    text: str | None

    def fields_as_in(self, document: StoredDocument) -> list[str]:
        """Return the vector fields whose vector in a document is the right one."""
        there = read_digests(document.source)
        return [
            name
            for name, digest in self.digests.items()
            if there.get(name) == digest and name not in self.plan.final.vectors
        ]

    def lacks(self, document: StoredDocument, with_photos: bool) -> bool:
        """Return whether vectors or photos that may be kept were not read with a document."""
        is_whole = "product_id" in document.source
        if with_photos and self.plan.final.fields.get("images") and not is_whole:
            return "deleted_at" not in document.source
        return not set(self.fields_as_in(document)) <= set(document.vectors)


class WritePreparer:
    """Finds the vectors of planned products; safe to use from several threads.

    encoders: what fills the text vectors of an index, unless the shop brings them.
    cache: vectors of texts that some worker encoded lately.
    photo_rules: when photos that are there are due again.
    """

    def __init__(
        self,
        writer: BulkWriter,
        encoders: EncoderPool,
        *,
        cache: VectorCache | None = None,
        photo_rules: PhotoRules | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._writer = writer
        self._encoders = encoders
        self._cache = cache
        self._photo_rules = photo_rules or PhotoRules()
        self._now = now

    def prepare(
        self,
        live: LiveIndex,
        plans: Sequence[ProductPlan],
        donors: Mapping[str, StoredDocument] | None = None,
        ahead: PhotosAhead | None = None,
    ) -> tuple[list[DocumentWrite], dict[str, str]]:
        """Return the writes, with vectors, and the reasons of products that cannot be written.

        A plan without either was overtaken by somebody else's write.
        donors: by product id, documents of another version with their vectors, which are taken
            where content and encoder are the same, and with photos of the same encoder, if any.
        ahead: makes photos that are missing, as far as they can be had at once. The others stay
            with their addresses, and what is missing is due from now on.
        """
        writes = [
            self._short_write(plan)
            for plan in plans
            if not plan.final.is_live or plan.final.is_partial
        ]
        whole = [plan for plan in plans if plan.final.is_live and not plan.final.is_partial]
        drafts = [_draft(plan, live.text_encoder) for plan in whole]
        current = self._current(live, drafts)
        known = {
            name: [one for one in (current.get(name), (donors or {}).get(name)) if one is not None]
            for name in (draft.plan.product_id for draft in drafts)
        }
        kept = {
            draft.plan.product_id: _kept_vectors(draft, known[draft.plan.product_id])
            for draft in drafts
        }
        texts = {
            draft.plan.product_id: draft.text
            for draft in drafts
            if draft.text is not None and TEXT_VECTOR not in kept[draft.plan.product_id]
        }
        vectors: dict[str, Vector] = {}
        refused: dict[str, str] = {}
        if texts:
            vectors, refused = encode_texts(self._encoders.encoder(live), texts, self._cache)
        photos = self._photos(
            live, [one for one in drafts if one.plan.product_id not in refused], known
        )
        states = (
            ahead.settled(live, photos)
            if ahead is not None and photos
            else {name: one.state for name, one in photos.items()}
        )
        for draft in drafts:
            name = draft.plan.product_id
            found: dict[str, Any] = {
                field: np.asarray(vector, dtype=np.float32)
                for field, vector in draft.plan.final.vectors.items()
            }
            found |= kept[name]
            if name in vectors:
                found[TEXT_VECTOR] = vectors[name]
            if found.keys() >= draft.digests.keys():
                document = _document(draft, found)
                if name in states:
                    document |= photo_fields(states[name])
                writes.append(DocumentWrite(name, document, draft.plan.stored))
        return writes, refused

    def _short_write(self, plan: ProductPlan) -> DocumentWrite:
        """Return the write of a product that has gone, or of its fast fields alone."""
        name, final = plan.product_id, plan.final
        if final.is_live:
            return DocumentWrite(name, fast_update(plan), plan.stored, is_partial=True)
        if final.stamp.is_ordered or final.stamps:
            at = self._now().isoformat(timespec="milliseconds")
            return DocumentWrite(name, tombstone(name, final, at=at), plan.stored)
        return DocumentWrite(name, None, plan.stored)

    def _current(self, live: LiveIndex, drafts: Sequence[_Draft]) -> dict[str, StoredDocument]:
        """Return by product id what is stored, with vectors and photos where they may be kept.

        A product whose document has changed since it was planned is left out, and so
        conflicts when it is written.
        """
        with_photos = live.image_encoder is not None
        stored = {
            draft.plan.product_id: (draft.plan.stored, draft.lacks(draft.plan.stored, with_photos))
            for draft in drafts
            if draft.plan.stored is not None
        }
        read = self._writer.read_vectors(
            live.index, [name for name, (_, is_short) in stored.items() if is_short]
        )
        current: dict[str, StoredDocument] = {}
        for name, (planned, is_short) in stored.items():
            found = read.get(name) if is_short else planned
            if found is None or found.seq_no != planned.seq_no:
                continue
            if found.primary_term == planned.primary_term:
                current[name] = replace(found, source={**planned.source, **found.source})
        return current

    def _photos(
        self,
        live: LiveIndex,
        drafts: Sequence[_Draft],
        known: Mapping[str, Sequence[StoredDocument]],
    ) -> dict[str, ProductPhotos]:
        """Return what is kept of the photos of those products that have some, by product id."""
        if live.image_encoder is None:
            return {}
        found: dict[str, ProductPhotos] = {}
        for draft in drafts:
            name, images = draft.plan.product_id, draft.plan.final.fields.get("images")
            if images:
                states = [read_photos(document.source) for document in known[name]]
                state = carried(images, states, now=self._now(), rules=self._photo_rules)
                found[name] = ProductPhotos(images, state)
        return found


def _kept_vectors(draft: _Draft, known: Sequence[StoredDocument]) -> dict[str, Vector]:
    """Return the vectors that are right in a document, the first that has each."""
    kept: dict[str, Vector] = {}
    for document in known:
        for field in draft.fields_as_in(document):
            if field in document.vectors:
                kept.setdefault(field, document.vectors[field])
    return kept


def _draft(plan: ProductPlan, encoded: EncoderSpec | None) -> _Draft:
    # encoded: the encoder that fills text_vector, None when the shop does.
    digests, text = dict(plan.final.given), None
    if encoded is not None and TEXT_VECTOR not in digests:
        text = product_text(plan.final.fields, encoded.template)
        digests[TEXT_VECTOR] = text_digest(encoded, text)
    return _Draft(plan, digests, text)


def _document(draft: _Draft, vectors: Mapping[str, Vector]) -> dict[str, Any]:
    final = draft.plan.final
    document = to_document(
        final.fields,
        hash_of_product=final.hash or "",
        sent=final.sent,
        digests=draft.digests,
    )
    return document | order_fields(final) | dict(vectors)
