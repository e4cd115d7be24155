"""Bad input over HTTP and in files: refused with the field's name, or kept as it is."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from urllib.parse import quote

import orjson
import pytest
from flask.testing import FlaskClient

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.encoders.hashing import HashingEncoder
from mappings.index_lifecycle import create_index
from mappings.product_changes import MAX_VERSION
from tests.faults.bad_products import (
    BAD_PRODUCTS,
    CONTROL_CHARACTERS,
    LONG_ID,
    TEN_MEGABYTES,
    nested,
    strange_products,
)
from tests.faults.comparison import live_products
from tests.indexer.programs import Program, environment, run, wait_until
from tests.service.conftest import TEMPLATE, running_app

pytestmark = [pytest.mark.cluster, pytest.mark.stack]
MOUSE = {"id": "sound", "title": "Mouse"}
BAD = [pytest.param(fields, field, word, id=name) for name, fields, field, word in BAD_PRODUCTS]


@pytest.fixture(scope="module")
def env(elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis) -> dict[str, str]:
    redis_url = redis_server.url.removesuffix("/0") + "/8"
    return environment(elasticsearch.url, redis_url, text_template=TEMPLATE)


@pytest.fixture(scope="module", autouse=True)
def worker(env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    log = tmp_path_factory.mktemp("worker") / "log"
    with Program("worker", env=env, log=log) as program:
        yield program.wait_until_says("ready.")


@pytest.fixture(scope="module")
def client(env: dict[str, str]) -> Iterator[FlaskClient]:
    with running_app(env["SHELFWISE_ELASTICSEARCH_URL"], env["SHELFWISE_REDIS_URL"]) as app:
        yield app.test_client()


@pytest.fixture
def shop(cluster, index_name) -> str:
    create_index(cluster, index_name, {"text_vector": HashingEncoder(template=TEMPLATE).spec})
    return index_name


@pytest.fixture
def path(shop: str) -> str:
    return f"/v1/indexes/{shop}/products"


def wait_until_done(client: FlaskClient, response) -> dict:
    assert response.status_code == 202, response.text
    task = f"/v1/tasks/{response.json['task_id']}"
    wait_until(lambda: client.get(task).json["state"] == "done")
    return client.get(task).json


def assert_refused(response, field: str, word: str = "", status: int = 400) -> None:
    assert response.status_code == status, response.text
    error = response.json["error"]
    assert error["field"] == field
    assert word in error["message"]
    assert len(response.data) < 2_000, "the answer repeats what was too long"


@pytest.mark.parametrize(("fields", "field", "word"), BAD)
def test_bad_product_is_refused_by_field(client, path, fields, field, word):
    assert_refused(client.post(path, json={"id": "1", **fields}), field, word)


@pytest.mark.parametrize(("fields", "field", "word"), BAD)
def test_bad_patch_is_refused_by_field(client, path, fields, field, word):
    assert_refused(client.patch(path, json={"id": "1", **fields}), field)


def test_of_many_bad_ones_each_is_listed_and_the_sound_ones_are_indexed(
    client, cluster, path, shop
):
    bad = [{"id": f"bad{n}", **fields} for n, (_, fields, _, _) in enumerate(BAD_PRODUCTS)]
    short = [one for one in bad if len(orjson.dumps(one)) < 1_000_000]
    response = client.post(path, json=[MOUSE, *short, {**MOUSE, "id": "sound too"}])
    listed = [(one["position"], one["field"]) for one in response.json["rejected"]]
    fields = {
        name: field for name, (_, _, field, _) in zip(map(id, bad), BAD_PRODUCTS, strict=True)
    }
    assert listed == [(place, fields[id(one)]) for place, one in enumerate(short, start=1)]
    assert wait_until_done(client, response)["indexed"] == 2
    assert live_products(cluster, shop).keys() == {"sound", "sound too"}


@pytest.mark.parametrize("version", ["-1", "1.5", "x", str(MAX_VERSION + 1), "true", "1" * 10_000])
def test_bad_version_of_a_delete_is_refused(client, path, version):
    assert_refused(client.delete(f"{path}/1?version={version}"), "version")


def test_greatest_version_and_longest_id_are_taken(client, cluster, path, shop):
    product = {"id": "é" * 256, "title": "Mouse", "version": MAX_VERSION}
    assert wait_until_done(client, client.post(path, json=product))["indexed"] == 1
    late = {**product, "title": "Late", "version": MAX_VERSION - 1}
    assert wait_until_done(client, client.post(path, json=late))["stale"] == 1
    found, _ = live_products(cluster, shop)[product["id"]]
    assert found["title"] == "Mouse"


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_id_of_ten_thousand_characters_in_an_address_is_refused(client, path, method):
    body = {} if method in {"get", "delete"} else {"json": {"title": "x"}}
    assert_refused(client.open(f"{path}/{LONG_ID}", method=method.upper(), **body), "id", "512")


def test_id_of_ten_thousand_characters_in_a_list_to_delete_is_refused(client, path):
    assert_refused(client.delete(path, json={"ids": [LONG_ID]}), "id", "512")


@pytest.mark.parametrize("depth", [900, 10_000, 1_000_000])
def test_deep_nesting_is_refused(client, path, depth):
    # Beyond 1,024 levels it is no JSON for us, and nobody knows of which field it is.
    field = "attributes.a" if depth < 1_024 else "body"
    response = client.post(path, data=nested(depth), content_type="application/json")
    assert response.status_code == 400, response.text
    assert response.json["error"]["field"].startswith(field)
    assert len(response.data) < 2_000


@pytest.mark.parametrize("name", ["id", "title", "description", "version"])
def test_half_a_surrogate_pair_is_refused(client, path, name):
    raw = json.dumps({**MOUSE, name: "half \ud800"})
    response = client.post(path, data=raw, content_type="application/json")
    assert_refused(response, "body", "surrogate")


def test_body_of_twenty_megabytes_is_a_413(client, path):
    product = {**MOUSE, "description": 2 * TEN_MEGABYTES}
    assert_refused(client.post(path, json=product), "body", status=413)


def test_strange_characters_come_back_as_they_were(client, cluster, path, shop):
    products = strange_products()
    assert wait_until_done(client, client.post(path, json=products))["indexed"] == len(products)
    found = {name: product for name, (product, _) in live_products(cluster, shop).items()}
    assert found == {product["id"]: product for product in products}
    for product in products:
        read = client.get(f"{path}/{quote(product['id'], safe='')}")
        assert read.json["product"] == {k: v for k, v in product.items() if k != "id"}
    patch = {"id": products[0]["id"], "attributes": {products[0]["title"]: None}}
    assert wait_until_done(client, client.patch(path, json=patch))["indexed"] == 1
    deleted = client.delete(path, json={"ids": [product["id"] for product in products]})
    assert wait_until_done(client, deleted)["deleted"] == len(products)


def test_bad_records_of_a_file_are_rejected_and_the_others_come_back_as_they_were(
    cluster, env, shop, tmp_path
):
    bad = [
        ({"id": f"bad{n}", **fields}, field)
        for n, (_, fields, field, _) in enumerate(BAD_PRODUCTS)
    ]
    lines = [orjson.dumps(product) for product, _ in bad]
    fields = [field for _, field in bad]
    lines += [
        json.dumps({**MOUSE, "id": "1", "version": 2**70}).encode(),
        json.dumps({**MOUSE, "title": "half \ud800"}).encode(),
        nested(500),
        nested(10_000),
        orjson.dumps({**MOUSE, "description": TEN_MEGABYTES * 2}),
    ]
    # Of the last four nothing can be read, so that no field is known.
    fields += ["version", None, None, None, None]
    sound = strange_products()
    path = tmp_path / "shop.jsonl"
    path.write_bytes(b"\n".join([*lines, *map(orjson.dumps, sound)]) + b"\n")
    arguments = ["load", str(path), "--index", shop, "--map", "identity"]
    done = run(*arguments, env=env, log=tmp_path / "load.log")
    assert done.status == 2, done.said
    assert f"{len(sound)} indexed" in done.said
    rejects = {
        reject["line"]: reject
        for line in (tmp_path / "shop.jsonl.rejects.jsonl").read_bytes().splitlines()
        if (reject := orjson.loads(line))
    }
    assert [rejects[n + 1]["field"] for n in range(len(lines))] == fields
    words = ["surrogate", "nested too deeply", "depth limit", "longer than"]
    assert all(words[n] in rejects[len(lines) - 3 + n]["reason"] for n in range(4))
    assert max(len(reject["reason"]) for reject in rejects.values()) < 2_000
    found = {name: product for name, (product, _) in live_products(cluster, shop).items()}
    assert found == {product["id"]: product for product in sound}
    listed = run("dead-letters", "list", "--index", shop, env=env, log=tmp_path / "list.log")
    assert listed.status == 0, listed.said
    run("dead-letters", "purge", "--yes", env=env, log=tmp_path / "purge.log")


def test_control_characters_of_a_csv_file_come_back_as_they_were(cluster, env, shop, tmp_path):
    text = f"a{CONTROL_CHARACTERS}z"
    path = tmp_path / "shop.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "title", "description"])
        table.writerow(["1", "Mouse", text])
        table.writerow(["2", "Keyboard", "plain"])
    done = run("load", str(path), "--index", shop, env=env, log=tmp_path / "load.log")
    assert done.status == 0, done.said
    found, _ = live_products(cluster, shop)["1"]
    assert found == {"id": "1", "title": "Mouse", "description": text}
