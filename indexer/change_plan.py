"""What the changes of one product amount to, given what is stored: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from indexer.bulk_writer import StoredDocument
from indexer.change_checks import CheckedChange
from indexer.documents import (
    GIVEN,
    given_digests,
    product_fields,
    product_hash,
    read_digests,
    stored_fields,
)
from mappings.errors import ProductRejected
from mappings.product import Product, merge_changes
from mappings.product_changes import ProductChange

Outcome = Literal["indexed", "unchanged", "deleted", "stale", "missing", "rejected"]


@dataclass(frozen=True)
class ChangeOutcome:
    """What became of one change; field and reason when it was rejected."""

    product_id: str
    outcome: Outcome
    field: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class ProductState:
    """A product as it is stored, or as it would be after some changes.

    hash: its `product_hash`, None when there is no such product.
    fields: its JSON, empty as long as nobody needs it.
    given: vector field to digest, for the vectors that the shop brought.
    vectors: those of them that came with these changes.
    """

    hash: str | None = None
    version: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    vectors: Mapping[Any, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ProductPlan:
    """What should be written for one product, and what that means for each change.

    outcomes: by position, as they will be when the write succeeds.
    """

    product_id: str
    stored: StoredDocument | None
    final: ProductState
    outcomes: Mapping[int, ChangeOutcome]

    @property
    def needs_write(self) -> bool:
        """False when the index has all of this already."""
        if self.stored is None:
            return self.final.hash is not None
        before = self.stored.source
        return (self.final.hash, self.final.version) != (
            before.get("product_hash"),
            before.get("version"),
        )


def plan_product(
    product_id: str, stored: StoredDocument | None, changes: Sequence[CheckedChange]
) -> ProductPlan:
    """Apply a product's changes in order to what is stored.

    stored: must be whole when a patch is among the changes.
    """
    state = _stored_state(stored)
    outcomes: dict[int, ChangeOutcome] = {}
    for checked in changes:
        try:
            state, outcome = _apply(state, checked)
            outcomes[checked.position] = ChangeOutcome(product_id, outcome)
        except ProductRejected as error:
            outcomes[checked.position] = ChangeOutcome(
                product_id, "rejected", error.field, error.message
            )
    return ProductPlan(product_id, stored, state, outcomes)


def _stored_state(stored: StoredDocument | None) -> ProductState:
    if stored is None:
        return ProductState()
    source = stored.source
    given = {
        name: digest for name, digest in read_digests(source).items() if digest.startswith(GIVEN)
    }
    fields = stored_fields(source) if "product_id" in source else {}
    return ProductState(source.get("product_hash"), source.get("version"), fields, given)


def _apply(state: ProductState, checked: CheckedChange) -> tuple[ProductState, Outcome]:
    change = checked.change
    if change.version is not None and state.version is not None and change.version < state.version:
        return state, "stale"
    version = state.version if change.version is None else change.version
    if checked.product is not None:
        after = _state_of(checked.product, version)
    elif state.hash is None:
        return state, "missing"
    elif change.operation == "delete":
        return ProductState(version=version), "deleted"
    else:
        after = _patched(state, change, version)
    return after, "unchanged" if after.hash == state.hash else "indexed"


def _state_of(product: Product, version: int | None) -> ProductState:
    fields, given = product_fields(product), given_digests(product)
    return ProductState(product_hash(fields, given), version, fields, given, dict(product.vectors))


def _patched(state: ProductState, change: ProductChange, version: int | None) -> ProductState:
    merged = merge_changes(state.fields, change.fields)
    product = Product.parse({**merged, "id": change.product_id})
    after = _state_of(product, version)
    if "vectors" in change.fields:
        return after
    # The stored product does not show the vectors that the shop brought; they stay.
    return replace(
        after,
        hash=product_hash(after.fields, state.given),
        given=state.given,
        vectors=state.vectors,
    )
