"""Photos that are made before their product is written, and what is left to their lane."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator

import pytest
import redis
from elasticsearch import Elasticsearch
from redis.backoff import NoBackoff
from redis.retry import Retry

from embedded.redis_server import EmbeddedRedis
from indexer.photos.ahead import PhotosAhead
from indexer.photos.encoders import ImageEncoderPool
from indexer.photos.hints import PhotoHints
from indexer.photos.photo_state import Failure
from indexer.settings import IndexerSettings, photos_ahead_seconds
from mappings import task_records
from mappings.errors import EncoderUnavailable
from tests.indexer.conftest import patch, upsert
from tests.indexer.images.photo_server import PhotoServer
from tests.indexer.photos_shop import PhotoShop, jpeg, shade

pytestmark = [pytest.mark.cluster, pytest.mark.stack]
SECONDS = 0.4
AWAY = redis.Redis(port=1, socket_connect_timeout=0.1, retry=Retry(NoBackoff(), 0))


class Killed(BaseException):
    """What no `except Exception` stops, as the end of a process."""


@pytest.fixture
def server() -> Iterator[PhotoServer]:
    with PhotoServer() as server:
        yield server


@pytest.fixture
def hints(redis_server: EmbeddedRedis) -> Iterator[PhotoHints]:
    with task_records.connect(redis_server.url[:-1] + "9") as queue:
        queue.flushdb()
        yield hints_by(queue)
        queue.flushdb()


def hints_by(queue: redis.Redis) -> PhotoHints:
    return PhotoHints(queue, lambda *_: None, lease_seconds=100, products=64)


@pytest.fixture
def make_ahead(hints: PhotoHints) -> Iterator[Callable[..., PhotosAhead]]:
    made: list[PhotosAhead] = []

    def make(shop: PhotoShop, *, hints: PhotoHints = hints, seconds: float = 20.0) -> PhotosAhead:
        made.append(
            PhotosAhead(
                shop.intake.beside(),
                shop.encoders,
                hints,
                seconds=seconds,
                batch_size=2,
                rules=shop.rules,
                now=lambda: shop.now,
            )
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def shop(
    cluster: Elasticsearch,
    index_name: str,
    server: PhotoServer,
    make_ahead: Callable[..., PhotosAhead],
) -> Iterator[PhotoShop]:
    shop = PhotoShop(cluster, index_name, server)
    shop.pipeline = shop.make_pipeline(make_ahead(shop))
    yield shop
    shop.close()


def writes(shop: PhotoShop, product_id: str = "1") -> int:
    """How often the document has been indexed."""
    return int(shop.cluster.get(index=f"{shop.index}-v1", id=product_id)["_version"])


def inline(number: int) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(shade(number))).decode()


def test_product_is_written_once_with_its_photos(shop, hints):
    images = [shop.photo(f"/{number}.jpg", number) for number in range(5)]
    outcome = shop.process(upsert("1", images=images), upsert("2", images=[inline(7)]))
    assert outcome.indexed == 2
    assert (writes(shop, "1"), writes(shop, "2")) == (1, 1)
    assert (shop.places("1"), shop.places("2")) == ([0, 1, 2, 3, 4], [0])
    assert shop.state("1").due_at is None
    assert shop.told == []
    assert hints.starts(shop.index, ["1", "2"]) == {"1": 0, "2": 0}


def test_photos_that_are_there_are_neither_fetched_nor_encoded_again(shop, server):
    shop.process(upsert(images=[shop.photo("/a.jpg", 1)]))
    shop.process(patch(description="Other words"))
    shop.process(patch(images=[server.url("/a.jpg"), shop.photo("/b.jpg", 2)]))
    assert (writes(shop), shop.places(), shop.told) == (3, [0, 1], [])
    assert server.paths == ["/a.jpg", "/b.jpg"]
    assert len(shop.encoder.sizes) == 2


def test_slow_photo_holds_its_product_for_the_time_that_is_set(shop, server, make_ahead):
    shop.pipeline = shop.make_pipeline(make_ahead(shop, seconds=SECONDS))
    server.routes["/slow.jpg"] = lambda handler: server.stopping.wait(10) and None
    started = time.monotonic()
    shop.process(upsert("1", images=[server.url("/slow.jpg")]), upsert("2", images=[inline(7)]))
    assert SECONDS <= time.monotonic() - started < SECONDS + 3
    assert shop.document("1")["title"] == "Mouse"
    assert (shop.places("1"), shop.state("1").due_at is None, writes(shop, "1")) == ([], False, 1)
    assert (shop.places("2"), shop.told) == ([0], ["1"])
    shop.photo("/slow.jpg", 3)
    shop.run("1")
    assert (shop.places("1"), shop.state("1").due_at, writes(shop, "1")) == ([0], None, 2)


def test_slow_host_is_not_waited_for_once_more(shop, server, make_ahead):
    shop.pipeline = shop.make_pipeline(make_ahead(shop, seconds=SECONDS))
    server.routes["/slow.jpg"] = lambda handler: server.stopping.wait(10) and None
    shop.process(upsert("1", images=[server.url("/slow.jpg")]))
    fast = shop.photo("/fast.jpg", 1)
    shop.process(upsert("2", images=[fast, inline(2)]), upsert("3", images=[inline(3)]))
    assert server.paths == ["/slow.jpg"]
    assert (shop.places("2"), shop.places("3"), shop.told) == ([], [0], ["1", "2"])


def test_products_of_many_photos_are_written_one_after_the_other(shop, monkeypatch):
    monkeypatch.setattr("indexer.pipeline.PHOTOS_AT_ONCE", 3)
    batches = []
    write = shop.pipeline._writer.write
    monkeypatch.setattr(
        shop.pipeline._writer,
        "write",
        lambda index, writes: (
            batches.append([one.product_id for one in writes]) or write(index, writes)
        ),
    )
    products = {"1": 1, "2": 2, "3": 4, "4": 0, "5": 3, "6": 0}
    changes = [
        upsert(name, images=[inline(number) for number in range(count)])
        for name, count in products.items()
    ]
    assert shop.process(*changes).indexed == len(products)
    assert batches == [["1", "2"], ["3"], ["4", "5", "6"]]
    assert {name: len(shop.places(name)) for name in products} == products


def test_broken_photos_are_marked_in_the_one_write(shop, server):
    server.serve("/page.jpg", b"<html></html>", Content_Type="image/jpeg")
    server.serve("/down.jpg", b"", 503)
    good = shop.photo("/good.jpg", 1)
    shop.process(
        upsert("1", images=[good, server.url("/gone.jpg"), server.url("/page.jpg")]),
        upsert("2", images=[server.url("/down.jpg")]),
    )
    assert (shop.places("1"), writes(shop, "1")) == ([0], 1)
    assert set(shop.faults("1")) == {1, 2}
    assert shop.faults("1")[1] == "not_found"
    assert shop.state("1").due_at is None
    assert (shop.faults("2"), shop.state("2").attempts) == ({0: "unavailable"}, 1)
    assert shop.state("2").due_at > shop.now
    assert shop.told == []


def test_photo_that_breaks_the_encoder_harms_only_itself(shop, server):
    shop.encoder.poison = 48
    server.serve("/poison.jpg", jpeg(shade(9), (48, 32)))
    shop.process(upsert("1", images=[server.url("/poison.jpg")]), upsert("2", images=[inline(2)]))
    assert (shop.faults("1"), shop.places("2")) == ({0: "encoding_failed"}, [0])


def test_photos_over_which_the_worker_died_are_left_to_their_lane(shop, hints, monkeypatch):
    def die(images: object) -> None:
        raise Killed

    monkeypatch.setattr(hints, "end", lambda *_, **__: None)  # a dead process ends nothing
    monkeypatch.setattr(shop.encoder, "encode_images", die)
    deadly = upsert("1", images=[inline(1)])
    with pytest.raises(Killed):
        shop.process(deadly)
    monkeypatch.undo()
    assert hints.starts(shop.index, ["1"]) == {"1": 1}
    shop.process(deadly, upsert("2", images=[inline(2)]))
    assert (shop.places("1"), shop.places("2"), shop.told) == ([], [0], ["1"])
    shop.runner.convict(shop.index, ["1"], Failure("worker_died", "3 died", lasting=True))
    shop.process(patch(title="Another mouse"))
    assert (shop.faults("1"), shop.encoder.sizes) == ({0: "worker_died"}, [(32, 32)])


def test_changes_over_which_a_worker_died_leave_all_photos_to_the_lane(shop):
    shop.pipeline.process(shop.index, [upsert(images=[inline(1)])], with_photos=False)
    assert (shop.document()["title"], shop.places(), shop.told) == ("Mouse", [], ["1"])


def test_words_are_written_where_no_photo_can_be_made(shop, make_ahead, monkeypatch):
    def refuse(spec: object) -> None:
        raise EncoderUnavailable("no files")

    monkeypatch.setattr(shop, "encoders", ImageEncoderPool(refuse))
    for product_id, ahead in (
        ("1", make_ahead(shop)),
        ("2", make_ahead(shop, hints=hints_by(AWAY))),
    ):
        shop.pipeline = shop.make_pipeline(ahead)
        shop.process(upsert(product_id, images=[inline(1)]))
        assert (shop.places(product_id), writes(shop, product_id)) == ([], 1)
        assert shop.told[-1] == product_id


@pytest.mark.parametrize(
    ("lanes", "seconds", "expected"),
    [
        pytest.param("changes,bulk,photos", None, 3.0, id="a worker of all"),
        pytest.param("changes,bulk,photos", 0, 0.0, id="switched off"),
        pytest.param("changes,bulk", None, 0.0, id="photos are another worker's"),
        pytest.param("bulk", 5, 5.0, id="asked for"),
        pytest.param("photos", 5, 0.0, id="writes no products"),
        pytest.param("fast", 5, 0.0, id="encodes nothing"),
    ],
)
def test_who_makes_photos_ahead(lanes, seconds, expected):
    settings = IndexerSettings(indexer_lanes=lanes, indexer_photos_ahead_seconds=seconds)
    assert photos_ahead_seconds(settings) == expected
