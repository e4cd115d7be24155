"""Photos of products, from their addresses to the index, against a real Elasticsearch."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from elasticsearch import Elasticsearch

from indexer.encoders.image_hashing import HashingImageEncoder
from indexer.images.decoding import decode
from indexer.photos.photo_runner import PhotoLimits, PhotoRunner
from indexer.photos.photo_state import Failure, hash_address
from mappings.product_changes import ProductChange
from tests.indexer.conftest import delete, patch, upsert
from tests.indexer.images.photo_server import PhotoServer, in_turn, respond
from tests.indexer.photos_shop import PhotoShop, jpeg, shade

pytestmark = pytest.mark.cluster
GREEN = 56


@pytest.fixture
def server() -> Iterator[PhotoServer]:
    with PhotoServer() as server:
        yield server


@pytest.fixture
def shop(cluster: Elasticsearch, index_name: str, server: PhotoServer) -> Iterator[PhotoShop]:
    shop = PhotoShop(cluster, index_name, server)
    yield shop
    shop.close()


def test_product_is_searchable_by_words_before_its_photos_are_there(shop):
    shop.process(upsert(images=[shop.photo("/a.jpg")]))
    document = shop.document()
    assert document["title"] == "Mouse"
    assert shop.state().due_at is not None
    assert shop.told == ["1"]
    assert shop.server.requests == []


def test_each_of_ten_photos_has_its_vector_and_place(shop):
    addresses = [shop.photo(f"/{number}.jpg", number) for number in range(10)]
    shop.process(upsert(images=addresses))
    outcome = shop.run("1")
    assert (outcome.products, outcome.photos) == (1, 10)
    state = shop.state()
    assert [one.position for one in state.photos] == list(range(10))
    assert [one.address_hash for one in state.photos] == [hash_address(one) for one in addresses]
    expected = HashingImageEncoder().encode_images(
        [decode(jpeg(shade(number))) for number in range(10)]
    )
    np.testing.assert_allclose([one.vector for one in state.photos], expected, atol=1e-5)
    assert (state.faults, state.due_at) == ((), None)


def test_best_of_several_photos_is_found_by_one_search(shop, cluster):
    numbers = [0, 1, 2, 3, 4, 5, 6, GREEN, 8, 9]
    shop.process(
        upsert("1", images=[shop.photo(f"/{number}.jpg", number) for number in numbers]),
        upsert("2", images=[shop.photo("/blue.jpg", 256)]),
    )
    shop.run("1", "2")
    cluster.indices.refresh(index=shop.index)
    (query,) = HashingImageEncoder().encode_images([decode(jpeg(shade(GREEN)))])
    knn = {"field": "photos.vector", "query_vector": query.tolist(), "k": 5}
    nested = {
        "path": "photos",
        "score_mode": "max",
        "query": {"knn": knn},
        "inner_hits": {"size": 1, "_source": False, "docvalue_fields": ["photos.position"]},
    }
    (best, *_) = cluster.search(index=shop.index, query={"nested": nested})["hits"]["hits"]
    assert best["_id"] == "1"
    (photo,) = best["inner_hits"]["photos"]["hits"]["hits"]
    assert photo["fields"]["photos.position"] == [7]


def test_broken_photos_leave_the_good_ones_of_their_product(shop, server):
    server.serve("/page.jpg", b"<html><body>not here</body></html>", Content_Type="image/jpeg")
    server.serve("/huge.jpg", b"\xff\xd8\xff" + bytes(200_000))
    server.serve("/empty.jpg", b"")
    server.serve("/wide.png", jpeg(shade(1), (2_000, 1_000)))
    server.routes["/moved.jpg"] = respond(b"", 302, Location=server.url("/good.jpg"))
    server.routes["/loop.jpg"] = respond(b"", 302, Location=server.url("/loop.jpg"))
    server.routes["/slow.jpg"] = lambda handler: server.stopping.wait(10) and None
    server.serve("/down.jpg", b"", 503)
    names = ["good", "page", "gone", "huge", "empty", "wide", "moved", "loop", "slow", "down"]
    shop.photo("/good.jpg", 3)
    addresses = [server.url(f"/{name}.{'png' if name == 'wide' else 'jpg'}") for name in names]
    addresses.append("http://10.0.0.1/private.jpg")
    shop.process(upsert(images=addresses))
    shop.run("1")
    assert shop.places() == [0, 6]
    faults = {names[at] if at < 10 else "private": code for at, code in shop.faults().items()}
    temporary = {name for name, code in faults.items() if code == "unavailable"}
    assert temporary == {"slow", "down"}
    assert faults["gone"] == "not_found"
    assert faults["huge"] == "too_large"
    assert faults["wide"] == "too_many_pixels"
    assert set(faults) == set(names) - {"good", "moved"} | {"private"}
    state = shop.state()
    assert state.due_at == shop.now.replace(
        microsecond=shop.now.microsecond // 1000 * 1000
    ) + timedelta(seconds=10)
    assert {one.lasting for one in state.faults if one.code == "unavailable"} == {False}
    assert shop.document()["photo_problems"] == sorted(set(faults.values()))


def test_photo_that_breaks_the_encoder_harms_only_itself(shop, server):
    shop.encoder.poison = 48
    server.serve("/poison.jpg", jpeg(shade(9), (48, 32)))
    shop.process(
        upsert("1", images=[shop.photo("/a.jpg", 1), server.url("/poison.jpg")]),
        upsert("2", images=[shop.photo("/b.jpg", 2)]),
    )
    shop.run("1", "2")
    assert (shop.places("1"), shop.places("2")) == ([0], [0])
    assert shop.faults("1") == {1: "encoding_failed"}


def test_changed_description_keeps_the_photos_without_fetching_or_encoding(shop, server):
    shop.process(upsert(images=[shop.photo("/a.jpg", 1), shop.photo("/b.jpg", 2)]))
    shop.run("1")
    before, shop.told[:] = shop.state(), []
    server.requests.clear()
    shop.encoder.sizes.clear()
    shop.process(upsert(description="new", images=[server.url("/a.jpg"), server.url("/b.jpg")]))
    shop.process(patch(brand="HP"))
    shop.process(patch(price=3.0))
    after = shop.state()
    shop.run("1")
    assert (shop.told, server.requests, shop.encoder.sizes) == ([], [], [])
    assert (after.due_at, after.faults) == (None, ())
    for one, other in zip(before.photos, after.photos, strict=True):
        np.testing.assert_allclose(one.vector, other.vector, atol=1e-6)
    assert shop.document()["brand"] == "HP"


def test_patched_images_cost_only_what_is_new(shop, server):
    shop.process(upsert(images=[shop.photo("/a.jpg", 1), shop.photo("/b.jpg", 2)]))
    shop.run("1")
    server.requests.clear()
    shop.process(patch(images=[shop.photo("/c.jpg", 3), server.url("/b.jpg")]))
    assert shop.places() == [1]
    shop.run("1")
    assert server.paths == ["/c.jpg"]
    assert shop.places() == [0, 1]
    shop.process(patch(images=None))
    assert "photos" not in shop.document()
    assert shop.state().due_at is None


def test_same_content_is_encoded_once(shop, server):
    for path in ("/a.jpg", "/b.jpg", "/c.jpg"):
        shop.photo(path, 5)
    shop.process(
        upsert("1", images=[server.url("/a.jpg"), server.url("/b.jpg")]),
        upsert("2", images=[server.url("/c.jpg")]),
    )
    shop.run("1", "2")
    assert len(shop.encoder.sizes) == 1
    assert (shop.places("1"), shop.places("2")) == ([0, 1], [0])


def test_old_photo_is_fetched_again_and_encoded_only_if_it_has_changed(shop, server):
    shop.process(upsert(images=[shop.photo("/a.jpg", 1), shop.photo("/b.jpg", 2)]))
    shop.run("1")
    server.requests.clear()
    shop.encoder.sizes.clear()
    shop.now += timedelta(days=31)
    shop.photo("/b.jpg", 9)
    shop.process(patch(brand="HP"))
    assert shop.places() == [0, 1]
    shop.run("1")
    assert sorted(server.paths) == ["/a.jpg", "/b.jpg"]
    assert len(shop.encoder.sizes) == 1
    assert shop.state().due_at is None


def test_outage_is_retried_when_its_time_has_come(shop, server):
    good = respond(jpeg(shade(4)))
    server.routes["/a.jpg"] = in_turn(respond(b"", 503), good)
    shop.process(upsert(images=[server.url("/a.jpg")]))
    shop.run("1")
    assert (shop.places(), shop.faults(), shop.state().attempts) == ([], {0: "unavailable"}, 1)
    shop.run("1")
    assert len(server.requests) == 1
    shop.now += timedelta(seconds=11)
    shop.run("1")
    assert (shop.places(), shop.faults(), shop.state().due_at) == ([0], {}, None)


def test_outage_that_does_not_end_becomes_lasting(shop, server):
    server.serve("/a.jpg", b"", 503)
    shop.process(upsert(images=[server.url("/a.jpg")]))
    for _ in range(3):
        shop.run("1")
        shop.now += timedelta(hours=1)
    assert (shop.state().due_at, shop.state().faults[0].lasting) == (None, True)
    assert shop.server.paths.count("/a.jpg") == 3


def test_server_that_is_away_is_left_alone_after_some_failures(shop, server):
    for number in range(20):
        server.serve(f"/{number}.jpg", b"", 503)
    shop.process(*[upsert(str(n), images=[server.url(f"/{n}.jpg")]) for n in range(20)])
    shop.run(*map(str, range(20)))
    assert 5 <= len(server.requests) < 20
    assert all(shop.faults(str(n)) == {0: "unavailable"} for n in range(20))


def test_change_that_comes_between_is_never_overwritten(shop, server):
    written = []

    def change_meanwhile(handler):
        if not written:
            written.append(shop.process(patch(title="Changed", images=[a, shop.photo("/c.jpg")])))
        respond(jpeg(shade(1)))(handler)

    a = server.url("/a.jpg")
    server.routes["/a.jpg"] = change_meanwhile
    shop.process(upsert(images=[a, shop.photo("/b.jpg", 2)]))
    shop.run("1")
    document = shop.document()
    assert document["title"] == "Changed"
    assert shop.places() == [0, 1]
    assert server.paths.count("/a.jpg") == 1
    assert {one.address_hash for one in shop.state().photos} == {
        hash_address(a),
        hash_address(server.url("/c.jpg")),
    }


@pytest.mark.parametrize(
    "change", [delete(), delete(version=9)], ids=["without a trace", "leaving a tombstone"]
)
def test_deleted_product_has_no_photos_and_none_comes_back(shop, server, change, cluster):
    def delete_meanwhile(handler):
        shop.process(change)
        respond(jpeg(shade(1)))(handler)

    server.routes["/a.jpg"] = delete_meanwhile
    shop.process(upsert(version=1, images=[server.url("/a.jpg")]))
    shop.run("1")
    cluster.indices.refresh(index=shop.index)
    photos = cluster.search(index=shop.index, size=0, aggs={"p": {"nested": {"path": "photos"}}})
    assert photos["aggregations"]["p"]["doc_count"] == 0
    assert (
        cluster.count(index=shop.index, query={"exists": {"field": "photos_due_at"}})["count"] == 0
    )


def test_worker_that_dies_before_it_writes_leaves_the_work_due(shop, monkeypatch):
    shop.process(upsert(images=[shop.photo("/a.jpg", 1)]))

    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    monkeypatch.setattr(PhotoRunner, "_write", die)
    with pytest.raises(Killed):
        shop.run("1")
    assert shop.state().due_at is not None
    monkeypatch.undo()
    shop.run("1")
    shop.run("1")
    assert (shop.places(), shop.state().due_at) == ([0], None)


def test_what_there_is_no_time_for_stays_due(cluster, index_name, server):
    shop = PhotoShop(cluster, index_name, server, limits=PhotoLimits(budget_seconds=0.0))
    shop.process(upsert(images=[shop.photo("/a.jpg", 1)]))
    assert shop.run("1").photos == 0
    state = shop.state()
    assert (state.photos, state.faults, state.attempts) == ((), (), 0)
    assert state.due_at is not None
    shop.close()


def test_photos_in_the_address_itself_are_decoded(shop):
    data = base64.b64encode(jpeg(shade(3))).decode()
    shop.process(upsert(images=[f"data:image/jpeg;base64,{data}", "data:image/jpeg;base64,AAAA"]))
    shop.run("1")
    assert shop.places() == [0]
    assert set(shop.faults()) == {1}


def test_convicted_product_is_marked_and_not_tried(shop, server):
    shop.process(upsert(images=[shop.photo("/a.jpg")]))
    shop.runner.convict(shop.index, ["1"], Failure("worker_died", "3 workers died", lasting=True))
    assert shop.faults() == {0: "worker_died"}
    assert (server.requests, shop.state().due_at) == ([], None)


def test_vector_of_the_shop_is_refused_where_we_encode_the_photos(shop):
    outcome = shop.process(
        ProductChange("upsert", "1", {"title": "Mouse", "vectors": {"image_vector": [1.0] * 256}})
    )
    assert outcome.rejected == 1
    assert outcome.rejects[0].field == "vectors.image_vector"
    assert "hashing-image" in outcome.rejects[0].reason
