"""Indexes that cannot be attached, and what is said about them."""

from __future__ import annotations

import pytest

from mappings.attachments import Attachments
from mappings.errors import AttachRefused, MissingSetting, UnknownIndex
from tests.indexer.attach.shop import product

pytestmark = pytest.mark.cluster

TITLE = {"properties": {"produktname": {"type": "text"}, "beschreibung": {"type": "text"}}}
PLAIN = {"title": ("produktname",)}


@pytest.mark.parametrize(
    ("mappings", "settings", "says"),
    [
        ({"_source": {"enabled": False}}, {}, "keeps no _source"),
        ({"_source": {"excludes": ["beschreibung"]}}, {}, "only a part of _source"),
        ({}, {"index.blocks.write": True}, "index.blocks.write is set; --companion"),
        ({"properties": {"shelfwise": {"type": "keyword"}}}, {}, "not Shelfwise's"),
        (
            {
                "properties": {
                    "shelfwise": {
                        "properties": {
                            "text_hash": {"type": "keyword"},
                            "text_vector": {"type": "dense_vector", "dims": 3},
                        }
                    }
                }
            },
            {},
            "with 3 dims from an earlier attachment, the encoder 'recording' gives 8",
        ),
    ],
    ids=["no source", "part of source", "blocked", "field taken", "other dims"],
)
def test_index_that_cannot_be_changed_in_place_is_left_alone(
    shop, attach, exact_cluster, mappings, settings, says
):
    properties = {**TITLE["properties"], **mappings.pop("properties", {})}
    exact_cluster.indices.create(
        index=shop.name, mappings={**mappings, "properties": properties}, settings=settings
    )
    before = exact_cluster.indices.get_mapping(index=shop.name).body
    with pytest.raises(AttachRefused, match=says):
        attach(shop.name, fields=PLAIN)
    assert exact_cluster.indices.get_mapping(index=shop.name).body == before
    with pytest.raises(UnknownIndex):
        Attachments(exact_cluster).get(shop.name)
    if settings:
        exact_cluster.indices.put_settings(index=shop.name, settings={"index.blocks.write": None})


def test_names_that_stand_for_no_single_index_of_the_shop(shop, attach, exact_cluster, index):
    with pytest.raises(UnknownIndex, match=shop.name):
        attach(shop.name)
    for number in (1, 2):
        exact_cluster.indices.create(index=f"{shop.name}-{number}", aliases={shop.name: {}})
    with pytest.raises(AttachRefused, match=f"{shop.name}-1, {shop.name}-2; attach each"):
        attach(shop.name)
    with pytest.raises(AttachRefused, match="one index or alias"):
        attach("laden-*")
    with pytest.raises(AttachRefused, match="one of Shelfwise's own"):
        attach(index)
    exact_cluster.indices.close(index=f"{shop.name}-1")
    with pytest.raises(AttachRefused, match="it is closed"):
        attach(f"{shop.name}-1")


def test_external_versions_are_noticed_and_a_companion_is_offered(
    shop, attach, catch_up, exact_cluster
):
    shop.create()
    stamp = 1_700_000_000_000
    document = product(1)
    exact_cluster.index(
        index=shop.name, id="1", document=document, version=stamp, version_type="external"
    )
    shop.shadow["1"] = document
    exact_cluster.indices.refresh(index=shop.name)
    with pytest.raises(AttachRefused, match=r"versions of the shop's own.*--companion"):
        attach(shop.name)
    attach(shop.name, "companion")
    companion = catch_up(shop.name).target
    exact_cluster.index(
        index=shop.name, id="1", document=document, version=stamp + 1, version_type="external"
    )
    catch_up(shop.name)
    assert shop.differences(companion) == []


def test_attaching_twice_is_refused_by_either_name(shop, attach, exact_cluster):
    shop.create()
    attach(shop.name)
    with pytest.raises(AttachRefused, match="attached already, with these fields"):
        attach(shop.name)
    with pytest.raises(AttachRefused, match="in place already; detach it"):
        attach(shop.name, "companion")
    other = f"{shop.name}-alias"
    exact_cluster.indices.put_alias(index=shop.name, name=other)
    with pytest.raises(AttachRefused, match=f"by its other name '{shop.name}'"):
        attach(other)


def test_field_that_the_index_does_not_have_is_named(shop, attach):
    shop.create()
    with pytest.raises(MissingSetting, match=r"fields\.title: index .* has no field 'titel'"):
        attach(shop.name, fields={"title": ("titel",)})
    with pytest.raises(MissingSetting, match="names no field of the map"):
        attach(shop.name, fields={"price": ("preis.brutto",)})


def test_limit_of_fields_is_the_reason_that_is_given(shop, attach):
    shop.create(**{"index.mapping.total_fields.limit": 13})
    with pytest.raises(AttachRefused, match=r"Limit of total fields \[13\]"):
        attach(shop.name)
