"""Products of one version brought into the next one, through the pipeline."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from elasticsearch import Elasticsearch

from indexer.bulk_writer import BulkWriter
from indexer.encoder_pool import EncoderPool
from indexer.pipeline import Pipeline
from mappings.encoder_spec import EncoderSpec
from mappings.index_lifecycle import find_index
from mappings.index_versions import Rebuild, start_next
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome
from tests.indexer.conftest import DIMS, RecordingEncoder, delete, patch, upsert

pytestmark = pytest.mark.cluster


def stamped(change: ProductChange, arrival: int) -> ProductChange:
    return ProductChange(
        change.operation, change.product_id, change.fields, change.version, arrival
    )


def copies(*product_ids: str) -> list[ProductChange]:
    return [ProductChange("copy", name, {}) for name in product_ids]


def next_version(cluster: Elasticsearch, index: str, spec: EncoderSpec, **options: object) -> str:
    rebuild = Rebuild(find_index(cluster, index).index, options=options)
    return start_next(cluster, index, {"text_vector": spec}, rebuild).index


def whole(cluster: Elasticsearch, version: str, product_id: str) -> dict:
    document = BulkWriter(cluster).read(version, [product_id], whole=frozenset([product_id]))
    return {**document[product_id].source, **document[product_id].vectors}


def test_copy_takes_vectors_stamps_and_tombstones_along(pipeline, cluster, index, encoder):
    pipeline.process(index, [stamped(upsert("1", brand="HP", price=1.0), 1)])
    pipeline.process(index, [stamped(patch("1", price=2.0), 5)])
    pipeline.process(index, [stamped(upsert("2"), 2)])
    pipeline.process(index, [stamped(delete("2"), 3)])
    target = next_version(cluster, index, encoder.spec)
    encoder.texts.clear()
    outcome = pipeline.process(index, copies("1", "2", "no-such"))
    assert outcome == BatchOutcome(indexed=2, missing=1)
    assert encoder.texts == []
    source, copied = whole(cluster, f"{index}-v1", "1"), whole(cluster, target, "1")
    np.testing.assert_allclose(source.pop("text_vector"), copied.pop("text_vector"), atol=1e-6)
    assert source == copied
    assert "deleted_at" in whole(cluster, target, "2")
    assert pipeline.process(index, copies("1", "2")) == BatchOutcome(unchanged=2)


def test_copy_joins_what_the_next_version_got_before(pipeline, cluster, index, encoder):
    pipeline.process(index, [stamped(upsert("1", price=1.0, brand="HP"), 1)])
    pipeline.process(index, [stamped(upsert("2"), 2)])
    pipeline.process(index, [stamped(upsert("3"), 3)])
    target = next_version(cluster, index, encoder.spec)
    pipeline.process(index, [stamped(patch("1", price=9.0), 11)])
    pipeline.process(index, [stamped(upsert("2", title="Keyboard"), 12)])
    pipeline.process(index, [stamped(delete("3"), 13)])
    assert "pending" in whole(cluster, target, "1")
    pipeline.process(index, copies("1", "2", "3"))
    for name in ("1", "2", "3"):
        ours, theirs = whole(cluster, f"{index}-v1", name), whole(cluster, target, name)
        for document in (ours, theirs):
            document.pop("text_vector", None)
            document.pop("deleted_at", None)
        assert ours == theirs


def test_another_encoder_or_template_encodes_again(cluster, index, encoder):
    other = RecordingEncoder(spec=EncoderSpec("other", "1", DIMS, template="{title}"))
    pipeline = Pipeline(cluster, EncoderPool(encoder, load=lambda spec: other))
    pipeline.process(index, [stamped(upsert("1", brand="HP"), 1)])
    target = next_version(cluster, index, other.spec)
    assert pipeline.process(index, copies("1")) == BatchOutcome(indexed=1)
    assert (encoder.texts, other.texts) == (["Mouse. HP"], ["Mouse"])
    np.testing.assert_allclose(
        whole(cluster, target, "1")["text_vector"], other.vector("Mouse"), atol=1e-6
    )
    assert pipeline.process(index, copies("1")) == BatchOutcome(unchanged=1)
    assert other.texts == ["Mouse"]


def test_fields_are_remapped_on_the_way(pipeline, cluster, index, encoder):
    pipeline.process(index, [upsert("1", attributes={"maker": "HP", "colour": "red"})])
    pipeline.process(index, [upsert("2", title="No maker")])
    rules = {
        "name": "makers",
        "fields": {"id": "id", "title": "title", "brand": "attributes.maker"},
        "attributes": [{"from": "attributes", "spread": True}],
    }
    target = next_version(cluster, index, encoder.spec, map=orjson.dumps(rules).decode())
    assert pipeline.process(index, copies("1", "2")) == BatchOutcome(indexed=2)
    assert whole(cluster, target, "1")["brand"] == "HP"
    np.testing.assert_allclose(
        whole(cluster, target, "1")["text_vector"], encoder.vector("Mouse. HP"), atol=1e-6
    )
    assert "brand" not in whole(cluster, f"{index}-v1", "1")


def test_fill_reaches_the_next_version_alone(pipeline, cluster, index, encoder):
    pipeline.process(index, [stamped(upsert("1", price=1.0), 1)])
    target = next_version(cluster, index, encoder.spec)
    fill = ProductChange("fill", "1", {"title": "Mouse", "price": 2.0}, arrival=2)
    assert pipeline.process(index, [fill]) == BatchOutcome(indexed=1)
    assert whole(cluster, target, "1")["price"] == 2.0
    assert whole(cluster, f"{index}-v1", "1")["price"] == 1.0


def test_copy_without_a_next_version_does_nothing(pipeline, index):
    pipeline.process(index, [upsert("1")])
    assert pipeline.process(index, copies("1")) == BatchOutcome(missing=1)
