"""A product's state and what one change makes of it: pure functions.

The state does not depend on the order in which changes are delivered. An upsert or a delete sets
the whole product at its stamp; each field that a patch set after it has a stamp of its own. So a
late upsert leaves newer patches alone, a late patch reaches the fields that nobody set since, and
what was delivered before changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from indexer.documents import given_digests, product_fields, product_hash
from mappings.change_order import Stamp
from mappings.product import FAST_FIELDS, Product

Outcome = Literal["indexed", "unchanged", "deleted", "stale", "missing", "rejected"]

_ATTRIBUTES = "attributes"
_ATTRIBUTE = "attributes."
_VECTORS = "vectors"


@dataclass(frozen=True)
class ProductState:
    """A product as it is stored, or as it would be after some changes.

    is_live: False when it is deleted or was never there.
    stamp: of the last upsert or delete. stamps: by path, of fields that were patched after it;
        a path is a field's name or `attributes.<name>`.
    hash: its `product_hash`. fields: its JSON, only FAST_FIELDS of it when `is_partial`.
    sent: the `sent_hash` of the upsert that it comes from; None when something touched it since.
    given: vector field to digest, for the vectors that the shop brought.
    vectors: those of them that came with these changes.
    pending: by path, what patches of a product that is not there wait to change, should an
        older upsert come late; None to remove a field.
    """

    is_live: bool = False
    stamp: Stamp = Stamp()
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    hash: str | None = None
    sent: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    is_partial: bool = False
    given: Mapping[str, str] = field(default_factory=dict)
    vectors: Mapping[Any, tuple[float, ...]] = field(default_factory=dict)
    pending: Mapping[str, Any] = field(default_factory=dict)

    @property
    def versions(self) -> tuple[int | None, Mapping[str, int | None]]:
        """Return the shop's version of the product, and of each patched path."""
        return self.stamp.version, {path: stamp.version for path, stamp in self.stamps.items()}


def upserted(
    state: ProductState, product: Product, stamp: Stamp, sent: str | None = None
) -> tuple[ProductState, Outcome]:
    """Return the state after an upsert.

    sent: its `sent_hash`.
    Raises ProductRejected when the fields that were patched later do not fit the product.
    """
    if stamp.is_before(state.stamp):
        return state, "stale"
    later = _later(state, stamp)
    after = _whole(product)
    if later:
        after = _with_later(after, state, later, product.id)
    after = replace(
        after, sent=None if later else sent, stamp=_applied(stamp, state), stamps=later
    )
    return after, "unchanged" if is_same(after, state) else "indexed"


def deleted(state: ProductState, stamp: Stamp) -> tuple[ProductState, Outcome]:
    """Return the state after a delete."""
    if stamp.is_before(state.stamp):
        return state, "stale"
    later = _later(state, stamp)
    later.pop(_VECTORS, None)  # what the document holds of them is not at hand
    values = paths_of(state.fields) if state.is_live else state.pending
    after = ProductState(
        stamp=_applied(stamp, state),
        stamps=later,
        pending={path: values.get(path) for path in later},
    )
    return after, "deleted" if state.is_live else "missing"


def patched(
    state: ProductState, product_id: str, fields: Mapping[str, Any], stamp: Stamp
) -> tuple[ProductState, Outcome]:
    """Return the state after a patch; only a product that is there is changed by it.

    Raises ProductRejected when the patch makes it one that may not be.
    """
    changes = {
        path: value for path, value in paths_of(fields).items() if _may_set(state, path, stamp)
    }
    if not changes:
        return state, "stale" if state.is_live or state.stamp.is_ordered else "missing"
    stamps = _stamped(state, changes, stamp) if stamp.is_ordered else state.stamps
    if not state.is_live:
        if not stamp.is_ordered:
            return state, "missing"
        kept = {path: value for path, value in state.pending.items() if path in stamps}
        return replace(state, stamps=stamps, pending=kept | changes), "missing"
    spared = [path for path in stamps if path.startswith(_ATTRIBUTE)]
    merged = apply_paths(state.fields, changes, spared=spared)
    if state.is_partial:
        after = replace(state, sent=None, fields=merged)
    else:
        after = _patched_whole(state, product_id, merged, changes)
    after = replace(after, stamp=state.stamp, stamps=stamps)
    return after, "unchanged" if is_same(after, state) else "indexed"


def joined(one: ProductState, other: ProductState, product_id: str) -> ProductState:
    """Return what two copies of a product amount to, each of which may know more than the other.

    Both must be whole. Raises ProductRejected when the fields of both do not fit together.
    """
    if one.stamp.is_before(other.stamp) or (other.is_live and not one.stamp.is_ordered):
        one, other = other, one
    later = {
        path: stamp
        for path, stamp in other.stamps.items()
        if path != _VECTORS and _may_set(one, path, stamp) and one.stamps.get(path) != stamp
    }
    if not later:
        return one
    values = paths_of(other.fields) if other.is_live else other.pending
    changes = {path: values.get(path) for path in later}
    stamps = {**one.stamps, **later}
    if not one.is_live:
        return replace(one, stamps=stamps, pending={**one.pending, **changes})
    merged = apply_paths(one.fields, changes, spared=[p for p in stamps if p not in changes])
    after = _patched_whole(one, product_id, merged, changes)
    return replace(after, stamp=one.stamp, stamps=stamps)


def is_same(one: ProductState, other: ProductState) -> bool:
    """Return whether two states are the same product, whatever their stamps."""
    return (
        one.is_live == other.is_live
        and one.hash == other.hash
        and fast_part(one.fields) == fast_part(other.fields)
        and one.pending == other.pending
    )


def fast_part(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the fields that a fast change may set."""
    return {name: fields[name] for name in FAST_FIELDS if fields.get(name) is not None}


def paths_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a patch's values by path; None removes what the path names."""
    paths: dict[str, Any] = {}
    for name, value in fields.items():
        if name == _ATTRIBUTES and isinstance(value, Mapping):
            paths |= {_ATTRIBUTE + key: item for key, item in value.items()}
        else:
            paths[name] = value
    return paths


def apply_paths(
    fields: Mapping[str, Any], paths: Mapping[str, Any], *, spared: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the fields with the paths' values set.

    spared: paths of attributes that stay when all attributes are removed.
    """
    merged = dict(fields)
    attributes = dict(merged.pop(_ATTRIBUTES, None) or {})
    if _ATTRIBUTES in paths:
        kept = {path.removeprefix(_ATTRIBUTE) for path in spared}
        attributes = {name: value for name, value in attributes.items() if name in kept}
    for path, value in paths.items():
        if path == _ATTRIBUTES:
            continue
        place, name = (
            (attributes, path.removeprefix(_ATTRIBUTE))
            if path.startswith(_ATTRIBUTE)
            else (merged, path)
        )
        if value is None:
            place.pop(name, None)
        else:
            place[name] = value
    if attributes:
        merged[_ATTRIBUTES] = attributes
    return merged


def _whole(product: Product) -> ProductState:
    fields, given = product_fields(product), given_digests(product)
    return ProductState(
        is_live=True,
        hash=product_hash(fields, given),
        fields=fields,
        given=given,
        vectors=dict(product.vectors),
    )


def _with_later(
    after: ProductState, state: ProductState, stamps: Mapping[str, Stamp], product_id: str
) -> ProductState:
    """Return an upsert's state with what patches of `state` set later, at the paths of stamps."""
    values = paths_of(state.fields) if state.is_live else state.pending
    later = {path: values.get(path) for path in stamps}
    if state.is_live and _VECTORS in later:
        del later[_VECTORS]
        after = replace(after, given=state.given, vectors=state.vectors)
    return _patched_whole(after, product_id, apply_paths(after.fields, later), later)


def _patched_whole(
    state: ProductState, product_id: str, merged: Mapping[str, Any], changes: Mapping[str, Any]
) -> ProductState:
    after = _whole(Product.parse({**merged, "id": product_id}))
    if _VECTORS in changes:
        return after
    # The stored product does not show the vectors that the shop brought; they stay.
    return replace(
        after,
        hash=product_hash(after.fields, state.given),
        given=state.given,
        vectors=state.vectors,
    )


def _later(state: ProductState, stamp: Stamp) -> dict[str, Stamp]:
    return {path: later for path, later in state.stamps.items() if stamp.is_before(later)}


def _may_set(state: ProductState, path: str, stamp: Stamp) -> bool:
    if stamp.is_before(state.stamp):
        return False
    above = [path, _ATTRIBUTES] if path.startswith(_ATTRIBUTE) else [path]
    return not any(stamp.is_before(state.stamps[one]) for one in above if one in state.stamps)


def _stamped(state: ProductState, changes: Mapping[str, Any], stamp: Stamp) -> dict[str, Stamp]:
    kept = dict(state.stamps)
    if _ATTRIBUTES in changes:
        kept = {
            path: other
            for path, other in kept.items()
            if not path.startswith(_ATTRIBUTE) or stamp.is_before(other)
        }
    return kept | dict.fromkeys(changes, _applied(stamp, state))


def _applied(stamp: Stamp, state: ProductState) -> Stamp:
    """Return what a change is stamped with: without a version, it counts as of the newest."""
    if stamp.version is not None:
        return Stamp(stamp.version, stamp.arrival or state.stamp.arrival)
    known = [state.stamp, *state.stamps.values()]
    versions = [other.version for other in known if other.version is not None]
    return Stamp(max(versions, default=None), stamp.arrival or state.stamp.arrival)
