"""Products over HTTP: what is queued for the workers, and what is refused with its place."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import orjson
import pytest

from mappings.product_changes import LANES, Lane, ProductChange, queue_of
from mappings.task_records import connect
from tests.service.conftest import running_app

pytestmark = pytest.mark.cluster
MOUSE = {"id": "1", "title": "Mouse", "price": 12.5}


@dataclass
class Queued:
    """A batch that was queued: its message, and what the outbox keeps for it."""

    lane: Lane
    index: str
    number: int
    positions: list[int]
    changes: list[ProductChange]


@pytest.fixture
def queue(redis_server):
    """The batches that were queued since the last call, in order."""
    with connect(redis_server.url) as client:
        for lane in LANES:
            client.delete(queue_of(lane))

        def batch(lane: Lane, raw: bytes) -> Queued:
            sent = orjson.loads(base64.b64decode(orjson.loads(raw)["body"]))[1]
            assert set(sent) == {"task_id", "batch", "index"}
            key = f"shelfwise:batch:{sent['task_id']}:{sent['batch']}"
            kept = orjson.loads(client.hget(key, "payload"))
            changes = [ProductChange.from_message(message) for _, message in kept]
            positions = [position for position, _ in kept]
            return Queued(lane, sent["index"], sent["batch"], positions, changes)

        def taken() -> list[Queued]:
            found = [
                batch(lane, raw) for lane in LANES for raw in client.lrange(queue_of(lane), 0, -1)
            ]
            client.delete(*map(queue_of, LANES))
            return sorted(found, key=lambda one: one.number)

        yield taken


@pytest.fixture
def path(shop) -> str:
    return f"/v1/indexes/{shop}/products"


def changes_of(batches: list[Queued]) -> list[ProductChange]:
    return [change for batch in batches for change in batch.changes]


@pytest.mark.parametrize(
    ("method", "suffix", "body", "expected"),
    [
        ("post", "", MOUSE, ProductChange("upsert", "1", MOUSE)),
        ("post", "", {**MOUSE, "version": 7}, ProductChange("upsert", "1", MOUSE, 7)),
        ("post", "", [MOUSE], ProductChange("upsert", "1", MOUSE)),
        ("post", "", {"products": [MOUSE]}, ProductChange("upsert", "1", MOUSE)),
        ("put", "/1", {"title": "Mouse", "price": 12.5}, ProductChange("upsert", "1", MOUSE)),
        ("post", "/1", MOUSE, ProductChange("upsert", "1", MOUSE)),
        ("patch", "", {"id": "1", "price": None}, ProductChange("patch", "1", {"price": None})),
        (
            "patch",
            "/a%20b",
            {"price": 2},
            ProductChange("patch", "a b", {"id": "a b", "price": 2}),
        ),
        ("delete", "/1?version=3", None, ProductChange("delete", "1", {}, 3)),
        ("delete", "", {"ids": ["1"]}, ProductChange("delete", "1", {})),
    ],
    ids=str,
)
def test_change_is_queued_and_its_task_can_be_followed(
    client, path, shop, queue, method, suffix, body, expected
):
    response = client.open(path + suffix, method=method.upper(), json=body)
    assert response.status_code == 202, response.text
    assert response.json["accepted"] == 1
    assert response.json["rejected"] == []
    (batch,) = queue()
    assert (batch.index, batch.number) == (shop, 0)
    (change,) = batch.changes
    assert change.arrival
    fields = {name: value for name, value in change.fields.items() if name != "id"}
    wanted = {name: value for name, value in expected.fields.items() if name != "id"}
    assert fields == wanted
    assert (change.operation, change.product_id, change.version) == (
        expected.operation,
        expected.product_id,
        expected.version,
    )
    task = client.get(f"/v1/tasks/{response.json['task_id']}").json
    assert (task["state"], task["total"], task["index"]) == ("queued", 1, shop)


def test_of_several_the_sound_ones_are_queued_and_the_others_are_listed(client, path, queue):
    body = [
        MOUSE,
        {"id": "2"},
        5,
        {"id": "4", "title": "Cable", "price": -1},
        {**MOUSE, "id": "5"},
    ]
    response = client.post(path, json=body)
    assert response.status_code == 202
    assert response.json["accepted"] == 2
    rejected = [
        (entry["position"], entry["id"], entry["field"]) for entry in response.json["rejected"]
    ]
    assert rejected == [(1, "2", "title"), (2, None, "product"), (3, "4", "price")]
    assert [change.product_id for change in changes_of(queue())] == ["1", "5"]


def test_many_products_are_cut_into_batches(elasticsearch, redis_server, path, queue):
    with running_app(elasticsearch.url, redis_server.url, service_batch_products=4) as app:
        products = [{**MOUSE, "id": str(number)} for number in range(10)]
        assert app.test_client().post(path, json=products).json["accepted"] == 10
    batches = queue()
    assert [(batch.number, batch.positions) for batch in batches] == [
        (0, [0, 1, 2, 3]),
        (1, [4, 5, 6, 7]),
        (2, [8, 9]),
    ]
    assert [change.product_id for change in changes_of(batches)] == [str(n) for n in range(10)]


@pytest.mark.parametrize(
    ("method", "suffix", "body", "field"),
    [
        ("post", "", [], "products"),
        ("post", "", {"products": []}, "products"),
        ("post", "", [{"id": "1"}, 5], "title"),
        ("post", "", {"title": "x"}, "id"),
        ("post", "", "x", "product"),
        ("post", "", {**MOUSE, "version": -1}, "version"),
        ("post", "", {**MOUSE, "version": True}, "version"),
        ("post", "", [MOUSE] * 1_001, "products"),
        ("put", "/1", {**MOUSE, "id": "2"}, "id"),
        ("put", "/1", [MOUSE], "body"),
        ("put", "/a%00b", {"title": "x"}, "id"),
        ("put", "/" + "x" * 513, {"title": "x"}, "id"),
        ("patch", "", {"price": 1}, "id"),
        ("patch", "", {"id": "1"}, "product"),
        ("patch", "/1", {"colour": None}, "colour"),
        ("patch", "/1", {"title": None}, "title"),
        ("delete", "", {"ids": []}, "products"),
        ("delete", "", {"ids": [1]}, "ids"),
        ("delete", "", {"ids": "1"}, "ids"),
        ("delete", "", {"id": "1"}, "ids"),
        ("delete", "", ["1"], "body"),
        ("delete", "/1?version=x", None, "version"),
        ("delete", "/1?version=-1", None, "version"),
        ("delete", "/1?versoin=1", None, "versoin"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_request_is_a_400_by_field_and_queues_nothing(
    client, path, queue, method, suffix, body, field
):
    response = client.open(path + suffix, method=method.upper(), json=body)
    assert response.status_code == 400
    assert response.json["error"]["field"] == field, response.text
    assert queue() == []


@pytest.mark.parametrize("method", ["post", "patch", "delete"])
def test_index_that_is_not_there_is_a_404_and_queues_nothing(client, queue, method):
    body = {"ids": ["1"]} if method == "delete" else {"id": "1", "title": "Mouse"}
    response = client.open("/v1/indexes/no-such/products", method=method.upper(), json=body)
    assert response.status_code == 404
    assert queue() == []


def test_cancelled_task_takes_back_what_nobody_has_begun(client, path, queue):
    task_id = client.post(path, json=[MOUSE, {**MOUSE, "id": "2"}]).json["task_id"]
    for _ in range(2):
        response = client.delete(f"/v1/tasks/{task_id}")
        assert response.status_code == 200
        task = response.json
        assert (task["state"], task["total"], task["cancelled"]) == ("cancelled", 2, 2)
    assert client.get(f"/v1/tasks/{task_id}").json == task


@pytest.mark.parametrize("method", ["get", "delete"])
def test_task_that_is_not_there_is_a_404(client, method):
    response = client.open("/v1/tasks/no-such", method=method.upper())
    assert response.status_code == 404
    assert response.json["error"]["code"] == "unknown_task"


@pytest.mark.parametrize(
    ("method", "suffix", "body", "lane"),
    [
        ("patch", "/1", {"price": 2}, "fast"),
        ("patch", "/1", {"availability": "in_stock", "popularity": None}, "fast"),
        ("patch", "/1", {"price": 2, "title": "Mouse"}, "changes"),
        ("patch", "/1", {"description": None}, "changes"),
        ("patch", "/1", {"images": ["http://shop.example/1.jpg"]}, "changes"),
        ("post", "", MOUSE, "changes"),
        ("delete", "/1", None, "fast"),
        ("delete", "", {"ids": ["1", "2"]}, "fast"),
    ],
    ids=str,
)
def test_what_no_encoder_reads_takes_the_fast_lane(
    client, path, queue, method, suffix, body, lane
):
    response = client.open(path + suffix, method=method.upper(), json=body)
    assert response.status_code == 202, response.text
    assert [batch.lane for batch in queue()] == [lane]


def test_a_request_of_both_kinds_is_one_task_over_two_lanes(client, path, queue):
    body = [{"id": "1", "price": 2}, {"id": "2", "title": "Mouse"}, {"id": "3", "popularity": 1}]
    response = client.patch(path, json=body)
    fast, slow = sorted(queue(), key=lambda batch: batch.lane, reverse=True)
    assert (fast.lane, fast.positions) == ("fast", [0, 2])
    assert (slow.lane, slow.positions) == ("changes", [1])
    assert client.get(f"/v1/tasks/{response.json['task_id']}").json["total"] == 3


def test_more_than_one_batch_leaves_the_fast_lane_to_others(
    elasticsearch, redis_server, path, queue
):
    with running_app(elasticsearch.url, redis_server.url, service_batch_products=2) as app:
        app.test_client().delete(path, json={"ids": ["1", "2", "3"]})
    assert [batch.lane for batch in queue()] == ["changes", "changes"]
