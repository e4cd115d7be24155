"""The versions of an index on a real cluster: built, swapped, rolled back, dropped."""

from __future__ import annotations

from dataclasses import replace

import pytest
from elasticsearch import Elasticsearch

from mappings.encoder_spec import EncoderSpec
from mappings.errors import InvalidQuery, UnknownIndex
from mappings.index_lifecycle import create_index, find_index, find_targets
from mappings.index_versions import (
    Rebuild,
    abandon_next,
    drop_older,
    find_next,
    find_previous,
    read_rebuild,
    start_next,
    start_rollback,
    swap,
    write_rebuild,
)

pytestmark = pytest.mark.cluster
ENCODERS = {"text_vector": EncoderSpec("hashing", "1", 64, template="{title}")}


@pytest.fixture
def live(cluster: Elasticsearch, index_name: str) -> str:
    return create_index(cluster, index_name, ENCODERS).index


def aliases(cluster: Elasticsearch, index: str) -> set[str]:
    return set(cluster.indices.get_alias(index=index)[index]["aliases"])


def started(cluster: Elasticsearch, name: str, **options: object) -> str:
    return start_next(cluster, name, ENCODERS, Rebuild(f"{name}-v1"), **options).index  # type: ignore[arg-type]


def test_next_version_gets_writes_and_no_queries(cluster, index_name, live):
    target = started(cluster, index_name)
    assert target == f"{index_name}-v2"
    assert find_index(cluster, index_name).index == live
    assert [one.index for one in find_targets(cluster, index_name)] == [live, target]
    assert aliases(cluster, target) == {f"{index_name}-next", f"{target}-write"}


def test_only_one_rebuild_at_a_time(cluster, index_name, live):
    started(cluster, index_name)
    with pytest.raises(InvalidQuery, match="is being built already.*--abandon"):
        started(cluster, index_name)
    with pytest.raises(UnknownIndex):
        start_next(cluster, f"{index_name}x", ENCODERS, Rebuild("x-v1"))


def test_how_far_it_is_lies_in_the_cluster(cluster, index_name, live):
    target = started(cluster, index_name)
    rebuild = replace(read_rebuild(cluster, target), step="verifying", copied_to="p9", total=7)
    assert write_rebuild(cluster, target, rebuild) == rebuild
    assert read_rebuild(cluster, target) == rebuild
    assert find_next(cluster, index_name).encoders == ENCODERS
    with pytest.raises(UnknownIndex, match="not made by a rebuild"):
        read_rebuild(cluster, live)


def test_swap_moves_every_alias_at_once_and_keeps_the_old_version(cluster, index_name, live):
    target = started(cluster, index_name)
    assert swap(cluster, index_name, Rebuild(live), at=5).index == target
    assert aliases(cluster, target) == {index_name, f"{index_name}-write", f"{target}-write"}
    assert aliases(cluster, live) == {f"{index_name}-previous", f"{live}-write"}
    assert read_rebuild(cluster, target).swapped_at == 5
    with pytest.raises(UnknownIndex):
        swap(cluster, index_name, Rebuild(live), at=6)


def test_rollback_makes_the_previous_version_the_next_one(cluster, index_name, live):
    with pytest.raises(UnknownIndex, match="no previous version"):
        start_rollback(cluster, index_name, slack_us=1)
    target = started(cluster, index_name)
    swap(cluster, index_name, Rebuild(live), at=1_000)
    assert start_rollback(cluster, index_name, slack_us=10).index == live
    assert read_rebuild(cluster, live) == Rebuild(target, "rollback", since=990)
    assert [one.index for one in find_targets(cluster, index_name)] == [target, live]
    swap(cluster, index_name, read_rebuild(cluster, live), at=2_000)
    assert find_index(cluster, index_name).index == live
    assert find_previous(cluster, index_name).index == target


def test_abandoned_version_is_dropped_but_never_one_to_go_back_to(cluster, index_name, live):
    target = started(cluster, index_name)
    assert abandon_next(cluster, index_name) == target
    assert not cluster.indices.exists(index=target)
    with pytest.raises(UnknownIndex):
        abandon_next(cluster, index_name)
    target = started(cluster, index_name)
    swap(cluster, index_name, Rebuild(live), at=1)
    start_rollback(cluster, index_name, slack_us=0)
    assert abandon_next(cluster, index_name) == live
    assert find_previous(cluster, index_name).index == live
    assert find_next(cluster, index_name) is None


def test_older_versions_go_and_foreign_indexes_stay(cluster, index_name, live):
    cluster.indices.create(index=f"{index_name}-v9")
    cluster.indices.create(index=f"{index_name}-vip-v1")
    second = started(cluster, index_name)
    assert second == f"{index_name}-v10"
    swap(cluster, index_name, Rebuild(live), at=1)
    assert drop_older(cluster, index_name) == []
    third = started(cluster, index_name)
    swap(cluster, index_name, Rebuild(second), at=2)
    assert drop_older(cluster, index_name) == [live]
    assert find_previous(cluster, index_name).index == second
    assert find_index(cluster, index_name).index == third
    for foreign in ("v9", "vip-v1"):
        assert cluster.indices.exists(index=f"{index_name}-{foreign}")


@pytest.mark.parametrize("quantization", ["int8_hnsw", "bbq_hnsw", "hnsw"])
def test_settings_of_the_next_version(cluster, index_name, live, quantization):
    target = started(cluster, index_name, shards=2, quantization=quantization)
    found = cluster.indices.get(index=target)[target]
    assert found["settings"]["index"]["number_of_shards"] == "2"
    vector = found["mappings"]["properties"]["text_vector"]
    assert vector["index_options"]["type"] == quantization
