"""Dead letters over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from flask import Flask

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from mappings.dead_letters import DeadLetter, DeadLetters, letter_id
from mappings.outbox import Outbox
from mappings.product_changes import ProductChange
from tests.service.conftest import running_app

pytestmark = pytest.mark.cluster
PATH = "/v1/dead-letters"


@pytest.fixture
def url(redis_server: EmbeddedRedis) -> str:
    return redis_server.url.removesuffix("/0") + "/5"


@pytest.fixture
def queue(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url) as queue:
        queue.flushdb()
        yield queue
        queue.flushdb()


@pytest.fixture
def letters(queue: redis.Redis) -> DeadLetters:
    return DeadLetters(queue)


@pytest.fixture
def client(elasticsearch: EmbeddedElasticsearch, url: str, letters: DeadLetters):
    with running_app(elasticsearch.url, url) as app:
        yield app.test_client()


def letter(number: int, index: str, **fields: object) -> DeadLetter:
    change = ProductChange("upsert", f"p{number}", {"title": "Mouse", **fields}, None, 1_000)
    at = f"2026-01-02T03:04:{number:02d}.000+00:00"
    return DeadLetter(letter_id("task", number, change), index, change, "bad", None, 2, "task", at)


def test_letters_are_listed_by_page_and_index(client, letters, shop):
    some = [letter(number, shop if number % 2 else "gone") for number in range(6)]
    letters.add(some)
    everything = client.get(PATH).json
    assert everything == {
        "total": 6,
        "dead_letters": [one.to_json() for one in reversed(some)],
    }
    page = client.get(f"{PATH}?index=gone&limit=1&offset=1").json
    assert page == {"total": 3, "dead_letters": [some[2].to_json()]}
    assert client.get(f"{PATH}?limit=0").json == {"total": 6, "dead_letters": []}
    assert client.get(f"{PATH}?index=other").json == {"total": 0, "dead_letters": []}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("offset=1000001", "offset"),
        ("index=NO", "index"),
        ("page=1", "page"),
    ],
)
def test_bad_parameter_is_a_400_by_its_name(client, query, field):
    response = client.get(f"{PATH}?{query}")
    assert response.status_code == 400
    assert response.json["error"]["field"] == field


def test_letter_is_read_and_deleted(client, letters, shop):
    one = letter(1, shop, title="half \ud800")
    letters.add([one])
    assert client.get(f"{PATH}/{one.id}").json == one.to_json()
    assert client.delete(f"{PATH}/{one.id}").json == one.to_json()
    assert letters.count() == 0
    for response in (client.get(f"{PATH}/{one.id}"), client.delete(f"{PATH}/{one.id}")):
        assert response.status_code == 404
        assert response.json["error"]["code"] == "unknown_dead_letter"


def test_retry_queues_the_change_as_it_was_and_the_letter_goes(client, letters, queue, shop):
    one = letter(1, shop, price=2)
    letters.add([one])
    response = client.post(f"{PATH}/{one.id}/retry")
    assert response.status_code == 202, response.text
    task_id = response.json["task_id"]
    assert response.json == {"task_id": task_id, "accepted": 1, "rejected": []}
    assert client.get(f"/v1/tasks/{task_id}").json["state"] == "queued"
    delivery = Outbox(queue, lambda *_: None, ttl_seconds=60).begin((task_id, 0), "message")
    assert delivery.batches[0].changes == [(0, one.change.to_message())]
    assert letters.count() == 0
    assert client.post(f"{PATH}/{one.id}/retry").status_code == 404


def test_letter_of_an_index_that_is_gone_stays(client, letters):
    one = letter(1, "no-such")
    letters.add([one])
    response = client.post(f"{PATH}/{one.id}/retry")
    assert (response.status_code, response.json["error"]["code"]) == (404, "unknown_index")
    assert letters.count() == 1


def test_letters_of_indexes_that_are_not_served_are_not_there(
    elasticsearch: EmbeddedElasticsearch, url: str, letters: DeadLetters, shop: str
):
    hidden, shown, also = letter(3, "hidden"), letter(2, shop), letter(1, "second")
    letters.add([hidden, shown, also])
    with running_app(elasticsearch.url, url, service_indexes=f"{shop},second") as app:
        client = app.test_client()
        found = client.get(f"{PATH}?limit=2")
        assert found.json == {"total": 2, "dead_letters": [shown.to_json(), also.to_json()]}
        assert client.get(f"{PATH}?index=hidden").status_code == 404
        for method, path in (("get", ""), ("delete", ""), ("post", "/retry")):
            refused = client.open(f"{PATH}/{hidden.id}{path}", method=method.upper())
            assert refused.json["error"]["code"] == "unknown_dead_letter"
        assert client.get(f"{PATH}/{shown.id}").status_code == 200
    assert letters.count() == 3


def test_answers_with_letters_are_as_documented(client, letters, shop, app: Flask):
    from jsonschema_rs import validator_for

    document = app.test_client().get("/openapi.json").json
    letters.add([letter(1, shop), letter(2, shop, price=-1)])
    for name, path in (
        ("DeadLettersAnswer", PATH),
        ("DeadLetterBody", f"{PATH}/{letter(1, shop).id}"),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        validator_for(schema).validate(client.get(path).json)
