"""`shelfwise reindex` and `rollback` with real workers, and killed at every step."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from elasticsearch import Elasticsearch

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.encoders.hashing import HashingEncoder
from indexer.housekeeping import drop_tombstones
from indexer.patience import patiently
from indexer.pipeline import Pipeline
from indexer.rebuild.verification import verify
from mappings.index_lifecycle import create_index, find_index
from mappings.index_versions import find_next, find_previous, read_rebuild
from mappings.product_changes import ProductChange
from tests.indexer.programs import Finished, Program, environment, run, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.stack]
ENCODER = HashingEncoder(template="{title}")
COUNT = 240


@pytest.fixture(scope="module")
def env(
    elasticsearch: EmbeddedElasticsearch,
    redis_server: EmbeddedRedis,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    return environment(
        elasticsearch.url,
        redis_server.url,
        text_template="{title}",
        indexer_products_per_task=20,
        indexer_janitor_seconds=1,
        model_directory=tmp_path_factory.mktemp("models"),
    )


@pytest.fixture(scope="module")
def worker(env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    log = tmp_path_factory.mktemp("worker") / "log"
    with Program("worker", env=env, log=log) as program:
        yield program.wait_until_says("ready.")


def change(operation: str, number: int, arrival: int, **fields: object) -> ProductChange:
    return ProductChange(operation, f"p{number:03}", fields, arrival=arrival)  # type: ignore[arg-type]


@pytest.fixture
def shop(cluster: Elasticsearch, index_name: str) -> str:
    """An index of 240 products, less one that was deleted."""
    create_index(cluster, index_name, {"text_vector": ENCODER.spec})
    pipeline = Pipeline(cluster, ENCODER)
    names = ("mouse", "keyboard", "cable", "screen", "lamp", "desk", "chair")
    products = [
        change("upsert", n, n + 1, title=f"{names[n % 7]} model{n}", price=n, brand=f"b{n % 5}")
        for n in range(COUNT)
    ]
    pipeline.process(index_name, products)
    pipeline.process(index_name, [change("delete", 0, 1_000)])
    return index_name


def reindex(index: str, env: dict[str, str], tmp_path: Path, *more: str) -> Finished:
    return run("reindex", "--index", index, *more, env=env, log=tmp_path / "reindex.log")


def live_count(cluster: Elasticsearch, index: str) -> int:
    cluster.indices.refresh(index=index)
    query = {"bool": {"must_not": [{"exists": {"field": "deleted_at"}}]}}
    return int(cluster.count(index=index, query=query)["count"])


def test_new_version_takes_over_and_can_be_rolled_back(cluster, env, worker, shop, tmp_path):
    done = reindex(shop, env, tmp_path)
    assert done.status == 0, done.said
    assert find_index(cluster, shop).index == f"{shop}-v2"
    assert find_previous(cluster, shop).index == f"{shop}-v1"
    assert live_count(cluster, shop) == COUNT - 1
    rebuild = read_rebuild(cluster, f"{shop}-v2")
    assert rebuild.report["verification"]["problems"] == []
    assert rebuild.report["verification"]["documents"]["compared"] == 200
    late = rebuild.swapped_at + 10
    changes = [
        change("upsert", 500, late, title="new product"),
        change("patch", 7, late + 1, price=77),
        change("delete", 8, late + 2),
    ]
    Pipeline(cluster, ENCODER).process(shop, changes)
    done = run("rollback", "--index", shop, env=env, log=tmp_path / "rollback.log")
    assert done.status == 0, done.said
    assert find_index(cluster, shop).index == f"{shop}-v1"
    assert find_previous(cluster, shop).index == f"{shop}-v2"
    assert cluster.get(index=shop, id="p500")["_source"]["title"] == "new product"
    assert cluster.get(index=shop, id="p007")["_source"]["price"] == 77
    assert "deleted_at" in cluster.get(index=shop, id="p008")["_source"]


def test_old_versions_go_but_the_last_one(cluster, env, worker, shop, tmp_path):
    for _ in range(2):
        assert reindex(shop, env, tmp_path).status == 0
    assert find_index(cluster, shop).index == f"{shop}-v3"
    assert not cluster.indices.exists(index=f"{shop}-v1")


def test_fields_are_remapped_from_a_file(cluster, env, worker, shop, tmp_path):
    rules = {"name": "upper", "fields": {"id": "id", "title": "title", "brand": {"const": "HP"}}}
    path = tmp_path / "map.json"
    path.write_bytes(orjson.dumps(rules))
    done = reindex(shop, env, tmp_path, "--map", str(path))
    assert done.status == 0, done.said
    assert cluster.get(index=shop, id="p007")["_source"]["brand"] == "HP"


def test_another_template_encodes_anew_and_is_measured(cluster, env, worker, shop, tmp_path):
    judgements = tmp_path / "judgements.csv"
    with judgements.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["query", "product_id", "grade"])
        rows.writerows([[f"model{n}", f"p{n:03}", 3] for n in range(1, 9)])
    more = ["--template", "{title} {brand}", "--judgements", str(judgements)]
    done = reindex(shop, env, tmp_path, *more)
    assert done.status == 0, done.said
    live = find_index(cluster, shop)
    assert live.text_encoder.template == "{title} {brand}"
    gate = read_rebuild(cluster, live.index).report["gate"]
    assert gate["passed"] is True
    assert gate["live"] == gate["next"] == pytest.approx(1.0)


def test_gate_refuses_a_worse_version_and_the_old_one_serves(cluster, env, worker, shop, tmp_path):
    judgements = tmp_path / "judgements.csv"
    lines = [f"model{n},p{n:03},3" for n in range(1, 9)]
    judgements.write_text("\n".join(["query,product_id,grade", *lines]))
    path = tmp_path / "map.json"
    titles = {"name": "bad", "fields": {"id": "id", "title": {"const": "the same for all"}}}
    path.write_bytes(orjson.dumps(titles))
    more = ["--map", str(path), "--judgements", str(judgements)]
    done = reindex(shop, env, tmp_path, *more)
    assert done.status == 1, done.said
    assert "NDCG@10 would fall" in done.said
    assert "Traceback" not in done.said
    assert find_index(cluster, shop).index == f"{shop}-v1"
    assert read_rebuild(cluster, f"{shop}-v2").step == "failed"
    assert reindex(shop, env, tmp_path, "--abandon").status == 0
    assert find_next(cluster, shop) is None
    assert live_count(cluster, shop) == COUNT - 1


def test_feed_fills_the_new_version_alone(cluster, env, worker, shop, tmp_path):
    feed = tmp_path / "feed.jsonl"
    products = [{"id": f"f{n}", "title": f"lamp of the feed {n}", "price": n} for n in range(50)]
    feed.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in products))
    done = reindex(shop, env, tmp_path, "--from", str(feed))
    assert done.status == 0, done.said
    assert live_count(cluster, shop) == 50
    assert live_count(cluster, f"{shop}-v1") == COUNT - 1


@pytest.mark.parametrize("step", ["copying", "verifying", "ready"])
def test_killed_at_any_step_the_old_version_serves_and_the_workers_end_it(
    cluster, env, worker, shop, tmp_path, step
):
    slow = {**env, "SHELFWISE_INDEXER_TASKS_IN_FLIGHT": "1"}
    with Program("reindex", "--index", shop, env=slow, log=tmp_path / "killed.log") as program:
        wait_until(lambda: _is_at(cluster, shop, step))
        program.kill()
    # The swap is one request: either version is whole.
    assert find_index(cluster, shop).index in {f"{shop}-v1", f"{shop}-v2"}
    assert live_count(cluster, shop) == COUNT - 1
    late = [change("patch", 5, 5_000, price=55)]
    # The shard of the new version may not have started yet.
    patiently(lambda: Pipeline(cluster, ENCODER).process(shop, late), patience_seconds=30)
    # The workers go on with it, once the lease of the dead command has ended.
    wait_until(lambda: find_index(cluster, shop).index == f"{shop}-v2", 90)
    assert live_count(cluster, shop) == COUNT - 1
    assert cluster.get(index=shop, id="p005")["_source"]["price"] == 55


def _is_at(cluster: Elasticsearch, shop: str, step: str) -> bool:
    if find_index(cluster, shop).index == f"{shop}-v2":
        return True
    target = find_next(cluster, shop)
    return target is not None and read_rebuild(cluster, target.index).step in {step, "ready"}


def test_rebuild_in_the_background_is_driven_by_the_workers(cluster, env, worker, shop, tmp_path):
    assert reindex(shop, env, tmp_path, "--background").status == 0
    wait_until(lambda: find_index(cluster, shop).index == f"{shop}-v2", 60)
    assert live_count(cluster, shop) == COUNT - 1


def test_tombstones_expire(cluster, shop):
    assert drop_tombstones(cluster, days=1) == 0
    old = {"product_id": "old", "deleted_at": "2020-01-01T00:00:00Z"}
    cluster.index(index=f"{shop}-v1", id="old", document=old, refresh=True)
    assert drop_tombstones(cluster, days=1) == 1
    cluster.indices.refresh(index=shop)
    assert cluster.exists(index=shop, id="p000")
    assert not cluster.exists(index=shop, id="old")


def test_verification_sees_what_is_missing_or_different(cluster, env, worker, shop, tmp_path):
    assert reindex(shop, env, tmp_path).status == 0
    live, previous = find_index(cluster, shop), find_previous(cluster, shop)

    def compared() -> tuple[str, ...]:
        ticks = iter(range(0, 1000, 100))
        found = verify(
            cluster,
            live,
            previous,
            same_products=True,
            in_flight=lambda: 0,
            clock=lambda: next(ticks),
            sleep=lambda _: None,
        )
        return found.problems

    assert compared() == ()
    cluster.delete(index=previous.index, id="p005")
    assert any("products in" in problem for problem in compared())
    cluster.index(index=previous.index, id="p005", document={"product_id": "p005", "title": "x"})
    for number in range(1, 200):
        cluster.update(index=previous.index, id=f"p{number:03}", doc={"price": -1})
    assert any("documents differ" in problem for problem in compared())


def test_products_that_change_during_the_verification_do_not_fail_it(cluster, shop):
    target = create_index(cluster, f"{shop}-other", {"text_vector": ENCODER.spec})
    cluster.indices.put_settings(index=target.index, settings={"refresh_interval": -1})
    pipeline = Pipeline(cluster, ENCODER)
    waiting = [
        [change("upsert", n, 1, title=f"{word}{n * factor} {word}{n}") for n in range(COUNT)]
        for word, factor in (("lamp", 7919), ("desk", 104_729))
    ]
    pipeline.process(target.name, waiting.pop())

    def write_more() -> int:
        while waiting:
            pipeline.process(target.name, [replace(one, arrival=2) for one in waiting.pop()])
        return 0

    ticks = iter(range(0, 1000, 10))
    try:
        found = verify(
            cluster,
            find_index(cluster, shop),
            target,
            same_products=False,
            in_flight=write_more,
            clock=lambda: next(ticks),
            sleep=lambda _: None,
        )
    finally:
        cluster.indices.delete(index=target.index)
    assert found.problems == ()
