"""Photos of one version of an index brought into the next one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from elasticsearch import Elasticsearch

from indexer.encoders.next_encoders import NO_PHOTOS, next_encoders
from mappings.encoder_spec import external
from mappings.errors import InvalidQuery
from mappings.index_lifecycle import LiveIndex, find_index
from mappings.index_versions import Rebuild, start_next
from mappings.product_changes import ProductChange
from tests.indexer.conftest import delete, patch, upsert
from tests.indexer.images.photo_server import PhotoServer
from tests.indexer.photos_shop import CountingEncoder, PhotoShop

pytestmark = pytest.mark.cluster


@pytest.fixture
def server() -> Iterator[PhotoServer]:
    with PhotoServer() as server:
        yield server


@pytest.fixture
def shop(cluster: Elasticsearch, index_name: str, server: PhotoServer) -> Iterator[PhotoShop]:
    """A product with two photos, of which one is not there, and one with a photo to come."""
    shop = PhotoShop(cluster, index_name, server)
    shop.process(upsert("1", images=[shop.photo("/a.jpg", 1), server.url("/gone.jpg")]))
    shop.run("1")
    shop.process(upsert("2", images=[shop.photo("/b.jpg", 2)]), upsert("3"))
    shop.process(delete("3", version=1))
    server.requests.clear()
    shop.encoder.sizes.clear()
    yield shop
    shop.close()


def begin(shop: PhotoShop, revision: str) -> str:
    live = find_index(shop.cluster, shop.index)
    encoders = {**live.encoders, "image_vector": CountingEncoder(revision).spec}
    return start_next(shop.cluster, shop.index, encoders, Rebuild(live.index)).index


def copy(shop: PhotoShop) -> None:
    shop.process(*[ProductChange("copy", name, {}) for name in "123"])


def test_photos_of_the_same_encoder_are_copied_with_their_faults(shop, server):
    target = begin(shop, "1")
    copy(shop)
    assert (shop.places("1", target), shop.places("2", target)) == ([0], [])
    own, copied = shop.state("1"), shop.state("1", target)
    np.testing.assert_allclose(own.photos[0].vector, copied.photos[0].vector, atol=1e-6)
    assert own.faults == copied.faults
    assert copied.due_at is None
    assert (server.requests, shop.encoder.sizes) == ([], [])
    shop.run("1", "2", "3")
    assert shop.places("2", target) == shop.places("2") == [0]


def test_photos_of_another_encoder_are_due_in_the_new_version_alone(shop, server):
    target = begin(shop, "2")
    copy(shop)
    assert shop.places("1", target) == []
    assert shop.state("1", target).due_at is not None
    assert (shop.state("1").due_at, shop.places("1")) == (None, [0])
    shop.run("1")
    assert sorted(server.paths) == ["/a.jpg", "/gone.jpg"]
    assert shop.encoder.sizes == []
    assert shop.places("1", target) == [0]


def test_changes_during_a_rebuild_reach_the_photos_of_both_versions(shop):
    target = begin(shop, "2")
    copy(shop)
    shop.run("1", "2")
    shop.process(patch("1", images=[shop.photo("/new.jpg", 5)]))
    shop.run("1")
    assert shop.places("1") == shop.places("1", target) == [0]
    assert (shop.faults("1"), shop.state("1", target).faults) == ({}, ())
    shop.process(delete("1", version=5))
    assert "photos" not in shop.document("1")
    assert "photos" not in shop.document("1", target)


def test_next_version_may_have_other_photos_or_none(tmp_path):
    live = LiveIndex("shop", "shop-v1", {"text_vector": external(4)})
    found = next_encoders(live, None, None, image="hashing-image", model_directory=tmp_path)
    assert found["image_vector"].name == "hashing-image"
    with_photos = LiveIndex("shop", "shop-v1", found)
    assert next_encoders(with_photos, None, None, model_directory=tmp_path) == found
    without = next_encoders(with_photos, None, None, image=NO_PHOTOS, model_directory=tmp_path)
    assert set(without) == {"text_vector"}


def test_vectors_that_the_shop_brings_are_not_replaced(tmp_path):
    live = LiveIndex("shop", "shop-v1", {"image_vector": external(4)})
    with pytest.raises(InvalidQuery, match="brings itself"):
        next_encoders(live, None, None, image="hashing-image", model_directory=tmp_path)
