"""The body of a new index, and the encoders read back from it."""

from __future__ import annotations

import copy

import pytest

from mappings.encoder_spec import EncoderSpec, external
from mappings.errors import MappingMismatch
from mappings.index_mapping import CONTRACT_VERSION, META_KEY, index_body, read_encoders

TEXT = EncoderSpec("hashing", "1", 256, template="{title}")


def test_encoders_are_read_back():
    encoders = {"text_vector": TEXT, "image_vector": external(512)}
    body = index_body(encoders)
    assert read_encoders(body["mappings"], index="products-v1") == encoders


def test_vector_field_has_the_encoders_shape():
    body = index_body({"text_vector": TEXT}, shards=3, replicas=2)
    field = body["mappings"]["properties"]["text_vector"]
    assert (field["type"], field["dims"], field["similarity"]) == ("dense_vector", 256, "cosine")
    assert field["index_options"]["confidence_interval"] == 1.0, "8.19 cuts components off"
    assert body["settings"]["index"]["number_of_shards"] == 3
    assert body["settings"]["index"]["number_of_replicas"] == 2


def test_index_without_encoder_has_no_vector_field():
    body = index_body({})
    assert not {"text_vector", "image_vector"} & set(body["mappings"]["properties"])
    assert read_encoders(body["mappings"], index="i") == {}


def test_every_body_is_a_copy_of_its_own():
    first = index_body({"text_vector": TEXT})
    kept = copy.deepcopy(first)
    second = index_body({"image_vector": external(4)}, shards=5)
    assert first == kept
    assert "text_vector" not in second["mappings"]["properties"]


def test_top_level_is_strict_so_that_no_field_slips_in():
    assert index_body({})["mappings"]["dynamic"] == "strict"


def test_unknown_vector_field_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="sound_vector"):
        index_body({"sound_vector": TEXT})


@pytest.mark.parametrize(
    ("mappings", "words"),
    [
        ({}, "was not made by Shelfwise"),
        ({"_meta": {}}, "was not made by Shelfwise"),
        ({"_meta": {"other": {"contract": 1}}}, "was not made by Shelfwise"),
        ({"_meta": {META_KEY: {"contract": CONTRACT_VERSION + 1}}}, "rebuild the index"),
        ({"_meta": {META_KEY: {"encoders": {}}}}, "follows contract None"),
        (
            {"_meta": {META_KEY: {"contract": CONTRACT_VERSION, "encoders": {"text_vector": {}}}}},
            "text_vector",
        ),
    ],
    ids=["bare", "no key", "foreign", "later contract", "no contract", "unreadable spec"],
)
def test_mapping_that_is_not_ours_is_refused(mappings, words):
    with pytest.raises(MappingMismatch, match=words):
        read_encoders(mappings, index="products-v1")
