"""`shelfwise sync` on the real stack: sources into the index, and cursors only behind that."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from elasticsearch import Elasticsearch

from embedded import ports
from indexer.connectors.commands import sync as command
from indexer.connectors.states import STATES_INDEX, SourceState, SourceStates
from indexer.connectors.sync import sync_once
from indexer.connectors.sync_config import read_sources
from indexer.settings import IndexerSettings
from tests.indexer.programs import Program, environment, wait_until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def env(elasticsearch, redis_server, postgres) -> dict[str, str]:
    settings = {"indexer_products_per_task": 50, "indexer_tasks_in_flight": 2}
    return environment(elasticsearch.url, redis_server.url, **settings) | {
        "SHOP_DB": postgres.url,
        "LEGACY_URL": elasticsearch.url,
    }


@pytest.fixture(scope="module")
def worker(env, tmp_path_factory) -> Iterator[Program]:
    log = tmp_path_factory.mktemp("worker") / "log"
    with Program("worker", env=env, log=log) as program:
        yield program.wait_until_says("ready.")


@pytest.fixture
def name(cluster) -> Iterator[str]:
    name = f"source-{secrets.token_hex(4)}"
    yield name
    cluster.options(ignore_status=404).delete(index=STATES_INDEX, id=name, refresh=True)


def config(folder: Path, name: str, index: str, **table: object) -> Path:
    lines = [f"[sources.{name}]", f'index = "{index}"']
    lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    path = folder / "sync.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def feed(path: Path, numbers, **fields) -> Path:
    lines = [json.dumps({"id": f"p{n}", "title": f"Mouse {n}", **fields}) for n in numbers]
    path.write_text("\n".join(lines) + "\n")
    return path


def sync(path: Path, env, **more) -> tuple[int, str]:
    """A pass over all sources in this process: its exit status, and what it said."""
    said: list[str] = []
    settings = IndexerSettings.from_environment(env)
    status = sync_once(settings, read_sources(path), say=said.append, **more)
    return status, "\n".join(said)


def once(path: Path, env, **more) -> str:
    """What a pass that went well said."""
    status, said = sync(path, env, **more)
    assert status == 0, said
    return said


def status_of(name: str, env, *more: str) -> str:
    """What `shelfwise sync --status` shows of a source."""
    done = CliRunner(env=env).invoke(command, ["--status", "--source", name, *more])
    assert done.exit_code == 0, done.output
    return done.output


def state(cluster: Elasticsearch, name: str) -> SourceState:
    (found,) = [one for one in SourceStates(cluster).list() if one.source == name]
    return found


def ids(cluster: Elasticsearch, index: str) -> set[str]:
    cluster.indices.refresh(index=index)
    query = {"bool": {"must_not": {"exists": {"field": "deleted_at"}}}}
    found = cluster.search(index=index, query=query, size=1_000, source=False)
    return {hit["_id"] for hit in found["hits"]["hits"]}


def names(numbers) -> set[str]:
    return {f"p{n}" for n in numbers}


def test_full_feed_fills_an_index_and_takes_away_what_it_no_longer_has(
    cluster, index_name, name, env, worker, tmp_path
):
    path = config(
        tmp_path, name, index_name, connector="files", path="f.jsonl", full=True, settle=0
    )
    feed(tmp_path / "f.jsonl", range(120))
    assert "120 records" in (said := once(path, env)), said
    assert "120 indexed, 0 unchanged, 0 deleted" in said
    assert ids(cluster, index_name) == names(range(120))
    assert "0 records" in once(path, env)

    feed(tmp_path / "f.jsonl", range(10, 125), price=5)
    assert "115 indexed, 0 unchanged, 10 deleted" in once(path, env)
    assert ids(cluster, index_name) == names(range(10, 125))

    feed(tmp_path / "f.jsonl", range(10, 40), price=6)  # cut off
    status, said = sync(path, env)
    assert status == 1, said
    assert "85 of 115 products" in said
    assert ids(cluster, index_name) == names(range(10, 125))
    assert "85 of 115" in state(cluster, name).last_error["message"]
    assert "failing" in (shown := status_of(name, env)), shown
    assert "max_delete = 0.2" in shown

    assert "85 deleted" in once(path, env, max_share=1)
    assert ids(cluster, index_name) == names(range(10, 40))
    assert state(cluster, name).last_error is None
    (shown,) = json.loads(status_of(name, env, "--json"))
    assert shown["counts"]["deleted"] == 95
    assert shown["complete_as_of"]


def test_records_that_are_no_products_are_told_and_kept(
    cluster, index_name, name, env, worker, tmp_path
):
    (tmp_path / "f.jsonl").write_text('{"id":"1","title":"a"}\n{"id":"2"}\nnonsense\n')
    path = config(
        tmp_path, name, index_name,
        connector="files", path="f.jsonl", settle=0, rejects="rejects.jsonl",
    )  # fmt: skip
    status, said = sync(path, env)
    assert status == 2, said
    assert "1 rejected" in said  # by the worker, which keeps it as a dead letter
    assert "1 could not be read" in said
    (line,) = (tmp_path / "rejects.jsonl").read_text().splitlines()
    assert json.loads(line)["place"] == "f.jsonl, line 3"
    assert [one["place"] for one in state(cluster, name).last_unread] == ["f.jsonl, line 3"]


def test_database_is_followed_with_its_deletes_until_it_is_told_to_stop(
    cluster, index_name, name, env, worker, postgres, tmp_path
):
    engine = sa.create_engine(postgres.url)
    table = f"products_{name.replace('-', '_')}"
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE TABLE {table} (id text, title text, updated_at timestamptz, gone boolean)"
        )
        connection.exec_driver_sql(
            f"INSERT INTO {table} SELECT 'p' || n, 'Mouse ' || n, now(), false "
            "FROM generate_series(0, 119) n"
        )
    path = config(
        tmp_path, name, index_name,
        connector="sql", url="env:SHOP_DB", map="db.json", every="200ms", overlap="5s",
        query=f"SELECT * FROM {table}", deleted="gone", page_size=50,
    )  # fmt: skip
    (tmp_path / "db.json").write_text('{"fields": {"id": "id", "title": "title"}}')
    (port,) = ports.pick_free(1)
    env = {**env, "SHELFWISE_INDEXER_METRICS_PORT": str(port)}
    with Program("sync", "--config", str(path), env=env, log=tmp_path / "log") as program:
        wait_until(lambda: "source_read" in program.said)
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            shown = answer.read().decode()
        labels = f'index="{index_name}",outcome="indexed",source="{name}"'
        assert f"shelfwise_sync_changes_total{{{labels}}} 120.0" in shown
        assert f'shelfwise_sync_passes_total{{result="complete",source="{name}"}}' in shown
        assert ids(cluster, index_name) == names(range(120))
        with engine.begin() as connection:
            connection.exec_driver_sql(
                f"INSERT INTO {table} VALUES ('p500', 'Keyboard', clock_timestamp(), false)"
            )
            connection.exec_driver_sql(
                f"UPDATE {table} SET gone = true, updated_at = clock_timestamp() WHERE id = 'p7'"
            )
        wanted = names([*range(7), *range(8, 120), 500])
        wait_until(lambda: ids(cluster, index_name) == wanted, seconds=60)
        program.interrupt()
        done = program.finish()
    assert done.status == 0, done.said
    assert "sync_stopped" in done.said
    last = state(cluster, name)
    assert last.last_error is None
    assert last.complete_as_of
    engine.dispose()


def test_killed_pass_goes_on_and_loses_nothing(cluster, index_name, name, env, worker, tmp_path):
    text = " ".join(f"w{n}" for n in range(2_500))  # keeps the hashing encoder busy
    feed(tmp_path / "f.jsonl", range(300), description=text)
    path = config(
        tmp_path, name, index_name, connector="files", path="f.jsonl", settle=0, page_size=20
    )

    def is_under_way() -> bool:
        found = [one for one in SourceStates(cluster).list() if one.source == name]
        return bool(found and (found[0].cursor or {}).get("under_way"))

    with Program("sync", "--config", str(path), "--once", env=env, log=tmp_path / "a") as program:
        wait_until(is_under_way)
        program.kill()
    place = state(cluster, name)
    line = place.cursor["under_way"]["line"]
    assert 0 < line < 300
    # What the cursor is behind of is in the index, whatever became of the rest.
    assert names(range(line)) <= ids(cluster, index_name)
    once(path, env)  # at once, though the dead process held the source
    assert ids(cluster, index_name) == names(range(300))
    assert state(cluster, name).cursor.get("under_way") is None


def test_index_of_a_shop_is_copied_and_followed(
    cluster, index_name, name, env, worker, elasticsearch, tmp_path
):
    shop = f"legacy-{name}"
    operations = []
    for n in range(60):
        operations += [{"index": {"_id": f"p{n}"}}, {"name": f"Mouse {n}"}]
    cluster.bulk(index=shop, operations=operations, refresh=True)
    (tmp_path / "legacy.json").write_text('{"fields": {"id": "_id", "title": "name"}}')
    path = config(
        tmp_path, name, index_name,
        connector="elasticsearch", url=elasticsearch.url, source_index=shop, map="legacy.json",
        compare_ids_every=0, page_size=25, max_delete=0.5,
    )  # fmt: skip
    try:
        assert "60 indexed" in once(path, env)
        cluster.delete(index=shop, id="p5", refresh=True)
        assert "0 indexed, 59 unchanged, 1 deleted" in once(path, env)
        assert ids(cluster, index_name) == names([*range(5), *range(6, 60)])
    finally:
        cluster.indices.delete(index=shop)
