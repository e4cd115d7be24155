"""Messages of the photos' lane: lost, doubled, too many, and over which workers die."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
import redis
from elasticsearch import Elasticsearch

from embedded.redis_server import EmbeddedRedis
from indexer.celery_app import create_app
from indexer.photos.due_products import PhotoCounts, count_photos, due_pages, send_due
from indexer.photos.hints import MAX_WAITING_MESSAGES, PhotoHints, message_sender
from indexer.photos.photo_runner import PhotoOutcome
from indexer.photos.photo_state import Failure
from indexer.photos.photo_task import DEATHS_THAT_CONVICT, PhotoTask
from indexer.settings import IndexerSettings
from mappings import task_records
from mappings.errors import ClusterUnavailable, EncoderUnavailable
from mappings.product_changes import queue_of
from tests.indexer.conftest import upsert
from tests.indexer.images.photo_server import PhotoServer
from tests.indexer.photos_shop import RULES, PhotoShop

NAME = "shop"


class Killed(BaseException):
    """What no `except Exception` stops, as the end of a process."""


class Runner:
    """Stands for PhotoRunner; `run` of a product in `deadly` ends the worker."""

    def __init__(self, *deadly: str, error: Exception | None = None) -> None:
        self.deadly, self.error = deadly, error
        self.runs: list[list[str]] = []
        self.convicted: list[str] = []

    def run(self, name: str, product_ids: Sequence[str]) -> PhotoOutcome:
        self.runs.append(list(product_ids))
        if self.error is not None:
            raise self.error
        if set(product_ids) & set(self.deadly):
            raise Killed
        return PhotoOutcome(products=len(product_ids))

    def convict(self, name: str, product_ids: Sequence[str], failure: Failure) -> None:
        self.convicted += product_ids


@pytest.fixture
def queue(redis_server: EmbeddedRedis) -> Iterator[redis.Redis]:
    with task_records.connect(redis_server.url[:-1] + "9") as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def sent() -> list[list[str]]:
    return []


@pytest.fixture
def hints(queue: redis.Redis, sent: list[list[str]]) -> PhotoHints:
    def send(name: str, ids: Sequence[str]) -> None:
        sent.append(list(ids))
        queue.rpush(queue_of("photos"), "message")

    return PhotoHints(queue, send, lease_seconds=100, products=2)


def test_what_is_on_its_way_is_not_sent_again_until_its_work_has_ended(hints, sent):
    assert hints.send(NAME, ["a", "b", "c"]) == 3
    assert hints.send(NAME, ["c", "d"]) == 1
    assert sent == [["a", "b"], ["c"], ["d"]]
    hints.begin(NAME, ["c"])
    hints.end(NAME, ["c"])
    assert hints.send(NAME, ["a", "c"]) == 1


def test_mark_ends_with_its_lease(queue, sent):
    hints = PhotoHints(queue, lambda name, ids: sent.append(ids), lease_seconds=0, products=9)
    assert hints.send(NAME, ["a"]) == hints.send(NAME, ["a"]) == 1


def test_product_that_is_written_again_is_sent_again(hints, sent):
    hints.tell(NAME, ["a"])
    hints.tell(NAME, ["a"])
    assert sent == [["a"], ["a"]]
    assert hints.send(NAME, ["a"]) == 0


def test_only_so_many_messages_wait(hints, queue, sent):
    hints.tell(NAME, [str(number) for number in range(1_000)])
    assert len(sent) == hints.waiting() == MAX_WAITING_MESSAGES


def test_writer_does_not_fail_without_redis():
    away = redis.Redis(port=1, socket_connect_timeout=0.1)
    PhotoHints(away, lambda *_: None, lease_seconds=1, products=1).tell(NAME, ["a"])


def test_worker_that_dies_over_one_product_convicts_it_and_spares_the_others(hints):
    runner, ids = Runner("bad"), ["a", "bad", "b", "c"]
    task = PhotoTask(lambda: runner, hints)  # type: ignore[arg-type, return-value]
    for _ in range(DEATHS_THAT_CONVICT):
        with pytest.raises(Killed):
            task.run(NAME, ids)
    task.run(NAME, ids)
    assert runner.convicted == ["bad"]
    assert {"a", "b", "c"} == {one for run in runner.runs[1:] for one in run} - {"bad"}
    assert set(hints.starts(NAME, ids).values()) == {0}


@pytest.mark.parametrize(
    ("error", "sent_again", "asks_for_more"),
    [
        pytest.param(ClusterUnavailable("away"), ["a", "b"], False, id="temporary"),
        pytest.param(EncoderUnavailable("no files"), [], False, id="no encoder"),
        pytest.param(None, ["a", "b"], True, id="done"),
    ],
)
def test_failed_work_is_left_to_the_sweep(hints, sent, error, sent_again, asks_for_more):
    more: list[str] = []
    runner = Runner(error=error)
    task = PhotoTask(lambda: runner, hints, more=more.append)  # type: ignore[arg-type, return-value]
    hints.claim(NAME, ["a", "b"])
    task.run(NAME, ["a", "b"])
    hints.send(NAME, ["a", "b"])
    assert [one for some in sent for one in some] == sent_again
    assert bool(more) == asks_for_more


def test_fault_that_nobody_thought_of_is_tried_product_by_product(hints):
    runner = Runner(error=RuntimeError("unexpected"))
    PhotoTask(lambda: runner, hints).run(NAME, ["a", "b"])  # type: ignore[arg-type, return-value]
    assert runner.runs == [["a", "b"], ["a"], ["b"]]


def test_message_names_index_and_products(queue, redis_server):
    settings = IndexerSettings(redis_url=redis_server.url[:-1] + "9")
    with create_app(settings) as app:
        message_sender(app.send_task)(NAME, ["a"])
    assert queue.llen(queue_of("photos")) == 1


@pytest.mark.cluster
def test_sweep_finds_what_is_due_and_counts_what_is_left(
    cluster: Elasticsearch, index_name: str, hints, sent
):
    with PhotoServer() as server:
        # Far longer than the test on the slowest machine, or what waits would be due.
        rules = replace(RULES, backoff_seconds=600)
        shop = PhotoShop(cluster, index_name, server, rules=rules)
        server.serve("/down.jpg", b"", 503)
        shop.process(
            upsert("done", images=[shop.photo("/a.jpg")]),
            upsert("waits", images=[server.url("/down.jpg")]),
            upsert("gone", images=[server.url("/none.jpg"), shop.photo("/b.jpg", 1)]),
            upsert("plain"),
        )
        shop.run("done", "waits", "gone")
        shop.process(*[upsert(f"new{n}", images=[shop.photo(f"/{n}.jpg")]) for n in range(3)])
        version = f"{index_name}-v1"
        cluster.indices.refresh(index=index_name)
        assert count_photos(cluster, version) == PhotoCounts(photos=2, left=3, later=1, faulty=2)
        pages = [page for page in due_pages(cluster, version, size=2)]
        assert pages == [["new0", "new1"], ["new2"]]
        assert send_due(cluster, hints, index_name) == 3
        assert send_due(cluster, hints, index_name) == 0
        shop.run("new0", "new1", "new2")
        hints.end(index_name, ["new0", "new1", "new2"])
        assert send_due(cluster, hints, index_name) == 0
        assert [one for some in sent for one in some] == ["new0", "new1", "new2"]
        shop.close()
