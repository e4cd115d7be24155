"""What the changes of one product amount to, given what is stored: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from indexer.bulk_writer import StoredDocument
from indexer.change_checks import CheckedChange
from indexer.documents import GIVEN, read_digests, sent_hash, stored_fields
from indexer.product_state import (
    Outcome,
    ProductState,
    deleted,
    fast_part,
    is_same,
    patched,
    upserted,
)
from mappings.change_order import Stamp
from mappings.errors import ProductRejected
from mappings.product import FAST_FIELDS
from mappings.product_changes import ProductChange


@dataclass(frozen=True)
class ChangeOutcome:
    """What became of one change; field and reason when it was rejected."""

    product_id: str
    outcome: Outcome
    field: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class ProductPlan:
    """What should be written for one product, and what that means for each change.

    before: what is stored, as `stored` says. outcomes: by position, as they will be when the
    write succeeds.
    """

    product_id: str
    stored: StoredDocument | None
    before: ProductState
    final: ProductState
    outcomes: Mapping[int, ChangeOutcome]

    @property
    def needs_write(self) -> bool:
        """False when the index has all of this already, but perhaps for an arrival."""
        return not is_same(self.before, self.final) or self.before.versions != self.final.versions

    @property
    def needs_order(self) -> bool:
        """Return whether only the order of arrival is new.

        It must be written when an older change of the product may still come.
        """
        known = (self.before.stamp, self.before.stamps)
        return not self.needs_write and (self.final.stamp, self.final.stamps) != known


def is_fast(change: ProductChange) -> bool:
    """Return whether a change only sets fields of FAST_FIELDS, and removes none."""
    return change.operation == "patch" and all(
        name in FAST_FIELDS and value is not None for name, value in change.fields.items()
    )


def needs_whole(stored: StoredDocument | None, changes: Sequence[ProductChange]) -> bool:
    """Return whether all fields of the document must be read to plan the changes.

    stored: with STATE_FIELDS at least, None when it is not known yet.
    """
    patches = [change for change in changes if change.operation == "patch"]
    if patches:
        return len(patches) < len(changes) or not all(map(is_fast, patches))
    if stored is None:
        return False
    stamps = _read_stamps(stored.source).values()
    return any(stamp_of(change).is_before(one) for change in changes for one in stamps)


def stamp_of(change: ProductChange) -> Stamp:
    """Return a change's place in the order."""
    return Stamp(change.version, change.arrival)


def plan_product(
    product_id: str, stored: StoredDocument | None, changes: Sequence[CheckedChange]
) -> ProductPlan:
    """Apply a product's changes in order to what is stored.

    stored: must be whole when `needs_whole` says so.
    """
    before = state = read_state(stored)
    outcomes: dict[int, ChangeOutcome] = {}
    for checked in changes:
        try:
            state, outcome = _apply(state, checked)
            outcomes[checked.position] = ChangeOutcome(product_id, outcome)
        except ProductRejected as error:
            outcomes[checked.position] = ChangeOutcome(
                product_id, "rejected", error.field, error.message
            )
    return ProductPlan(product_id, stored, before, state, outcomes)


def read_state(stored: StoredDocument | None) -> ProductState:
    """Return the state that a document keeps."""
    if stored is None:
        return ProductState()
    source = stored.source
    stamp = Stamp(source.get("version"), source.get("arrival", 0))
    stamps = _read_stamps(source)
    if source.get("deleted_at"):
        return ProductState(
            stamp=stamp, stamps=stamps, pending=orjson.loads(source.get("pending") or "{}")
        )
    is_whole = "product_id" in source
    return ProductState(
        is_live=True,
        stamp=stamp,
        stamps=stamps,
        hash=source.get("product_hash"),
        sent=source.get("sent_hash"),
        fields=stored_fields(source) if is_whole else fast_part(source),
        is_partial=not is_whole,
        given={
            name: digest
            for name, digest in read_digests(source).items()
            if digest.startswith(GIVEN)
        },
    )


def order_fields(state: ProductState) -> dict[str, Any]:
    """Return the fields of a document that keep a state's place in the order."""
    fields: dict[str, Any] = {}
    if state.stamp.version is not None:
        fields["version"] = state.stamp.version
    if state.stamp.arrival:
        fields["arrival"] = state.stamp.arrival
    if last := max([state.stamp.arrival, *(one.arrival for one in state.stamps.values())]):
        fields["last_arrival"] = last
    if state.stamps:
        stamps = {path: [one.version, one.arrival] for path, one in state.stamps.items()}
        fields["field_stamps"] = _to_text(stamps)
    return fields


def tombstone(product_id: str, state: ProductState, *, at: str) -> dict[str, Any]:
    """Return the document that stands for a product that is not there.

    It keeps late deliveries from bringing the product back. at: now, in ISO 8601.
    """
    document = {"product_id": product_id, "deleted_at": at} | order_fields(state)
    if state.pending:
        document["pending"] = _to_text(state.pending)
    return document


def fast_update(plan: ProductPlan) -> dict[str, Any]:
    """Return the fields to set in the stored document when only fast ones have changed."""
    before = plan.before.fields
    values = fast_part(plan.final.fields)
    changed = {name: value for name, value in values.items() if before.get(name) != value}
    forgotten = {"sent_hash": None} if plan.before.sent and not plan.final.sent else {}
    return changed | forgotten | order_fields(plan.final)


def _to_text(value: Mapping[str, Any]) -> str:
    # Sorted, so that two versions of an index hold the same text, whatever came first.
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _read_stamps(source: Mapping[str, Any]) -> dict[str, Stamp]:
    raw = orjson.loads(source.get("field_stamps") or "{}")
    return {path: Stamp(version, arrival) for path, (version, arrival) in raw.items()}


def _apply(state: ProductState, checked: CheckedChange) -> tuple[ProductState, Outcome]:
    change = checked.change
    stamp = stamp_of(change)
    if checked.product is not None:
        return upserted(state, checked.product, stamp, sent_hash(change.fields, change.version))
    if change.operation == "delete":
        return deleted(state, stamp)
    return patched(state, change.product_id, change.fields, stamp)
