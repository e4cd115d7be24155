"""Keys in a real cluster: what one shop's key can do, and what it learns of another shop."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from click.testing import CliRunner
from elasticsearch import Elasticsearch
from flask import Flask

from mappings.dead_letters import DeadLetter, letter_id
from mappings.errors import UnknownKey
from mappings.product_changes import ProductChange
from service.access.commands import keys as keys_command
from service.access.key_store import KEYS_INDEX, KeyStore
from service.access.keys import NewKey, make_key
from tests.service.access.conftest import bearer
from tests.service.conftest import running_app, services_of

pytestmark = pytest.mark.cluster
PRODUCT = {"id": "1", "title": "Cordless mouse"}


@pytest.fixture(scope="module")
def app(elasticsearch, redis_server, shop) -> Iterator[Flask]:
    url = redis_server.url.removesuffix("/0") + "/6"
    with running_app(
        elasticsearch.url, url, service_keys="required", service_key_cache_seconds=0.2
    ) as app:
        yield app


@pytest.fixture(scope="module")
def make(app: Flask):
    store, made = KeyStore(services_of(app).client), []

    def create(*scopes: str, indexes: tuple[str, ...]) -> NewKey:
        new = make_key("test", scopes, indexes, created_by="a test")
        store.add(new.key)
        made.append(new.key.id)
        return new

    yield create
    for key_id in made:
        with suppress(UnknownKey):  # a test has let all be forgotten that end
            store.revoke(key_id)
    store.purge()


@pytest.fixture(scope="module")
def ours(make, shop) -> NewKey:
    """A key of the shop for everything but admin."""
    return make("search", "write", "events", indexes=(shop,))


@pytest.fixture(scope="module")
def theirs(make) -> NewKey:
    """An admin of another shop."""
    return make("admin", indexes=("other-*",))


def test_a_key_searches_its_index_with_every_header(app, ours, shop):
    client, path = app.test_client(), f"/v1/indexes/{shop}/search"
    for headers in (
        bearer(ours),
        {"X-Api-Key": ours.text},
        {"Authorization": f"ApiKey {ours.text}"},
    ):
        response = client.post(path, json={"q": "mouse"}, headers=headers)
        assert response.status_code == 200, response.text
        assert response.json["total"]["value"] > 0


def test_an_index_of_others_looks_like_one_that_is_not_there(app, theirs, shop):
    def ask(name: str) -> tuple[int, str]:
        path = f"/v1/indexes/{name}/search"
        response = app.test_client().post(path, json={"q": "mouse"}, headers=bearer(theirs))
        return response.status_code, response.json["error"]["message"].replace(name, "NAME")

    assert ask(shop) == ask("x" * len(shop))
    assert ask(shop)[0] == 403


def test_tasks_and_dead_letters_of_others_look_like_none(app, ours, theirs, shop):
    client, services = app.test_client(), services_of(app)
    sent = client.post(f"/v1/indexes/{shop}/products", json=PRODUCT, headers=bearer(ours))
    task = f"/v1/tasks/{sent.json['task_id']}"
    change = ProductChange("patch", "1", {"price": 1})
    letter = DeadLetter(
        letter_id("t", 0, change),
        shop,
        change,
        "a reason",
        None,
        1,
        "t",
        "2026-11-21T12:00:00+00:00",
    )
    services.dead_letters.add([letter])
    found = f"/v1/dead-letters/{letter.id}"
    try:
        assert client.get(task, headers=bearer(ours)).status_code == 200
        assert client.get(found, headers=bearer(ours)).json["index"] == shop
        assert client.get("/v1/dead-letters", headers=bearer(ours)).json["total"] == 1
        for method, path in (
            ("GET", task),
            ("DELETE", task),
            ("GET", found),
            ("POST", f"{found}/retry"),
            ("DELETE", found),
        ):
            response = client.open(path, method=method, headers=bearer(theirs))
            assert response.status_code == 404, path
            assert shop not in response.text
        listed = client.get("/v1/dead-letters", headers=bearer(theirs))
        assert listed.json == {"total": 0, "dead_letters": []}
        named = client.get(f"/v1/dead-letters?index={shop}", headers=bearer(theirs))
        assert named.status_code == 403
    finally:
        services.dead_letters.remove([letter.id])
        client.delete(task, headers=bearer(ours))


def test_events_are_refused_whole_when_one_is_of_another_index(app, ours, shop):
    event = {
        "action_name": "click",
        "query_id": "q",
        "client_id": "c",
        "timestamp": "2026-11-21T12:00:00Z",
    }
    body = {"events": [{**event, "index": shop}, {**event, "index": "other-shop"}]}
    response = app.test_client().post("/v1/events", json=body, headers=bearer(ours))
    assert response.status_code in (400, 403)
    assert "other-shop" not in response.text or response.status_code == 403


def test_keys_are_made_listed_and_revoked_over_http_within_the_makers_indexes(app, theirs, shop):
    client = app.test_client()
    body = {"name": "a", "scopes": ["search"], "expires": "1h"}
    for indexes in (["*"], [shop], ["other*"], ["other-a", shop]):
        refused = client.post(
            "/v1/keys", json={**body, "indexes": indexes}, headers=bearer(theirs)
        )
        assert refused.status_code == 403, indexes
    made = client.post("/v1/keys", json={**body, "indexes": ["other-a"]}, headers=bearer(theirs))
    assert made.status_code == 201
    listed = client.get("/v1/keys", headers=bearer(theirs))
    known = [key["id"] for key in listed.json["keys"]]
    assert set(known) >= {made.json["id"], theirs.key.id}
    assert shop not in listed.text
    text = made.json["key"]
    assert text.split("_", 2)[2] not in listed.text
    asked = client.get("/v1/indexes/other-a/search", headers={"X-Api-Key": text})
    assert asked.status_code == 404  # it may, and there is none
    gone = client.delete(f"/v1/keys/{made.json['id']}", headers=bearer(theirs))
    assert gone.json["state"] == "revoked"


def test_a_key_of_others_cannot_be_revoked_or_be_told_from_none(app, ours, theirs):
    client = app.test_client()
    responses = [
        client.delete(f"/v1/keys/{key_id}", headers=bearer(theirs))
        for key_id in (ours.key.id, "0" * 12)
    ]
    assert [response.status_code for response in responses] == [404, 404]


def test_a_revoked_key_opens_nothing_within_the_time_of_the_cache(app, make, shop):
    made, path = make("search", indexes=(shop,)), f"/v1/indexes/{shop}/search"
    client = app.test_client()
    assert client.get(path, headers=bearer(made)).status_code == 200
    KeyStore(services_of(app).client).revoke(made.key.id)
    time.sleep(0.3)
    assert client.get(path, headers=bearer(made)).status_code == 401


def test_the_index_of_the_keys_is_hidden_and_holds_no_secret(app, cluster: Elasticsearch, ours):
    assert KEYS_INDEX not in cluster.indices.get(index="*")
    stored = json.dumps(cluster.get(index=KEYS_INDEX, id=ours.key.id).body)
    assert ours.text.split("_", 2)[2] not in stored


def test_keys_by_the_command_line(elasticsearch, monkeypatch):
    monkeypatch.setenv("SHELFWISE_ELASTICSEARCH_URL", elasticsearch.url)
    name = f"shop-{secrets.token_hex(3)}"

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(keys_command, [*arguments], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    made = json.loads(
        run(
            "create",
            "--name",
            name,
            "--scope",
            "search",
            "--index",
            "a-*",
            "--expires",
            "90d",
            "--json",
        )
    )
    rotated = run("rotate", made["id"], "--grace", "1h").strip()
    listed = json.loads(run("list", "--json"))
    mine = [key for key in listed if key["name"] == name]
    assert [key["indexes"] for key in mine] == [["a-*"], ["a-*"]]
    assert {key["id"] for key in mine} == {made["id"], rotated.split("_")[1]}
    assert made["key"] not in json.dumps(listed)
    assert name in run("list")
    for text in (made["key"], rotated):
        assert "revoked" in run("revoke", text)
    assert "forgot" in run("purge")
    assert not [key for key in json.loads(run("list", "--json")) if key["name"] == name]
