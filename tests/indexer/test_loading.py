"""`shelfwise load` and `shelfwise worker` as real processes on the real stack."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import redis
from elasticsearch import Elasticsearch

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.encoders.registry import load_text_encoder
from indexer.load_command import WORTH_FINETUNING
from mappings import task_records
from mappings.index_lifecycle import create_index
from mappings.outbox import Outbox
from mappings.product_changes import queue_of
from mappings.task_records import TaskRecords
from tests.indexer.conftest import RecordingEncoder
from tests.indexer.programs import Finished, Program, environment, run, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.stack]


@pytest.fixture(scope="module")
def env(elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis) -> dict[str, str]:
    return environment(elasticsearch.url, redis_server.url, indexer_products_per_task=50)


@pytest.fixture(scope="module")
def worker(env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    log = tmp_path_factory.mktemp("worker") / "log"
    with Program("worker", env=env, log=log) as program:
        yield program.wait_until_says("ready.")


@pytest.fixture
def queue(redis_server: EmbeddedRedis) -> Iterator[redis.Redis]:
    with task_records.connect(redis_server.url) as client:
        yield client


def write_lines(path: Path, records: list) -> Path:
    path.write_bytes(
        b"".join((r if isinstance(r, bytes) else orjson.dumps(r)) + b"\n" for r in records)
    )
    return path


def products(count: int, **fields: object) -> list[dict]:
    return [{"id": f"p{n}", "title": f"Mouse {n}", "price": n, **fields} for n in range(count)]


def slow_products(count: int) -> list[dict]:
    """Products whose text keeps the hashing encoder busy for a good while."""
    text = " ".join(f"w{number}" for number in range(12_000))
    return [
        {**product, "description": f"{number} {text[: 60_000 + number]}"}
        for number, product in enumerate(products(count))
    ]


def load(path: Path, index: str, env: dict[str, str], *more: str) -> Finished:
    return run("load", str(path), "--index", index, *more, env=env, log=path.with_suffix(".log"))


def count(cluster: Elasticsearch, index: str) -> int:
    cluster.indices.refresh(index=index)
    return cluster.count(index=index)["count"]


def refresh_interval(cluster: Elasticsearch, index: str) -> str:
    settings = cluster.indices.get_settings(index=f"{index}-v1", flat_settings=True)
    return settings[f"{index}-v1"]["settings"]["index.refresh_interval"]


def holders(queue: redis.Redis) -> list[str]:
    """The messages whose workers have begun a batch."""
    kept = queue.scan_iter("shelfwise:batch:*:[0-9]*")
    return [holder for key in kept if (holder := queue.hget(key, "holder"))]


def test_load_fills_a_new_index_and_again_finds_it_unchanged(
    cluster, index_name, env, worker, tmp_path
):
    path = write_lines(tmp_path / "shop.jsonl", products(220))
    done = load(path, index_name, env)
    assert done.status == 0, done.said
    assert "220 indexed, 0 unchanged" in done.said
    # Searchable at once, for the load ends with a refresh.
    assert cluster.count(index=index_name)["count"] == 220
    vector = load_text_encoder("hashing", template="{title}").encode(["Mouse 7"])[0]
    found = cluster.search(
        index=index_name,
        knn={"field": "text_vector", "query_vector": vector.tolist(), "k": 1, "num_candidates": 9},
        source=["product_id"],
    )
    assert found["hits"]["hits"][0]["_source"]["product_id"] == "p7"
    assert refresh_interval(cluster, index_name) == "1s"
    again = load(path, index_name, env)
    assert (again.status, "0 indexed, 220 unchanged" in again.said) == (0, True), again.said


def test_load_of_many_products_with_photos_ends_with_the_natural_next_step(
    cluster, index_name, env, worker, tmp_path
):
    shop = [{**one, "images": ["a.jpg"]} for one in products(WORTH_FINETUNING)]
    path = write_lines(tmp_path / "shop.jsonl", shop)
    done = load(path, index_name, env)
    assert done.status == 0, done.said
    command = (
        f"shelfwise finetune --catalogue {path} --index {index_name} --out {index_name}-photos"
    )
    assert command in done.said


def test_bad_records_are_rejected_with_line_and_reason_and_the_others_are_indexed(
    cluster, index_name, env, worker, tmp_path
):
    good = products(120)
    lines: list = list(good)
    lines[3] = b'{"id": "broken'
    lines[60] = {"id": "p60", "title": "Mouse", "price": -1}
    lines[61] = {"id": "p61", "title": "Mouse", "colour": "red"}
    lines[99] = {"title": "no id"}
    path = write_lines(tmp_path / "shop.jsonl", lines)
    done = load(path, index_name, env, "--map", "identity")
    assert done.status == 2, done.said
    assert "116 indexed" in done.said
    assert "4 rejected" in done.said
    rejects = [
        orjson.loads(line)
        for line in (tmp_path / "shop.jsonl.rejects.jsonl").read_bytes().splitlines()
    ]
    found = sorted((item["line"], item["id"], item["field"]) for item in rejects)
    assert found == [
        (4, None, None),
        (61, "p60", "price"),
        (62, "p61", "colour"),
        (100, None, "id"),
    ]
    by_line = {item["line"]: item for item in rejects}
    assert "-1" in by_line[61]["reason"]
    assert orjson.loads(by_line[61]["record"]) == lines[60]
    assert count(cluster, index_name) == 116
    # The mended records alone go in afterwards, and the old rejects do not stay behind.
    write_lines(path, good)
    assert load(path, index_name, env).status == 0
    assert not (tmp_path / "shop.jsonl.rejects.jsonl").exists()


def test_csv_is_loaded_by_the_plain_map(cluster, index_name, env, worker, tmp_path):
    path = tmp_path / "shop.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file, delimiter=";")
        table.writerow(["id", "title", "price", "categories", "weight"])
        table.writerow(["1", "Mouse; wireless", "12.50", "Computers > Mice", "80"])
        table.writerow(["2", "Keyboard", "cheap", "", ""])
    done = load(path, index_name, env)
    assert (done.status, "1 indexed" in done.said) == (2, True), done.said
    document = cluster.get(index=index_name, id="1")["_source"]
    assert (document["title"], document["price"]) == ("Mouse; wireless", 12.5)
    assert document["attributes"] == {"weight": 80}


def test_own_map_names_index_and_columns(cluster, index_name, env, worker, tmp_path):
    mapping = {"index": index_name, "fields": {"id": "sku", "title": "label"}}
    (tmp_path / "own.json").write_bytes(orjson.dumps(mapping))
    path = write_lines(tmp_path / "shop.jsonl", [{"sku": 5, "label": "Mouse"}])
    arguments = ["load", str(path), "--map", str(tmp_path / "own.json")]
    done = run(*arguments, env=env, log=tmp_path / "log")
    assert done.status == 0, done.said
    assert cluster.get(index=index_name, id="5")["_source"]["title"] == "Mouse"


def test_index_of_another_encoder_stops_the_load(cluster, index_name, env, worker, tmp_path):
    create_index(cluster, index_name, {"text_vector": RecordingEncoder().spec})
    done = load(write_lines(tmp_path / "shop.jsonl", products(1)), index_name, env)
    assert done.status == 1
    assert "was filled by another encoder" in done.said


def test_redis_holds_few_batches_while_no_worker_takes_them(
    cluster, index_name, env, queue, tmp_path
):
    # A database of its own, where no worker listens.
    env = env | {
        "SHELFWISE_REDIS_URL": env["SHELFWISE_REDIS_URL"][:-1] + "1",
        "SHELFWISE_INDEXER_TASKS_IN_FLIGHT": "3",
        "SHELFWISE_INDEXER_PATIENCE_SECONDS": "2",
    }
    path = write_lines(tmp_path / "shop.jsonl", products(1_000))
    done = load(path, index_name, env)
    assert done.status == 1
    assert "no worker has finished a batch" in done.said
    with task_records.connect(env["SHELFWISE_REDIS_URL"]) as other:
        assert other.llen(queue_of("bulk")) == 3
        other.flushdb()


def test_interrupted_load_is_cancelled_and_puts_the_refresh_interval_back(
    cluster, index_name, env, tmp_path
):
    env = env | {"SHELFWISE_REDIS_URL": env["SHELFWISE_REDIS_URL"][:-1] + "2"}
    path = write_lines(tmp_path / "shop.jsonl", products(10))
    arguments = ("load", str(path), "--index", index_name)
    with (
        Program(*arguments, env=env, log=tmp_path / "log") as loading,
        task_records.connect(env["SHELFWISE_REDIS_URL"]) as other,
    ):
        wait_until(lambda: other.llen(queue_of("bulk")))
        assert refresh_interval(cluster, index_name) == "30s"
        loading.interrupt()
        done = loading.finish()
        (task,) = {key.split(b":")[2].decode() for key in other.scan_iter("shelfwise:task:*")}
        record = TaskRecords(other, ttl_seconds=60).read(task)
        assert (record.state, record.cancelled) == ("cancelled", 10)
        other.flushdb()
    assert done.status == 130
    assert "interrupted" in done.said
    assert "1 waiting batches were taken back" in done.said
    assert refresh_interval(cluster, index_name) == "1s"


def test_load_whose_task_is_cancelled_stops_and_says_so(cluster, index_name, env, tmp_path):
    env = env | {"SHELFWISE_REDIS_URL": env["SHELFWISE_REDIS_URL"][:-1] + "5"}
    path = write_lines(tmp_path / "shop.jsonl", products(1_000))
    arguments = ("load", str(path), "--index", index_name)
    with (
        Program(*arguments, env=env, log=tmp_path / "log") as loading,
        task_records.connect(env["SHELFWISE_REDIS_URL"]) as other,
    ):
        wait_until(lambda: other.llen(queue_of("bulk")))
        (head,) = {key.split(b":")[2].decode() for key in other.scan_iter("shelfwise:task:*")}
        Outbox(other, lambda *message: None, ttl_seconds=60).cancel(head)
        done = loading.finish()
        other.flushdb()
    assert done.status == 1
    assert "the task was cancelled" in done.said


def test_batch_of_a_killed_child_is_delivered_again(cluster, index_name, env, queue, tmp_path):
    env = env | {
        "SHELFWISE_REDIS_URL": env["SHELFWISE_REDIS_URL"][:-1] + "3",
        "SHELFWISE_INDEXER_POOL": "prefork",
        "SHELFWISE_INDEXER_CONCURRENCY": "1",
    }
    path = write_lines(tmp_path / "shop.jsonl", slow_products(20))
    with (
        Program("worker", env=env, log=tmp_path / "worker.log") as worker,
        Program(
            "load", str(path), "--index", index_name, env=env, log=tmp_path / "log"
        ) as loading,
        task_records.connect(env["SHELFWISE_REDIS_URL"]) as other,
    ):
        wait_until(lambda: holders(other))
        assert worker.kill_children() == 1
        done = loading.finish()
        assert done.status == 0, done.said + worker.said
        assert "Worker exited prematurely" in worker.said
        other.flushdb()
    assert count(cluster, index_name) == 20


def test_batch_of_a_killed_worker_goes_to_the_next_one(cluster, index_name, env, tmp_path):
    env = env | {
        "SHELFWISE_REDIS_URL": env["SHELFWISE_REDIS_URL"][:-1] + "4",
        # Well above the time of a batch of two, else it would run again and again.
        "SHELFWISE_INDEXER_VISIBILITY_TIMEOUT_SECONDS": "15",
        "SHELFWISE_INDEXER_PRODUCTS_PER_TASK": "2",
    }
    path = write_lines(tmp_path / "shop.jsonl", slow_products(6))
    with (
        Program("worker", env=env, log=tmp_path / "first.log") as first,
        Program(
            "load", str(path), "--index", index_name, env=env, log=tmp_path / "log"
        ) as loading,
        task_records.connect(env["SHELFWISE_REDIS_URL"]) as other,
    ):
        wait_until(lambda: holders(other))
        first.kill()
        with Program("worker", env=env, log=tmp_path / "second.log") as second:
            done = loading.finish()
            assert done.status == 0, done.said + second.said
        other.flushdb()
    assert count(cluster, index_name) == 6


def test_nothing_is_lost_while_elasticsearch_and_redis_go_away(request, tmp_path):
    """Both are stopped during a load and come back; Redis comes back empty."""
    version = request.config.getoption("--es-version")
    with (
        EmbeddedElasticsearch(tmp_path / "es", version=version, heap="512m") as first_cluster,
        EmbeddedRedis(tmp_path / "redis", append_only=False) as first_queue,
    ):
        env = environment(first_cluster.url, first_queue.url, indexer_products_per_task=20)
        path = write_lines(tmp_path / "shop.jsonl", products(3_000))
        with (
            Program("worker", env=env, log=tmp_path / "worker.log") as worker,
            Program(
                "load", str(path), "--index", "shop", env=env, log=tmp_path / "log"
            ) as loading,
        ):
            worker.wait_until_says("batch_done")
            first_cluster.stop()
            worker.wait_until_says("batch_postponed")
            port = int(first_cluster.url.rpartition(":")[2])
            with EmbeddedElasticsearch(
                tmp_path / "es", version=version, heap="512m", http_port=port
            ) as second_cluster:
                first_queue.stop()
                with EmbeddedRedis(tmp_path / "redis", port=first_queue.port, append_only=False):
                    done = loading.finish(240)
                    assert done.status == 0, done.said + worker.said
                    with Elasticsearch(second_cluster.url) as cluster:
                        assert count(cluster, "shop") == 3_000
                        assert refresh_interval(cluster, "shop") == "1s"
                    worker.kill()
