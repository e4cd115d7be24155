"""A product that comes again as it was sent before."""

from __future__ import annotations

import pytest

from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome
from tests.indexer.conftest import delete, patch, stored, upsert

pytestmark = pytest.mark.cluster


def test_same_upsert_word_for_word_is_not_even_checked(pipeline, cluster, index, monkeypatch):
    change = upsert(price=1.0, version=4)
    pipeline.process(index, [change, upsert("2")])
    monkeypatch.setattr("indexer.pipeline.check_change", _fail)
    assert pipeline.process(index, [change, upsert("2")]) == BatchOutcome(unchanged=2)


@pytest.mark.parametrize(
    "between",
    [patch(price=2.0), patch(attributes={"a": 1}), patch(title="Keyboard"), delete()],
    ids=["fast", "attributes", "title", "delete"],
)
def test_same_upsert_undoes_what_came_between(pipeline, cluster, index, between):
    pipeline.process(index, [upsert(price=1.0)])
    before = stored(cluster, index)
    pipeline.process(index, [between])
    assert pipeline.process(index, [upsert(price=1.0)]) == BatchOutcome(indexed=1)
    after = stored(cluster, index)
    for document in (before, after):
        document.pop("_seq_no")
        document["text_vector"] = document["text_vector"].tolist()
    assert after == before


def test_same_upsert_with_another_change_of_the_product_keeps_its_place(pipeline, cluster, index):
    pipeline.process(index, [upsert(price=1.0)])
    outcome = pipeline.process(index, [patch(price=2.0), upsert(price=1.0)])
    assert outcome.indexed == 2
    assert stored(cluster, index)["price"] == 1.0


@pytest.mark.parametrize("product_id", [None, 5, ""])
def test_id_that_is_none_rejects_its_own_change_alone(pipeline, index, product_id):
    odd = ProductChange("upsert", product_id, {"title": "Mouse"})
    outcome = pipeline.process(index, [odd, upsert("2")])
    assert (outcome.indexed, outcome.rejected) == (1, 1)


def _fail(*_: object) -> None:
    raise AssertionError("should not be called")
