"""Batches of changes against a real Elasticsearch."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from indexer.encoder_pool import EncoderPool
from indexer.pipeline import Pipeline
from mappings.encoder_spec import EncoderSpec, external
from mappings.errors import EncoderMismatch, EncoderNeeded, MappingMismatch, UnknownIndex
from mappings.index_lifecycle import create_index
from mappings.index_mapping import index_body
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome
from tests.indexer.conftest import DIMS, RecordingEncoder, delete, patch, stored, upsert

pytestmark = pytest.mark.cluster
GIVEN = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def counts(outcome: BatchOutcome) -> dict[str, int]:
    names = ("indexed", "unchanged", "deleted", "stale", "missing", "rejected")
    return {name: value for name in names if (value := getattr(outcome, name))}


def test_new_product_is_stored_with_its_vector(pipeline, cluster, index, encoder):
    outcome = pipeline.process(index, [upsert(brand="HP", price=12.5, version=3)])
    assert outcome == BatchOutcome(indexed=1)
    document = stored(cluster, index)
    assert document["title"] == "Mouse"
    assert document["price"] == 12.5
    assert document["version"] == 3
    assert document["parent_id"] == document["product_id"] == "1"
    np.testing.assert_allclose(document["text_vector"], encoder.vector("Mouse. HP"), atol=1e-6)


def test_same_product_again_costs_neither_encoder_nor_write(pipeline, cluster, index, encoder):
    pipeline.process(index, [upsert(attributes={"weight": 3.0, "colour": "red"})])
    before, encoder.texts[:] = stored(cluster, index), []
    outcome = pipeline.process(index, [upsert(attributes={"colour": "red", "weight": 3})])
    assert outcome == BatchOutcome(unchanged=1)
    assert encoder.texts == []
    assert stored(cluster, index)["_seq_no"] == before["_seq_no"]


def test_same_product_of_newer_version_is_written_but_not_encoded(
    pipeline, cluster, index, encoder
):
    pipeline.process(index, [upsert(version=1)])
    vector, encoder.texts[:] = stored(cluster, index)["text_vector"], []
    assert pipeline.process(index, [upsert(version=2)]) == BatchOutcome(unchanged=1)
    assert stored(cluster, index)["version"] == 2
    np.testing.assert_array_equal(stored(cluster, index)["text_vector"], vector)
    assert encoder.texts == []


def test_price_change_keeps_the_stored_vector(pipeline, cluster, index, encoder):
    pipeline.process(index, [upsert(price=1.0, attributes={"colour": "red", "size": "L"})])
    vector, encoder.texts[:] = stored(cluster, index)["text_vector"], []
    outcome = pipeline.process(index, [upsert(price=2.0, attributes={"colour": "blue"})])
    assert outcome == BatchOutcome(indexed=1)
    document = stored(cluster, index)
    assert document["price"] == 2.0
    assert document["attributes"] == {"colour": "blue"}
    np.testing.assert_array_equal(document["text_vector"], vector)
    assert encoder.texts == []


def test_title_change_encodes_again(pipeline, cluster, index, encoder):
    pipeline.process(index, [upsert()])
    pipeline.process(index, [upsert(title="Keyboard")])
    np.testing.assert_allclose(
        stored(cluster, index)["text_vector"], encoder.vector("Keyboard"), atol=1e-6
    )


def test_equal_texts_are_encoded_once(pipeline, index, encoder):
    pipeline.process(index, [upsert(str(number), price=float(number)) for number in range(5)])
    assert encoder.texts == ["Mouse"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(upsert(version=5), upsert(version=4, price=1.0), {"stale": 1}, id="upsert"),
        pytest.param(upsert(version=5), patch(version=4, price=1.0), {"stale": 1}, id="patch"),
        pytest.param(upsert(version=5), delete(version=4), {"stale": 1}, id="delete"),
        pytest.param(upsert(version=5), upsert(version=5), {"unchanged": 1}, id="equal"),
        pytest.param(upsert(version=5), upsert(price=1.0), {"indexed": 1}, id="without version"),
        pytest.param(upsert(version=5), delete(version=5), {"deleted": 1}, id="delete at equal"),
        pytest.param(upsert("2"), patch(price=1.0), {"missing": 1}, id="patch never resurrects"),
        pytest.param(upsert("2"), delete(), {"missing": 1}, id="delete of nothing"),
    ],
)
def test_version_decides(pipeline, index, first, second, expected):
    pipeline.process(index, [first])
    assert counts(pipeline.process(index, [second])) == expected


def test_patch_merges_into_what_is_stored(pipeline, cluster, index, encoder):
    pipeline.process(index, [upsert(brand="HP", price=1.0, attributes={"a": 1, "b": "x"})])
    encoder.texts.clear()
    outcome = pipeline.process(index, [patch(price=2.0, attributes={"a": None, "c": True})])
    assert outcome == BatchOutcome(indexed=1)
    document = stored(cluster, index)
    assert (document["brand"], document["price"]) == ("HP", 2.0)
    assert document["attributes"] == {"b": "x", "c": True}
    assert encoder.texts == []
    pipeline.process(index, [patch(brand=None)])
    assert "brand" not in stored(cluster, index)
    assert encoder.texts == ["Mouse"]


def test_patch_that_changes_nothing_is_unchanged(pipeline, index):
    pipeline.process(index, [upsert(price=2.0, released_at="2020-01-02T03:04:05+02:00")])
    outcome = pipeline.process(
        index, [patch(price=2.0), patch(released_at="2020-01-02T01:04:05Z")]
    )
    assert outcome == BatchOutcome(unchanged=2)


def test_changes_of_one_product_apply_in_order_and_are_written_once(pipeline, cluster, index):
    outcome = pipeline.process(
        index,
        [
            upsert(price=1.0),
            patch(price=2.0),
            delete(),
            patch(price=3.0),
            upsert(title="Keyboard", price=4.0),
            patch(price=-1.0),
            patch(price=5.0),
        ],
    )
    assert counts(outcome) == {"indexed": 4, "deleted": 1, "missing": 1, "rejected": 1}
    assert outcome.rejects[0].position == 5
    document = stored(cluster, index)
    assert (document["title"], document["price"]) == ("Keyboard", 5.0)
    assert cluster.get(index=index, id="1")["_version"] == 1


def test_deleted_product_is_gone(pipeline, cluster, index):
    pipeline.process(index, [upsert()])
    assert pipeline.process(index, [delete()]) == BatchOutcome(deleted=1)
    assert not cluster.exists(index=index, id="1")


def test_bad_product_is_rejected_with_its_reason_and_its_neighbours_are_indexed(pipeline, index):
    outcome = pipeline.process(
        index,
        [
            upsert("1"),
            upsert("2", price=-3),
            upsert("3", colour="red"),
            upsert("4", title=""),
            ProductChange("upsert", "5", {"id": "6", "title": "Mouse"}),
            upsert("7", version=-1),
            ProductChange("replace", "8", {}),  # type: ignore[arg-type]
            patch("9"),
            upsert("10"),
        ],
    )
    assert counts(outcome) == {"indexed": 2, "rejected": 7}
    assert [(r.product_id, r.field, r.position) for r in outcome.rejects] == [
        ("2", "price", 1),
        ("3", "colour", 2),
        ("4", "title", 3),
        ("5", "id", 4),
        ("7", "version", 5),
        ("8", "operation", 6),
        ("9", "product", 7),
    ]
    assert "-3" in outcome.rejects[0].reason


def test_document_that_elasticsearch_refuses_is_rejected_alone(
    pipeline, cluster, index_name, encoder
):
    body = index_body({"text_vector": encoder.spec})
    body["mappings"]["properties"]["title"] = {"type": "integer"}
    aliases = {index_name: {}, f"{index_name}-v1-write": {}}
    cluster.indices.create(index=f"{index_name}-v1", aliases=aliases, **body)
    outcome = pipeline.process(index_name, [upsert("1"), upsert("2", title="7")])
    assert counts(outcome) == {"indexed": 1, "rejected": 1}
    assert outcome.rejects[0].product_id == "1"
    assert "failed to parse field [title] of type [integer]" in outcome.rejects[0].reason
    assert cluster.exists(index=index_name, id="2")


def test_text_that_breaks_the_encoder_is_rejected_alone(pipeline, index, encoder):
    encoder.poison = "Poison"
    outcome = pipeline.process(
        index, [upsert("1"), upsert("2", title="Poison"), upsert("3", title="Cable")]
    )
    assert counts(outcome) == {"indexed": 2, "rejected": 1}
    assert outcome.rejects[0].product_id == "2"
    assert "the model fell over" in outcome.rejects[0].reason


def test_given_vector_is_stored_and_survives_a_patch(pipeline, cluster, index, encoder):
    pipeline.process(index, [upsert(vectors={"text_vector": GIVEN})])
    pipeline.process(index, [patch(title="Keyboard", price=2.0)])
    document = stored(cluster, index)
    np.testing.assert_allclose(document["text_vector"], GIVEN, atol=1e-6)
    assert (document["title"], document["price"]) == ("Keyboard", 2.0)
    assert encoder.texts == []
    again = upsert(title="Keyboard", price=2.0, vectors={"text_vector": GIVEN})
    assert pipeline.process(index, [again]) == BatchOutcome(unchanged=1)


def test_product_that_brings_no_vector_any_more_is_encoded(pipeline, cluster, index, encoder):
    pipeline.process(index, [upsert(vectors={"text_vector": GIVEN})])
    pipeline.process(index, [patch(vectors=None)])
    np.testing.assert_allclose(
        stored(cluster, index)["text_vector"], encoder.vector("Mouse"), atol=1e-6
    )


@pytest.mark.parametrize(
    ("vectors", "reason"),
    [
        ({"text_vector": [1.0, 2.0]}, "should have 8 numbers as in the index, has 2"),
        ({"image_vector": GIVEN}, "has no such vector field"),
        ({"text_vector": [1e39] * DIMS}, "32-bit"),
    ],
    ids=["dims", "field", "overflow"],
)
@pytest.mark.parametrize("change", [upsert, patch])
def test_vector_that_does_not_fit_is_rejected_by_name(pipeline, index, change, vectors, reason):
    pipeline.process(index, [upsert()])
    (reject,) = pipeline.process(index, [change(vectors=vectors)]).rejects
    assert reject.field == f"vectors.{next(iter(vectors))}"
    assert reason in reject.reason


def test_index_of_the_shops_own_vectors_is_never_encoded(cluster, index_name, pipeline, encoder):
    create_index(
        cluster, index_name, {"text_vector": external(DIMS), "image_vector": external(DIMS)}
    )
    outcome = pipeline.process(
        index_name, [upsert("1", vectors={"image_vector": GIVEN}), upsert("2")]
    )
    assert outcome == BatchOutcome(indexed=2)
    assert encoder.texts == []
    pipeline.process(index_name, [patch("1", price=1.0)])
    np.testing.assert_allclose(stored(cluster, index_name)["image_vector"], GIVEN, atol=1e-6)


def test_index_of_another_encoder_is_refused(cluster, index_name, pipeline):
    create_index(cluster, index_name, {"text_vector": EncoderSpec("other", "1", DIMS)})
    with pytest.raises(EncoderMismatch, match="recording"):
        pipeline.process(index_name, [upsert()])


def test_unknown_and_foreign_indexes_are_refused(cluster, index_name, pipeline):
    with pytest.raises(UnknownIndex):
        pipeline.process(index_name, [upsert()])
    cluster.indices.create(index=f"{index_name}-v1", aliases={index_name: {}})
    with pytest.raises(MappingMismatch):
        pipeline.process(index_name, [upsert()])


def test_two_patches_at_once_are_both_kept(cluster, index, encoder):
    """Eight threads add one attribute each; each must find the others' work."""
    Pipeline(cluster, encoder).process(index, [upsert()])
    writers = 8
    start = threading.Barrier(writers)

    def add(number: int) -> BatchOutcome:
        start.wait()
        return Pipeline(cluster, encoder).process(
            index, [patch(attributes={f"a{number}": number})]
        )

    with ThreadPoolExecutor(writers) as pool:
        outcomes = list(pool.map(add, range(writers)))
    assert outcomes == [BatchOutcome(indexed=1)] * writers
    assert stored(cluster, index)["attributes"] == {f"a{n}": n for n in range(writers)}


def test_two_creations_at_once_end_as_one_product(cluster, index, encoder):
    start = threading.Barrier(4)

    def create(number: int) -> BatchOutcome:
        start.wait()
        return Pipeline(cluster, encoder).process(index, [upsert(version=number)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(create, range(4)))
    assert stored(cluster, index)["version"] == 3


def test_fast_patch_writes_its_fields_alone_and_keeps_vectors(pipeline, cluster, index, encoder):
    pipeline.process(index, [upsert(price=1.0, brand="HP", version=1)])
    before, encoder.texts[:] = stored(cluster, index), []
    assert pipeline.process(index, [patch(price=2.0, version=2)]) == BatchOutcome(indexed=1)
    after = stored(cluster, index)
    assert (after["price"], after["brand"], after["version"]) == (2.0, "HP", 1)
    np.testing.assert_allclose(after["text_vector"], before["text_vector"], atol=1e-6)
    assert encoder.texts == []
    again = upsert(price=2.0, brand="HP", version=2)
    assert pipeline.process(index, [again]) == BatchOutcome(unchanged=1)
    assert encoder.texts == []
    cluster.indices.refresh(index=index)
    knn = {"field": "text_vector", "query_vector": encoder.vector("Mouse. HP").tolist(), "k": 1}
    assert cluster.search(index=index, knn=knn)["hits"]["hits"][0]["_id"] == "1"


def test_worker_without_encoder_does_what_needs_none(pipeline, cluster, index):
    pipeline.process(index, [upsert(price=1.0)])
    fast = Pipeline(cluster, EncoderPool(None))
    assert fast.process(index, [patch(price=2.0)]) == BatchOutcome(indexed=1)
    assert fast.process(index, [patch(attributes={"a": 1})]) == BatchOutcome(indexed=1)
    with pytest.raises(EncoderNeeded, match=index):
        fast.process(index, [patch(title="Keyboard")])
    assert fast.process(index, [delete(version=3)]) == BatchOutcome(deleted=1)


def test_tombstone_outlives_late_deliveries(pipeline, cluster, index):
    pipeline.process(index, [upsert(version=1)])
    assert pipeline.process(index, [delete(version=5)]) == BatchOutcome(deleted=1)
    assert pipeline.process(index, [upsert(version=4)]) == BatchOutcome(stale=1)
    assert pipeline.process(index, [patch(price=1.0, version=6)]) == BatchOutcome(missing=1)
    document = stored(cluster, index)
    assert "title" not in document
    assert "text_vector" not in document
    assert pipeline.process(index, [upsert(version=7)]) == BatchOutcome(indexed=1)
    assert "deleted_at" not in stored(cluster, index)


def test_arrival_alone_is_written_only_when_older_changes_may_come(cluster, index, encoder):
    class Waiting:
        counts: dict[str, int] = {}

        def in_flight(self, index: str, product_ids: list[str]) -> dict[str, int]:
            return self.counts

    pipeline = Pipeline(cluster, encoder, in_flight=Waiting())
    pipeline.process(index, [arrived(upsert(price=1.0), 10)])
    pipeline.process(index, [arrived(upsert(price=1.0), 20)])
    assert stored(cluster, index)["arrival"] == 10
    Waiting.counts = {"1": 2}
    assert pipeline.process(index, [arrived(upsert(price=1.0), 30)]) == BatchOutcome(unchanged=1)
    assert stored(cluster, index)["arrival"] == 30
    assert pipeline.process(index, [arrived(patch(price=9.0), 25)]) == BatchOutcome(stale=1)


def test_changes_reach_the_version_that_is_being_built(cluster, index, encoder):
    other = RecordingEncoder(spec=EncoderSpec("other", "1", DIMS, template="{title}"))
    pipeline = Pipeline(cluster, EncoderPool(encoder, load=lambda spec: other))
    pipeline.process(index, [upsert("1")])
    body = index_body({"text_vector": other.spec})
    aliases = {f"{index}-next": {}, f"{index}-v2-write": {}}
    cluster.indices.create(index=f"{index}-v2", aliases=aliases, **body)
    assert pipeline.process(index, [upsert("2", brand="HP")]) == BatchOutcome(indexed=1)
    assert other.texts == ["Mouse"]
    assert not cluster.exists(index=f"{index}-v2", id="1")
    for version in ("v1", "v2"):
        assert cluster.exists(index=f"{index}-{version}", id="2")
    cluster.indices.delete(index=f"{index}-v2")
    assert pipeline.process(index, [upsert("3")]) == BatchOutcome(indexed=1)
    assert not cluster.indices.exists(index=f"{index}-v2")


def arrived(change: ProductChange, arrival: int) -> ProductChange:
    return ProductChange(
        change.operation, change.product_id, change.fields, change.version, arrival
    )
