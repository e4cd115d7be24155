"""From plans to writes: the documents with their vectors, kept, copied or encoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from indexer.bulk_writer import BulkWriter, DocumentWrite, StoredDocument, Vector
from indexer.change_plan import ProductPlan, fast_update, order_fields, tombstone
from indexer.documents import product_text, read_digests, text_digest, to_document
from indexer.encoder_pool import EncoderPool
from indexer.text_embedding import encode_texts
from indexer.vector_cache import VectorCache
from mappings.encoder_spec import EncoderSpec
from mappings.index_lifecycle import LiveIndex
from mappings.product import TEXT_VECTOR


@dataclass(frozen=True)
class _Draft:
    """A document that will be written, but for the vectors that are still to be found.

    digests: vector field to what its vector stands for. text: what text_vector is made of,
    None when no encoder of ours fills it.
    """

    plan: ProductPlan
    digests: Mapping[str, str]
    text: str | None

    def fields_as_in(self, document: StoredDocument | None) -> list[str]:
        """Return the vector fields whose vector in a document is the right one."""
        there = read_digests(document.source) if document else {}
        return [
            name
            for name, digest in self.digests.items()
            if there.get(name) == digest and name not in self.plan.final.vectors
        ]


class WritePreparer:
    """Finds the vectors of planned products; safe to use from several threads.

    encoders: what fills the text vectors of an index, unless the shop brings them.
    cache: vectors of texts that some worker encoded lately.
    """

    def __init__(
        self,
        writer: BulkWriter,
        encoders: EncoderPool,
        *,
        cache: VectorCache | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._writer = writer
        self._encoders = encoders
        self._cache = cache
        self._now = now

    def prepare(
        self,
        live: LiveIndex,
        plans: Sequence[ProductPlan],
        donors: Mapping[str, StoredDocument] | None = None,
    ) -> tuple[list[DocumentWrite], dict[str, str]]:
        """Return the writes, with vectors, and the reasons of products that cannot be written.

        A plan without either was overtaken by somebody else's write.
        donors: by product id, documents of another version with their vectors, which are taken
            where content and encoder are the same.
        """
        writes = [
            self._short_write(plan)
            for plan in plans
            if not plan.final.is_live or plan.final.is_partial
        ]
        whole = [plan for plan in plans if plan.final.is_live and not plan.final.is_partial]
        drafts = [_draft(plan, live.text_encoder) for plan in whole]
        kept = self._kept_vectors(live.index, drafts)
        for draft in drafts:
            name = draft.plan.product_id
            donor = (donors or {}).get(name)
            copied = (
                {field: donor.vectors[field] for field in draft.fields_as_in(donor)}
                if donor
                else {}
            )
            kept[name] = copied | kept.get(name, {})
        texts = {
            draft.plan.product_id: draft.text
            for draft in drafts
            if draft.text is not None and TEXT_VECTOR not in kept[draft.plan.product_id]
        }
        vectors: dict[str, Vector] = {}
        refused: dict[str, str] = {}
        if texts:
            vectors, refused = encode_texts(self._encoders.encoder(live), texts, self._cache)
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
                writes.append(DocumentWrite(name, _document(draft, found), draft.plan.stored))
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

    def _kept_vectors(self, index: str, drafts: Sequence[_Draft]) -> dict[str, dict[str, Vector]]:
        """Return product id to the stored vectors that are still right.

        A product whose document has changed since it was planned is left out, and so
        conflicts when it is written.
        """
        planned: dict[str, tuple[StoredDocument, list[str]]] = {}
        for draft in drafts:
            if draft.plan.stored is not None and (fields := draft.fields_as_in(draft.plan.stored)):
                planned[draft.plan.product_id] = (draft.plan.stored, fields)
        unread = [
            name
            for name, (stored, fields) in planned.items()
            if not set(fields) <= set(stored.vectors)
        ]
        read = self._writer.read_vectors(index, unread)
        kept: dict[str, dict[str, Vector]] = {}
        for name, (stored, fields) in planned.items():
            current = read.get(name, stored)
            if (current.seq_no, current.primary_term) == (stored.seq_no, stored.primary_term):
                kept[name] = {
                    field: current.vectors[field] for field in fields if field in current.vectors
                }
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
