"""What is left of us in a shop's index: nothing but what Elasticsearch does not let go."""

from __future__ import annotations

import pytest

from indexer.attach.detaching import detach
from mappings.attachments import OWN_FIELD, Attachments
from mappings.errors import UnknownIndex
from tests.indexer.attach.shop import product, writes_going_on

pytestmark = pytest.mark.cluster


def products(count: int) -> dict[str, dict]:
    return {str(number): product(number) for number in range(count)}


def test_documents_are_clean_and_the_mapping_that_stays_is_named(
    shop, attach, catch_up, exact_cluster
):
    shop.create().fill(products(40))
    attach(shop.name)
    catch_up(shop.name)
    shop.patch("1", produktname=None, beschreibung=None)
    catch_up(shop.name)
    # A pipeline of the shop's must not run over its documents once more; this one does not exist,
    # so that a write through it fails.
    exact_cluster.indices.put_settings(
        index=shop.name, settings={"index.default_pipeline": "not-there"}
    )
    done = detach(exact_cluster, Attachments(exact_cluster).set_detaching(shop.name))
    assert (done.cleaned, done.emptied) == (40, 0)
    assert not any(OWN_FIELD in source for source in shop.sources(shop.name).values())
    assert shop.differences() == []
    (stays,) = done.stays
    assert "keeps shelfwise.text_hash, shelfwise.text_vector, empty" in stays
    with pytest.raises(UnknownIndex):
        Attachments(exact_cluster).get(shop.name)


def test_final_pipeline_does_not_run_again_and_an_empty_field_is_named(
    shop, attach, catch_up, exact_cluster
):
    shop.create().fill(products(5))
    attach(shop.name)
    catch_up(shop.name)
    exact_cluster.indices.put_settings(
        index=shop.name, settings={"index.final_pipeline": "not-there"}
    )
    done = detach(exact_cluster, Attachments(exact_cluster).set_detaching(shop.name))
    assert (done.cleaned, done.emptied) == (0, 5)
    assert "5 documents keep `shelfwise: null`" in done.stays[0]
    assert shop.differences() == []
    assert shop.vectors() == {}


def test_detach_ends_while_the_shop_goes_on_writing(shop, attach, catch_up, exact_cluster):
    shop.create().fill(products(200))
    attach(shop.name)
    catch_up(shop.name)
    with writes_going_on(shop):
        detach(exact_cluster, Attachments(exact_cluster).set_detaching(shop.name))
    assert shop.differences() == []


def test_companion_goes_and_the_index_has_never_been_touched(
    shop, attach, catch_up, exact_cluster
):
    shop.create().fill(products(10))
    attach(shop.name, "companion")
    companion = catch_up(shop.name).target
    done = detach(exact_cluster, Attachments(exact_cluster).set_detaching(shop.name))
    assert done.dropped == (companion,)
    assert done.stays == ()
    assert not exact_cluster.indices.exists(index=companion)
    assert shop.differences() == []


def test_index_can_be_attached_again_after_a_detach(shop, attach, catch_up, exact_cluster):
    shop.create().fill(products(5))
    attach(shop.name)
    catch_up(shop.name)
    detach(exact_cluster, Attachments(exact_cluster).set_detaching(shop.name))
    attach(shop.name)
    catch_up(shop.name)
    assert len(shop.vectors()) == 5


def test_whoever_works_on_an_index_stops_when_it_is_detached(
    shop, attach, follower, exact_cluster
):
    shop.create().fill(products(5))
    attachment = attach(shop.name)
    attachments = Attachments(exact_cluster)
    attachments.set_detaching(shop.name)
    assert follower.turn(attachment).state == "detaching"
    attachments.remove(shop.name)
    with pytest.raises(UnknownIndex):
        follower.turn(attachment)
