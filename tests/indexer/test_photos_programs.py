"""Photos through real workers: loaded, listed, retried, rebuilt, and after a kill."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.photos.due_products import PhotoCounts, count_photos
from mappings.command_line import cli
from mappings.index_lifecycle import find_index
from mappings.index_versions import read_rebuild
from tests.indexer.images.photo_server import PhotoServer, respond
from tests.indexer.photos_shop import jpeg, shade
from tests.indexer.programs import Program, environment, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.stack]
PRODUCTS = 30


@pytest.fixture
def server() -> Iterator[PhotoServer]:
    with PhotoServer() as server:
        for number in range(PRODUCTS):
            server.serve(f"/{number}.jpg", jpeg(shade(number)))
        yield server


@pytest.fixture
def env(
    elasticsearch: EmbeddedElasticsearch,
    redis_server: EmbeddedRedis,
    server: PhotoServer,
    tmp_path: Path,
) -> dict[str, str]:
    return environment(
        elasticsearch.url,
        redis_server.url[:-1] + "11",
        image_encoder="hashing-image",
        model_directory=tmp_path / "models",
        indexer_image_allowed_networks="127.0.0.1/32",
        indexer_image_allowed_ports=f"80,{server.port}",
        indexer_image_delay_milliseconds=0,
        indexer_image_attempts=1,
        indexer_photo_products_per_task=4,
        indexer_photo_backoff_seconds=0.5,
        indexer_visibility_timeout_seconds=3,
        indexer_janitor_seconds=1,
    )


def write_products(path: Path, server: PhotoServer, *, broken: int | None = None) -> Path:
    lines = []
    for number in range(PRODUCTS):
        images = [server.url(f"/{number}.jpg", host="127.0.0.1")]
        if number == broken:
            images.append(server.url("/gone.jpg", host="127.0.0.1"))
        lines.append(
            json.dumps({"id": f"p{number}", "title": f"Mouse {number}", "images": images})
        )
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def call(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Commands in this process, which starts no Python for each."""

    def call(*arguments: str, **settings: str) -> Result:
        for name, value in {**env, **settings}.items():
            if name.startswith("SHELFWISE_"):
                monkeypatch.setenv(name, value)
        return CliRunner().invoke(cli, list(arguments))

    return call


def counts(cluster: Elasticsearch, index: str) -> PhotoCounts:
    return count_photos(cluster, index, refresh=True)


def test_load_waits_for_the_photos_and_says_what_is_not_there(
    cluster, index_name, env, call, server, tmp_path
):
    file = write_products(tmp_path / "products.jsonl", server, broken=3)
    with Program("worker", env=env, log=tmp_path / "worker.log") as worker:
        worker.wait_until_says("ready.")
        load = call("load", str(file), "--index", index_name)
        assert load.exit_code == 0, load.output
        assert f"{index_name}: 30 photos, 1 products lack some" in load.output
        assert counts(cluster, index_name) == PhotoCounts(photos=PRODUCTS, faulty=1)
        found = cluster.search(index=index_name, version=True, size=PRODUCTS)["hits"]["hits"]
        assert {hit["_version"] for hit in found} == {1}, "written once, with their photos"
        listed = call("photos", "list", "--index", index_name, "--json")
        (row,) = [json.loads(line) for line in listed.output.splitlines()]
        assert (row["product"], row["position"], row["code"]) == ("p3", 1, "not_found")
        assert (row["attempts"], row["next_try"]) == (1, None)
        assert "not_found" in call("photos", "list", "--index", index_name).output
        server.serve("/gone.jpg", jpeg(shade(40)))
        done = call("photos", "retry", "--index", index_name, "--code", "not_found")
        assert "photos of 1 products are tried again" in done.output
        wait_until(lambda: counts(cluster, index_name) == PhotoCounts(photos=PRODUCTS + 1))
        requests = len(server.requests)
        again = call("reindex", "--index", index_name)
        assert again.exit_code == 0, again.output
        assert counts(cluster, index_name) == PhotoCounts(photos=PRODUCTS + 1)
        assert len(server.requests) == requests
        report = read_rebuild(cluster, find_index(cluster, index_name).index).report
        assert report["photos"] == {"photos": PRODUCTS + 1, "left": 0, "later": 0, "faulty": 0}


def test_killed_worker_loses_no_photo_and_a_worker_of_photos_alone_is_enough(
    cluster, index_name, env, call, server, tmp_path
):
    def slow(handler, number):
        time.sleep(0.1)
        respond(jpeg(shade(number)))(handler)

    for number in range(PRODUCTS):
        server.routes[f"/{number}.jpg"] = lambda handler, number=number: slow(handler, number)
    file = write_products(tmp_path / "products.jsonl", server)
    env = {**env, "SHELFWISE_INDEXER_IMAGE_CONNECTIONS_PER_HOST": "2"}
    with Program("worker", "--lanes", "changes,bulk", env=env, log=tmp_path / "text.log"):
        load = call("load", str(file), "--index", index_name, "--no-wait-photos")
        assert load.exit_code == 0, load.output
    assert server.requests == []
    assert counts(cluster, index_name) == PhotoCounts(left=PRODUCTS)
    with Program("worker", "--lanes", "photos", env=env, log=tmp_path / "killed.log") as killed:
        wait_until(lambda: len(server.requests) > PRODUCTS / 3)
        killed.kill()
    assert counts(cluster, index_name).left > 0
    with Program("worker", "--lanes", "photos", env=env, log=tmp_path / "photos.log") as photos:
        wait_until(lambda: counts(cluster, index_name) == PhotoCounts(photos=PRODUCTS))
        maps = psutil.Process(photos.process_id).memory_maps()
        assert not any("torch" in os.path.basename(each.path) for each in maps), "it has no text"
