"""Batches whose messages were lost, and a worker that sends them to itself again."""

from __future__ import annotations

import pytest
from elasticsearch import Elasticsearch

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from mappings import task_records
from mappings.outbox import Outbox, Outgoing
from mappings.task_records import TaskRecords
from tests.indexer.conftest import upsert
from tests.indexer.programs import Program, environment, run, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.stack]
LONG_AGO_SECONDS = 400


def test_worker_sends_again_what_was_lost_together_with_a_killed_one(
    cluster: Elasticsearch,
    elasticsearch: EmbeddedElasticsearch,
    redis_server: EmbeddedRedis,
    index_name: str,
    tmp_path,
):
    url = redis_server.url[:-1] + "6"
    env = environment(elasticsearch.url, url)
    run("index", "create", index_name, env=env, log=tmp_path / "index.log")
    with task_records.connect(url) as queue:
        queue.flushdb()
        outbox = Outbox(queue, lambda *message: None, ttl_seconds=100)  # a Celery that loses all
        changes = [upsert(str(number)) for number in range(3)]
        tasks = [
            outbox.submit(index_name, [Outgoing(0, lane, [change], [0])])
            for lane, change in zip(("fast", "changes", "bulk"), changes, strict=True)
        ]
        outbox.begin((tasks[2], 0), "message of a worker that was killed")
        queue.hset(f"shelfwise:batch:{tasks[2]}:0", "until", 0)
        for name, score in queue.zrange("shelfwise:unfinished", 0, -1, withscores=True):
            queue.zadd("shelfwise:unfinished", {name: score - LONG_AGO_SECONDS})
        records = TaskRecords(queue, ttl_seconds=100)
        with Program("worker", env=env, log=tmp_path / "log") as worker:
            wait_until(lambda: all(records.read(task).state == "done" for task in tasks))
            assert "batches_sent_again" in worker.said
        queue.flushdb()
    cluster.indices.refresh(index=index_name)
    assert cluster.count(index=index_name)["count"] == 3
