"""A worker that is told to stop finishes what it has begun and leaves the rest."""

from __future__ import annotations

import pytest

from mappings.outbox import Outbox, Outgoing
from mappings.product_changes import ProductChange, queue_of
from mappings.task_records import TaskRecords, connect
from service.task_queue import publisher
from tests.indexer.programs import Program, environment, run, wait_until

pytestmark = pytest.mark.stack


def test_batch_that_has_begun_is_finished_and_the_next_one_is_left(
    elasticsearch, redis_server, cluster, index_name, tmp_path
):
    env = environment(
        elasticsearch.url,
        redis_server.url,
        indexer_concurrency=1,
        indexer_gather_milliseconds=3_000,  # a small batch is held for so long once it has begun
    )
    run("index", "create", index_name, env=env, log=tmp_path / "index.log")
    queue = connect(redis_server.url)
    queue.flushall()
    records = TaskRecords(queue, ttl_seconds=100)
    outbox = Outbox(queue, publisher(redis_server.url), ttl_seconds=100)

    def submit(product_id: str, lane: str) -> str:
        change = ProductChange("upsert", product_id, {"title": "Mouse"})
        return outbox.submit(index_name, [Outgoing(0, lane, [change], [0])])

    with Program("worker", env=env, log=tmp_path / "log") as worker:
        worker.wait_until_says("ready.")
        begun = submit("begun", "changes")
        wait_until(lambda: not queue.llen(queue_of("changes")))
        worker.interrupt()
        worker.wait_until_says("Warm shutdown")
        assert records.read(begun).state == "queued", "it is still held"
        later = submit("later", "bulk")
        ended = worker.finish()
    assert ended.status == 0, ended.said
    assert records.read(begun).indexed == 1
    assert records.read(later).state == "queued"
    assert queue.llen(queue_of("bulk")) == 1
    queue.flushall()
