"""The state of a product does not depend on how its changes are delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.bulk_writer import StoredDocument
from indexer.change_checks import CheckedChange
from indexer.change_plan import (
    fast_update,
    needs_whole,
    order_fields,
    plan_product,
    read_state,
    tombstone,
)
from indexer.documents import sent_hash, to_document
from mappings.product import STATE_FIELDS, Product, merge_changes
from mappings.product_changes import ProductChange
from tests.indexer.conftest import delete, patch, upsert

Document = dict[str, Any]


def apply(document: Document | None, *changes: ProductChange) -> tuple[Document | None, list[str]]:
    """Apply one batch to a document as the pipeline does, and return it with the outcomes."""
    whole = needs_whole(None, changes) or needs_whole(_read(document, whole=False), changes)
    checked = [
        CheckedChange(
            number,
            change,
            Product.parse({**change.fields, "id": change.product_id})
            if change.operation == "upsert"
            else None,
        )
        for number, change in enumerate(changes)
    ]
    plan = plan_product("1", _read(document, whole=whole), checked)
    outcomes = [plan.outcomes[number].outcome for number in range(len(changes))]
    final = plan.final
    if not (plan.needs_write or plan.needs_order):
        return document, outcomes
    if not final.is_live:
        if not (final.stamp.is_ordered or final.stamps):
            return None, outcomes
        return tombstone("1", final, at=datetime.now(UTC).isoformat()), outcomes
    if final.is_partial:
        assert document is not None
        return document | fast_update(plan), outcomes
    made = to_document(final.fields, hash_of_product=final.hash or "", digests={}, sent=final.sent)
    return orjson.loads(orjson.dumps(made | order_fields(final))), outcomes


def _read(document: Document | None, *, whole: bool) -> StoredDocument | None:
    if document is None:
        return None
    source = document if whole else {k: v for k, v in document.items() if k in STATE_FIELDS}
    return StoredDocument("1", 1, 1, source, {})


def shown(document: Document | None) -> Document | None:
    """What a shop sees of a product."""
    if document is None or "deleted_at" in document:
        return None
    return dict(read_state(_read(document, whole=True)).fields)


def model(changes: Sequence[ProductChange]) -> Document | None:
    """The plain model: every change in its order, once."""
    product: Document | None = None
    for change in sorted(changes, key=lambda one: (one.version or 0, one.arrival)):
        if change.operation == "upsert":
            product = {**change.fields, "id": "1"}
        elif change.operation == "delete":
            product = None
        elif product is not None:
            product = merge_changes(product, change.fields)
    return None if product is None else {k: v for k, v in product.items() if v not in ({}, [])}


def at(change: ProductChange, arrival: int, version: int | None = None) -> ProductChange:
    return ProductChange(change.operation, "1", change.fields, version, arrival)


_VALUES = {
    "price": st.integers(0, 5),
    "availability": st.sampled_from(["in_stock", "out_of_stock"]),
    "brand": st.sampled_from(["HP", "Dell"]),
    "description": st.sampled_from(["small", "large"]),
}
_ATTRIBUTES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 3), max_size=3)
_UPSERTS = st.builds(
    lambda fields, attributes: upsert(**fields, **({"attributes": attributes or {}})),
    st.fixed_dictionaries({}, optional=_VALUES),
    _ATTRIBUTES,
)
_PATCHES = st.one_of(
    st.fixed_dictionaries(
        {}, optional={name: st.none() | values for name, values in _VALUES.items()}
    ).filter(bool),
    st.fixed_dictionaries({"price": _VALUES["price"]}),
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]), st.none() | st.integers(0, 3), min_size=1
    ).map(lambda values: {"attributes": values}),
    st.just({"attributes": None}),
    st.just({"title": "Keyboard"}),
).map(lambda fields: patch(**fields))
_CHANGES = st.lists(st.one_of(_UPSERTS, _PATCHES, _PATCHES, st.just(delete())), max_size=9)


@settings(max_examples=400, deadline=None)
@given(changes=_CHANGES, data=st.data(), versioned=st.booleans())
def test_any_delivery_ends_as_the_plain_model(changes, data, versioned):
    """Reordered, repeated and cut into batches in any way."""
    stamped = [
        at(change, arrival=number + 1, version=number if versioned else None)
        for number, change in enumerate(changes)
    ]
    repeats = data.draw(st.lists(st.sampled_from(stamped), max_size=5)) if stamped else []
    delivered = data.draw(st.permutations(stamped + repeats))
    document = None
    while delivered:
        size = data.draw(st.integers(1, 4))
        document, _ = apply(document, *delivered[:size])
        assert_repeated_is_unchanged(document, stamped)
        delivered = delivered[size:]
    assert shown(document) == model(stamped)


def assert_repeated_is_unchanged(document: Document | None, changes: Sequence[ProductChange]):
    """What the pipeline takes for unchanged by `sent_hash` alone must be so by the whole plan."""
    for change in changes:
        sent = sent_hash(change.fields, change.version)
        if change.operation == "upsert" and document and document.get("sent_hash") == sent:
            newest = replace(change, arrival=99)
            after, outcomes = apply(document, newest)
            assert outcomes == ["unchanged"]
            assert shown(after) == shown(document)


def test_a_fast_patch_leaves_the_rest_of_the_document_alone():
    first, _ = apply(None, at(upsert(price=1.0, brand="HP"), 1))
    second, outcomes = apply(first, at(patch(price=2.0), 2))
    assert outcomes == ["indexed"]
    order = {"arrival": 1, "last_arrival": 2, "field_stamps": '{"price":[null,2]}'}
    assert second == first | {"price": 2.0, "sent_hash": None} | order
    assert apply(second, at(upsert(price=2.0, brand="HP"), 3))[1] == ["unchanged"]


def test_a_late_patch_reaches_the_fields_that_nobody_set_since():
    document, _ = apply(None, at(upsert(price=1.0, brand="HP"), 1))
    document, _ = apply(document, at(patch(price=3.0), 9))
    document, outcomes = apply(document, at(patch(price=2.0, brand="Dell"), 5))
    assert outcomes == ["indexed"]
    assert shown(document) == {"id": "1", "title": "Mouse", "price": 3.0, "brand": "Dell"}
    assert apply(document, at(patch(price=2.5), 4))[1] == ["stale"]


def test_a_late_upsert_leaves_newer_patches_alone():
    document, _ = apply(None, at(upsert(price=1.0), 1, version=1))
    document, _ = apply(document, at(patch(price=7.0), 3, version=3))
    document, outcomes = apply(document, at(upsert(title="Keyboard", price=2.0), 2, version=2))
    assert outcomes == ["indexed"]
    assert shown(document) == {"id": "1", "title": "Keyboard", "price": 7.0}


def test_nothing_late_brings_a_deleted_product_back():
    document, _ = apply(None, at(upsert(), 1, version=1))
    document, outcomes = apply(document, at(delete(), 5, version=5))
    assert outcomes == ["deleted"]
    for late, expected in [
        (at(upsert(price=9.0), 4, version=4), "stale"),
        (at(patch(price=9.0), 4, version=4), "stale"),
        (at(patch(price=9.0), 6, version=6), "missing"),
    ]:
        document, outcomes = apply(document, late)
        assert (outcomes, shown(document)) == ([expected], None)
    document, outcomes = apply(document, at(upsert(price=1.0), 7, version=7))
    assert outcomes == ["indexed"]
    assert shown(document) == {"id": "1", "title": "Mouse", "price": 1.0}


def test_a_patch_that_overtook_its_product_is_not_lost():
    document, outcomes = apply(None, at(patch(price=2.0, attributes={"a": 1}), 2))
    assert (outcomes, shown(document)) == (["missing"], None)
    document, _ = apply(document, at(upsert(price=1.0, attributes={"a": 0, "b": 0}), 1))
    assert shown(document) == {
        "id": "1",
        "title": "Mouse",
        "price": 2.0,
        "attributes": {"a": 1, "b": 0},
    }


@pytest.mark.parametrize("first", [[at(upsert(), 1)], []], ids=["live", "not there yet"])
def test_two_orders_of_delivery_leave_the_same_document(first):
    changes = [at(patch(price=1.0), 2), at(patch(brand="HP"), 3)]
    one, _ = apply(None, *first, *changes)
    other, _ = apply(None, *first, *reversed(changes))
    assert one is not None
    assert other is not None
    assert {**one, "deleted_at": ""} == {**other, "deleted_at": ""}


@pytest.mark.parametrize("change", [patch(price=1.0), delete()])
def test_what_has_no_order_leaves_no_tombstone(change):
    assert apply(None, change) == (None, ["missing"])


def test_a_change_without_version_counts_as_of_the_version_that_it_found():
    document, _ = apply(None, at(upsert(), 1, version=7))
    document, _ = apply(document, at(upsert(title="Keyboard"), 2))
    assert document is not None
    assert (document["version"], document["arrival"]) == (7, 2)
    assert apply(document, at(upsert(title="Old"), 3, version=6))[1] == ["stale"]
    assert apply(document, at(upsert(title="New"), 3, version=8))[1] == ["indexed"]
