"""Sets of ids in little memory, and what a cluster's index has besides."""

from __future__ import annotations

import pytest

from indexer.connectors.product_ids import ProductIds, find_absent
from mappings.errors import TooManyDeletes
from tests.indexer.conftest import delete, upsert


def test_absent_are_those_that_were_not_added():
    ids = ProductIds(f"p{n}" for n in range(1_000))
    ids.add(["p1", "extra"])
    assert len(ids) == 1_001
    assert ids.absent(["p0", "p1000", "p999", "extra", "x"]) == ["p1000", "x"]


def test_empty_set_lacks_everything():
    assert ProductIds().absent(["a", "b"]) == ["a", "b"]
    assert ProductIds(["a"]).absent([]) == []


@pytest.mark.cluster
def test_products_that_are_not_there_are_found_and_newer_ones_left_alone(index, pipeline, cluster):
    from dataclasses import replace

    changes = [replace(upsert(f"p{n}"), arrival=1_000 + n) for n in range(10)]
    changes += [replace(upsert("gone"), arrival=1_100), replace(delete("gone"), arrival=1_101)]
    pipeline.process(index, changes)
    present = ProductIds(f"p{n}" for n in range(8))
    absent = find_absent(cluster, index, present, before=2_000, max_share=0.2)
    assert sorted(absent) == ["p8", "p9"]
    assert find_absent(cluster, index, present, before=1_009, max_share=0.2) == ["p8"]
    with pytest.raises(TooManyDeletes, match="2 of 10 products") as caught:
        find_absent(cluster, index, present, before=2_000, max_share=0.19)
    assert caught.value.field == "max_delete"
