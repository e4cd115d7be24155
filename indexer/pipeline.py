"""What a batch of changes does to an index: check, compare, embed, write."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from indexer.bulk_writer import BulkWriter, DocumentWrite, StoredDocument, Vector
from indexer.change_checks import CheckedChange, check_change
from indexer.change_plan import ChangeOutcome, ProductPlan, plan_product
from indexer.documents import product_text, read_digests, text_digest, to_document
from indexer.encoders.base import TextEncoder
from indexer.text_embedding import encode_texts
from indexer.vector_cache import VectorCache
from mappings.encoder_spec import EncoderSpec
from mappings.errors import ClusterOverloaded, ProductRejected
from mappings.index_lifecycle import LiveIndex, find_index, require_text_encoder
from mappings.product import TEXT_VECTOR
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome, Reject

MAX_ROUNDS = 8
"""Times a product is read and planned because others write it at the same moment."""
_LONGEST_ROUND_WAIT_SECONDS = 0.1
_INDEX_CHECK_SECONDS = 10.0


@dataclass(frozen=True)
class _Draft:
    """A document that will be written, but for the vectors that are still to be found.

    digests: vector field to what its vector stands for. text: what text_vector is made of,
    None when no encoder of ours fills it.
    """

    plan: ProductPlan
    digests: Mapping[str, str]
    text: str | None

    def kept_fields(self) -> list[str]:
        """Return the vector fields whose stored vector is still right."""
        stored = read_digests(self.plan.stored.source) if self.plan.stored else {}
        return [
            name
            for name, digest in self.digests.items()
            if stored.get(name) == digest and name not in self.plan.final.vectors
        ]


class Pipeline:
    """Applies batches of changes; may be used by several threads, which share the encoder.

    encoder: fills `text_vector`, unless the index takes the shop's own vectors.
    cache: knows vectors of texts that were encoded before.
    """

    def __init__(
        self,
        client: Elasticsearch,
        encoder: TextEncoder,
        *,
        writer: BulkWriter | None = None,
        cache: VectorCache | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._encoder = encoder
        self._writer = writer or BulkWriter(client, sleep=sleep)
        self._cache = cache
        self._clock = clock
        self._sleep = sleep
        self._live: dict[str, tuple[float, LiveIndex]] = {}

    def process(self, index: str, changes: Sequence[ProductChange]) -> BatchOutcome:
        """Apply the changes, several of one product in their order, and return the outcome.

        A reject's position is that of its change, from 0.
        Raises TemporaryError when trying again later may help: what was written until then
        will be found unchanged. Raises UnknownIndex, EncoderMismatch, MappingMismatch for
        the index as a whole.
        """
        live = self._live_index(index)
        outcomes: dict[int, ChangeOutcome] = {}
        waiting = _check_all(changes, live, outcomes)
        for round_number in range(MAX_ROUNDS):
            if round_number:
                self._sleep(random.uniform(0, _LONGEST_ROUND_WAIT_SECONDS))  # noqa: S311
            waiting = self._round(live, waiting, outcomes)
            if not waiting:
                return _summary(outcomes)
        raise ClusterOverloaded(
            f"{len(waiting)} products of {index!r} were changed by others {MAX_ROUNDS} times "
            f"in a row, e.g. {next(iter(waiting))!r}"
        )

    def _live_index(self, index: str) -> LiveIndex:
        known = self._live.get(index)
        if known is not None and self._clock() < known[0]:
            return known[1]
        live = find_index(self._client, index)
        require_text_encoder(live, self._encoder.spec)
        self._live[index] = (self._clock() + _INDEX_CHECK_SECONDS, live)
        return live

    def _round(
        self,
        live: LiveIndex,
        waiting: Mapping[str, list[CheckedChange]],
        outcomes: dict[int, ChangeOutcome],
    ) -> dict[str, list[CheckedChange]]:
        """Plan and write every waiting product; return those that must be planned again."""
        patched = frozenset(
            name
            for name, changes in waiting.items()
            if any(checked.change.operation == "patch" for checked in changes)
        )
        stored = self._writer.read(live.name, list(waiting), whole=patched)
        plans = [
            plan_product(name, stored.get(name), changes) for name, changes in waiting.items()
        ]
        writes, refused = self._prepare(live, [plan for plan in plans if plan.needs_write])
        results = self._writer.write(live.name, writes) if writes else {}
        refused |= {
            name: result.reason for name, result in results.items() if result.state == "refused"
        }
        written = {name for name, result in results.items() if result.state == "written"}
        again: dict[str, list[CheckedChange]] = {}
        for plan in plans:
            name = plan.product_id
            if name in refused:
                outcomes.update(_rejected(plan, refused[name]))
            elif name in written or not plan.needs_write:
                outcomes.update(plan.outcomes)
            else:
                again[name] = waiting[name]
        return again

    def _prepare(
        self, live: LiveIndex, plans: Sequence[ProductPlan]
    ) -> tuple[list[DocumentWrite], dict[str, str]]:
        """Return the writes, with vectors, and the reasons of products that cannot be written.

        A plan without either was overtaken by somebody else's write.
        """
        writes = [
            DocumentWrite(plan.product_id, None, plan.stored)
            for plan in plans
            if plan.final.hash is None
        ]
        drafts = [_draft(plan, live.text_encoder) for plan in plans if plan.final.hash is not None]
        kept = self._kept_vectors(live.name, drafts)
        texts = {
            draft.plan.product_id: draft.text
            for draft in drafts
            if draft.text is not None and TEXT_VECTOR not in kept.get(draft.plan.product_id, {})
        }
        vectors, refused = encode_texts(self._encoder, texts, self._cache)
        for draft in drafts:
            name = draft.plan.product_id
            found: dict[str, Any] = {
                field: np.asarray(vector, dtype=np.float32)
                for field, vector in draft.plan.final.vectors.items()
            }
            found |= kept.get(name, {})
            if name in vectors:
                found[TEXT_VECTOR] = vectors[name]
            if found.keys() >= draft.digests.keys():
                writes.append(DocumentWrite(name, _document(draft, found), draft.plan.stored))
        return writes, refused

    def _kept_vectors(self, index: str, drafts: Sequence[_Draft]) -> dict[str, dict[str, Vector]]:
        """Return product id to the stored vectors that are still right.

        A product whose document has changed since it was planned is left out, and so
        conflicts when it is written.
        """
        planned: dict[str, tuple[StoredDocument, list[str]]] = {}
        for draft in drafts:
            if draft.plan.stored is not None and (fields := draft.kept_fields()):
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


def _check_all(
    changes: Sequence[ProductChange], live: LiveIndex, outcomes: dict[int, ChangeOutcome]
) -> dict[str, list[CheckedChange]]:
    """Return the good changes by product, in order; the others get their outcome."""
    good: dict[str, list[CheckedChange]] = {}
    for position, change in enumerate(changes):
        try:
            checked = check_change(position, change, live)
        except ProductRejected as error:
            outcomes[position] = ChangeOutcome(
                change.product_id, "rejected", error.field, error.message
            )
        else:
            good.setdefault(change.product_id, []).append(checked)
    return good


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
        version=final.version,
        hash_of_product=final.hash or "",
        digests=draft.digests,
    )
    return document | dict(vectors)


def _rejected(plan: ProductPlan, reason: str) -> dict[int, ChangeOutcome]:
    return {
        position: ChangeOutcome(plan.product_id, "rejected", None, reason)
        if outcome.outcome in {"indexed", "deleted"}
        else outcome
        for position, outcome in plan.outcomes.items()
    }


def _summary(outcomes: Mapping[int, ChangeOutcome]) -> BatchOutcome:
    counts = Counter(outcome.outcome for outcome in outcomes.values())
    rejects = tuple(
        Reject(outcome.product_id, outcome.field, outcome.reason, position)
        for position, outcome in sorted(outcomes.items())
        if outcome.outcome == "rejected"
    )
    return BatchOutcome(
        indexed=counts["indexed"],
        unchanged=counts["unchanged"],
        deleted=counts["deleted"],
        stale=counts["stale"],
        missing=counts["missing"],
        rejects=rejects,
        rejected=len(rejects),
    )
