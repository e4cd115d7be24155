"""The lanes of a worker: their order, and a worker that holds no encoder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil
import pytest
import redis
from elasticsearch import Elasticsearch

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.celery_app import LaneOrder, create_app, publisher
from indexer.settings import IndexerSettings
from indexer.worker import run_worker
from mappings import task_records
from mappings.errors import MissingSetting
from mappings.outbox import Outbox, Outgoing
from mappings.product_changes import LANES, Lane, ProductChange, queue_of
from mappings.task_records import TaskRecords
from tests.indexer.conftest import delete, patch, upsert
from tests.indexer.programs import Program, environment, run, wait_until

FAST_WORKER_MEGABYTES = 150


def test_earlier_lane_is_asked_first_whatever_came_last():
    order = LaneOrder()
    order.update([queue_of(lane) for lane in ("photos", "bulk", "fast", "changes")])
    order.rotate(queue_of("fast"))
    assert order.consume(4) == [queue_of(lane) for lane in LANES]
    assert order.consume(1) == [queue_of("fast")]


@pytest.mark.parametrize("text", ["slow", "", "fast,,bulk", "fast bulk"])
def test_lane_that_is_none_is_refused(text):
    with pytest.raises(MissingSetting, match="fast, changes, bulk"):
        IndexerSettings.from_environment({"SHELFWISE_INDEXER_LANES": text})


def test_lanes_are_put_in_their_order():
    settings = IndexerSettings.from_environment({"SHELFWISE_INDEXER_LANES": "bulk, fast"})
    assert settings.indexer_lanes == "fast,bulk"


def test_forking_pool_refuses_a_gpu():
    with pytest.raises(MissingSetting, match="prefork.*cuda:1"):
        run_worker(IndexerSettings(indexer_pool="prefork", indexer_device="cuda:1"))


@pytest.fixture
def url(redis_server: EmbeddedRedis) -> str:
    return redis_server.url[:-1] + "7"


@pytest.fixture
def queue(url: str) -> Iterator[redis.Redis]:
    with task_records.connect(url) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def outbox(queue: redis.Redis, url: str) -> Iterator[Outbox]:
    with create_app(IndexerSettings(redis_url=url)) as app:
        yield Outbox(queue, publisher(app), ttl_seconds=100)


@pytest.fixture
def env(elasticsearch: EmbeddedElasticsearch, url: str) -> dict[str, str]:
    return environment(elasticsearch.url, url, indexer_concurrency=1)


def submit(outbox: Outbox, index: str, lane: Lane, *changes: ProductChange) -> str:
    return outbox.submit(index, [Outgoing(0, lane, changes, range(len(changes)))])


@pytest.mark.cluster
@pytest.mark.stack
def test_waiting_batches_are_taken_lane_by_lane(
    cluster: Elasticsearch, index_name, env, outbox, queue, tmp_path
):
    run("index", "create", index_name, env=env, log=tmp_path / "index.log")
    lanes = {
        submit(outbox, index_name, lane, upsert(f"{lane}{number}")): lane
        for lane in reversed(LANES)
        for number in range(3)
    }
    with Program("worker", env=env, log=tmp_path / "log") as worker:
        wait_until(lambda: worker.said.count("batch_done") == len(lanes))
    done = [line for line in worker.said.splitlines() if "batch_done" in line]
    order = [lane for line in done for task, lane in lanes.items() if task in line]
    assert order == [lane for lane in LANES for _ in range(3)]


@pytest.mark.cluster
@pytest.mark.stack
def test_fast_worker_is_small_and_hands_over_what_needs_an_encoder(
    cluster: Elasticsearch, index_name, env, outbox, queue, tmp_path
):
    run("index", "create", index_name, env=env, log=tmp_path / "index.log")
    records = TaskRecords(queue, ttl_seconds=100)
    with Program("worker", "--lanes", "fast", env=env, log=tmp_path / "fast.log") as fast:
        needs_encoder = submit(outbox, index_name, "fast", upsert("1", title="Mouse", price=3))
        wait_until(lambda: queue.llen(queue_of("changes")))
        assert records.read(needs_encoder).state == "queued"
        with Program("worker", "--lanes", "changes", env=env, log=tmp_path / "log") as slow:
            wait_until(lambda: records.read(needs_encoder).state == "done")
            slow.kill()
        price = submit(outbox, index_name, "fast", patch("1", price=5))
        gone = submit(outbox, index_name, "fast", delete("2"))
        wait_until(lambda: records.read(price).state == records.read(gone).state == "done")
        process = psutil.Process(fast.process_id)
        files = {os.path.basename(each.path) for each in process.memory_maps()}
        assert not any("torch" in name for name in files)
        assert process.memory_info().rss < FAST_WORKER_MEGABYTES * 2**20, fast.said
    assert records.read(needs_encoder).indexed == 1
    assert records.read(price).indexed == 1
    cluster.indices.refresh(index=index_name)
    assert cluster.get(index=index_name, id="1")["_source"]["price"] == 5
