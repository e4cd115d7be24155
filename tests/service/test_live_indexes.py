"""What an alias points at is remembered briefly, and a fault never."""

from __future__ import annotations

import pytest

from mappings.encoder_spec import EncoderSpec, external
from mappings.errors import EncoderMismatch, InvalidQuery, UnknownIndex
from mappings.index_lifecycle import (
    LiveIndex,
    create_index,
    drop_index,
    require_text_encoder,
)
from service.live_indexes import LiveIndexes

pytestmark = pytest.mark.cluster
SPEC = EncoderSpec("hashing", "1", 8)
OTHER = EncoderSpec("hashing", "2", 8)


def fitting(live: LiveIndex) -> LiveIndex:
    return require_text_encoder(live, SPEC)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def indexes(cluster, index_name, clock) -> LiveIndexes:
    return LiveIndexes(cluster, fitting, served=[index_name], ttl_seconds=2.0, clock=clock)


def test_index_is_remembered_for_its_time(cluster, index_name, indexes, clock):
    create_index(cluster, index_name, {"text_vector": SPEC})
    live = indexes.get(index_name)
    drop_index(cluster, index_name)
    clock.now = 1.9
    assert indexes.get(index_name) is live
    clock.now = 2.1
    with pytest.raises(UnknownIndex):
        indexes.get(index_name)


def test_missing_index_is_found_as_soon_as_it_is_there(cluster, index_name, indexes):
    with pytest.raises(UnknownIndex):
        indexes.get(index_name)
    create_index(cluster, index_name, {"text_vector": SPEC})
    assert indexes.get(index_name).index == f"{index_name}-v1"


def test_other_encoder_is_refused_each_time(cluster, index_name, indexes):
    create_index(cluster, index_name, {"text_vector": OTHER})
    for _ in range(2):
        with pytest.raises(EncoderMismatch):
            indexes.get(index_name)
    with pytest.raises(EncoderMismatch):
        indexes.check_all()


@pytest.mark.parametrize(
    "encoders", [{}, {"text_vector": external(4)}, {"image_vector": OTHER}], ids=str
)
def test_index_whose_text_is_not_ours_to_encode_is_served(cluster, index_name, indexes, encoders):
    create_index(cluster, index_name, encoders)
    assert indexes.get(index_name).encoders == encoders
    assert [live.name for live in indexes.check_all()] == [index_name]


def test_index_that_is_not_served_is_unknown_and_its_encoder_does_not_matter(
    cluster, index_name, clock
):
    create_index(cluster, index_name, {"text_vector": OTHER})
    indexes = LiveIndexes(cluster, fitting, served=["another"], ttl_seconds=2.0, clock=clock)
    with pytest.raises(UnknownIndex):
        indexes.get(index_name)
    assert indexes.check_all() == []


@pytest.mark.parametrize("name", ["*", "_all", "a,b", ""])
def test_name_that_could_reach_others_is_refused(indexes, name):
    with pytest.raises(InvalidQuery):
        indexes.get(name)
