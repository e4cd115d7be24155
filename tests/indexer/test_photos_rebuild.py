"""Photos of one version of an index brought into the next one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from elasticsearch import Elasticsearch

from embedded.redis_server import EmbeddedRedis
from indexer.encoders.next_encoders import NO_PHOTOS, next_encoders
from indexer.load_progress import ProgressLines
from indexer.photos.due_products import PhotoCounts
from indexer.photos.waiting import wait_for_photos
from indexer.rebuild.driver import RebuildDriver, RebuildStopped
from indexer.settings import IndexerSettings
from mappings import task_records
from mappings.encoder_spec import external
from mappings.errors import InvalidQuery
from mappings.index_lifecycle import LiveIndex, find_index
from mappings.index_versions import Rebuild, read_rebuild, start_next, write_rebuild
from mappings.outbox import Outbox
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


@pytest.fixture
def drive(cluster: Elasticsearch, redis_server: EmbeddedRedis, shop: PhotoShop):
    """Drives a rebuild whose copy is done, with no patience; returns what it noted."""
    settings = IndexerSettings(redis_url=redis_server.url, indexer_patience_seconds=0)
    with task_records.connect(redis_server.url) as queue:
        outbox = Outbox(queue, lambda *message: None, ttl_seconds=100)
        driver = RebuildDriver(cluster, queue, outbox, settings)

        def drive(target: str, **options: str) -> list[str]:
            rebuild = replace(read_rebuild(cluster, target), step="verifying", options=options)
            write_rebuild(cluster, target, rebuild)
            notes: list[str] = []
            driver.drive(shop.index, ProgressLines(notes.append, "shop"))
            return notes

        yield drive


def test_new_version_takes_over_when_its_photos_were_tried(shop, drive):
    target = begin(shop, "2")
    copy(shop)
    with pytest.raises(RebuildStopped, match=r"photos of 2 products are left.*--photos later"):
        drive(target)
    assert find_index(shop.cluster, shop.index).index != target
    shop.run("1", "2")
    assert "shop: 2 photos, 1 products lack some" in drive(target)
    assert find_index(shop.cluster, shop.index).index == target


def test_photos_may_come_after_the_new_version_has_taken_over(shop, drive):
    target = begin(shop, "2")
    copy(shop)
    drive(target, photos="later")
    assert find_index(shop.cluster, shop.index).index == target
    assert read_rebuild(shop.cluster, target).report["photos"]["left"] == 2
    shop.run("1", "2")
    assert shop.places("2", target) == [0]


def test_wait_ends_when_every_photo_was_tried_and_tells_how_far_it_is(shop, cluster):
    shop.process(*[upsert(f"n{n}", images=[shop.photo(f"/n{n}.jpg", n)]) for n in range(3)])
    waiting, notes, shown = ["2", "n0", "n1", "n2"], [], []
    progress = ProgressLines(notes.append, "shop")
    progress.update = lambda done, expected, detail="": shown.append((done, expected, detail))

    def work(seconds: float) -> None:
        shop.run(waiting.pop())
        cluster.indices.refresh(index=shop.index)

    version = f"{shop.index}-v1"
    counts = wait_for_photos(cluster, version, progress, patience_seconds=60, sleep=work)
    assert counts == PhotoCounts(photos=5, left=0, later=0, faulty=1)
    assert [one[:2] for one in shown] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert shown[0][2] == "2 photos, 3 products left, 1 products lack some"


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
