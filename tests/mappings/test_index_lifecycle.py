"""Creating, finding and dropping an index on a real cluster."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from elasticsearch import Elasticsearch

from mappings.encoder_spec import EncoderSpec, external
from mappings.errors import EncoderMismatch, InvalidQuery, MappingMismatch, UnknownIndex
from mappings.index_lifecycle import (
    create_index,
    drop_index,
    find_index,
    list_indexes,
    require_encoders,
)

pytestmark = pytest.mark.cluster
SPEC = EncoderSpec("hashing", "1", 8, template="{title}")
ENCODERS = {"text_vector": SPEC}


def test_created_index_stands_behind_both_aliases(cluster: Elasticsearch, index_name):
    live = create_index(cluster, index_name, ENCODERS)
    assert (live.name, live.index) == (index_name, f"{index_name}-v1")
    assert live.encoders == ENCODERS
    aliases = cluster.indices.get_alias(index=live.index)[live.index]["aliases"]
    assert set(aliases) == {index_name, f"{index_name}-write", f"{index_name}-v1-write"}
    assert aliases[f"{index_name}-write"]["is_write_index"] is True


def test_creating_again_returns_the_index_there_is(cluster, index_name):
    first = create_index(cluster, index_name, ENCODERS)
    cluster.index(index=f"{index_name}-write", id="1", document={"title": "Mouse"})
    assert create_index(cluster, index_name, ENCODERS) == first
    assert cluster.exists(index=index_name, id="1")


def test_of_callers_at_once_one_creates_and_all_get_it(cluster, index_name):
    callers = 6
    start = threading.Barrier(callers)

    def create(_):
        start.wait()
        return create_index(cluster, index_name, ENCODERS)

    with ThreadPoolExecutor(callers) as pool:
        found = list(pool.map(create, range(callers)))
    assert found == [found[0]] * callers
    assert list(cluster.indices.get(index=f"{index_name}*")) == [f"{index_name}-v1"]


def test_other_encoder_is_refused_and_nothing_is_changed(cluster, index_name):
    live = create_index(cluster, index_name, ENCODERS)
    with pytest.raises(EncoderMismatch, match="revision"):
        create_index(cluster, index_name, {"text_vector": replace(SPEC, revision="2")})
    with pytest.raises(MappingMismatch, match="image_vector"):
        create_index(cluster, index_name, {**ENCODERS, "image_vector": external(4)})
    assert find_index(cluster, index_name) == live


def test_index_name_is_checked_before_the_cluster_is_asked(cluster):
    with pytest.raises(InvalidQuery):
        create_index(cluster, "*", ENCODERS)
    with pytest.raises(InvalidQuery):
        find_index(cluster, "_all")


def test_dropped_index_is_unknown(cluster, index_name):
    create_index(cluster, index_name, ENCODERS)
    assert drop_index(cluster, index_name) == f"{index_name}-v1"
    with pytest.raises(UnknownIndex, match=index_name):
        find_index(cluster, index_name)
    with pytest.raises(UnknownIndex):
        drop_index(cluster, index_name)


def test_foreign_index_is_never_taken_for_ours(cluster, index_name):
    cluster.indices.create(index=f"{index_name}-v1", aliases={index_name: {}})
    with pytest.raises(MappingMismatch, match="not made by Shelfwise"):
        find_index(cluster, index_name)
    with pytest.raises(MappingMismatch):
        create_index(cluster, index_name, ENCODERS)
    with pytest.raises(MappingMismatch):
        drop_index(cluster, index_name)
    assert cluster.indices.exists(index=f"{index_name}-v1")
    assert index_name not in [live.name for live in list_indexes(cluster)]


def test_alias_over_two_indexes_is_refused(cluster, index_name):
    create_index(cluster, index_name, ENCODERS)
    cluster.indices.create(index=f"{index_name}-v2", aliases={index_name: {}})
    with pytest.raises(MappingMismatch, match="several indexes"):
        find_index(cluster, index_name)


def test_list_names_each_index_once_by_its_read_alias(cluster, index_name):
    live = create_index(cluster, index_name, ENCODERS)
    cluster.indices.put_alias(index=live.index, name=f"{index_name}-other")
    assert [found for found in list_indexes(cluster) if found.name.startswith(index_name)] == [
        live
    ]


def test_require_encoders_names_the_missing_field(cluster, index_name):
    live = create_index(cluster, index_name, {})
    with pytest.raises(MappingMismatch, match="it has none") as caught:
        require_encoders(live, ENCODERS)
    assert caught.value.field == "text_vector"


def test_document_with_a_field_of_no_contract_is_refused(cluster, index_name):
    create_index(cluster, index_name, ENCODERS)
    with pytest.raises(Exception, match="strict"):
        cluster.index(index=index_name, id="1", document={"colour": "red"})
