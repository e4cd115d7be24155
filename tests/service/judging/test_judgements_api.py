"""Judgement lists over HTTP on a real Elasticsearch and Redis: in, graded, queued, out."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from service.access.caller import EVERYBODY
from service.judgements.store import JudgementStore
from tests.service.conftest import services_of

pytestmark = pytest.mark.cluster

ROWS = [
    {"query": "mouse", "product_id": "p001", "grade": 3},
    {"query": "mouse", "product_id": "nope", "grade": 0},
    {"query": "cable", "product_id": "p002", "grade": 1},
]


@pytest.fixture
def path(shop: str, cluster) -> Iterator[str]:
    """Address of a list that is not there yet, and is gone afterwards."""
    name = f"list-{secrets.token_hex(6)}"
    yield f"/v1/indexes/{shop}/judgements/{name}"
    store = JudgementStore(cluster)
    if store.has(name):
        store.delete(name)


def put(client: FlaskClient, path: str, rows=ROWS, mode: str = "create", **more):
    return client.put(f"{path}?mode={mode}", json={"judgements": rows, **more})


def grades(client: FlaskClient, path: str) -> dict:
    return client.get(path).json["grades"]


def test_a_list_goes_in_whole_and_comes_out_in_every_format(client, path):
    saved = put(client, path)
    assert saved.status_code == 200, saved.text
    assert (saved.json["judgements"], saved.json["queries"]) == (3, 2)
    assert saved.json["remarks"] == ["1 products that are not in the index: 'nope'"]
    assert grades(client, path) == {"cable": {"p002": 1}, "mouse": {"nope": 0, "p001": 3}}
    lists = client.get(path.rpartition("/")[0]).json["lists"]
    assert path.rpartition("/")[2] in [one["name"] for one in lists]
    csv = client.get(f"{path}?format=csv")
    assert (csv.mimetype, csv.text) == (
        "text/csv",
        "query,product_id,grade\ncable,p002,1\nmouse,nope,0\nmouse,p001,3\n",
    )
    assert client.get(f"{path}?format=trec").text == "1 0 p002 1\n2 0 nope 0\n2 0 p001 3\n"
    assert client.get(f"{path}?format=topics").text == "1\tcable\n2\tmouse\n"
    lines = client.get(f"{path}?format=jsonl").text
    again = client.put(f"{path}?mode=replace&format=jsonl", data=lines, content_type="text/plain")
    assert again.json["judgements"] == 3
    assert client.delete(path).json["judgements"] == 3
    assert client.get(path).status_code == 400


def test_modes_create_replace_and_merge(client, path):
    put(client, path)
    again = put(client, path)
    assert (again.status_code, again.json["error"]["field"]) == (400, "name")
    more = [{"query": "mouse", "product_id": "p001", "grade": 0}]
    assert put(client, path, more, "merge").json["judgements"] == 3
    assert grades(client, path)["mouse"] == {"nope": 0, "p001": 0}
    assert put(client, path, more, "replace").json["judgements"] == 1
    assert put(client, path, [], "replace", max_grade=5).json["max_grade"] == 5


@pytest.mark.parametrize(
    ("query", "body", "message"),
    [
        ("mode=replace&format=csv", "query,product_id,grade\na,b,1\na,c,9\n", "line 3: grade"),
        ("mode=merge&format=csv", "query,product_id,grade\na,b,1\na,b,2\n", "line 2 and line 3"),
        ("mode=replace&format=jsonl", '{"query": "a"}', "line 1: product_id is blank"),
        ("mode=replace&format=csv", b"\xff\xfe", "the body is not UTF-8"),
        ("mode=all", "{}", "mode: should be create, replace, merge, got 'all'"),
        ("format=xml", "{}", "format: should be json, csv, jsonl, trec, quepid, got 'xml'"),
        ("format=csv&max_grade=11", "x", "max_grade: should be 1 to 10, got 11"),
        ("mode=replace", '{"judgements": [{"query": "a"}]}', "judgements.0.product_id"),
        ("mode=replace", '{"judgements": [], "x": 1}', "x"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_of_it_is_stored(client, path, query, body, message):
    put(client, path)
    response = client.put(f"{path}?{query}", data=body, content_type="text/plain")
    assert response.status_code == 400
    assert message in response.json["error"]["message"]
    assert len(grades(client, path)) == 2


def test_one_pair_is_graded_seen_and_taken_away(client, path):
    put(client, path, [])
    pair = {"query": " mouse ", "product_id": "p001"}
    first = client.patch(path, json={**pair, "grade": 2, "seen": None})
    assert first.json == {"query": "mouse", "product_id": "p001", "grade": 2, "previous": None}
    late = client.patch(path, json={**pair, "grade": 0, "seen": None})
    assert (late.status_code, late.json["error"]["code"]) == (409, "conflict")
    assert client.patch(path, json={**pair, "grade": 0}).json["previous"] == 2
    assert grades(client, path) == {"mouse": {"p001": 0}}
    assert client.patch(path, json={**pair, "grade": None, "seen": 0}).json["previous"] == 0
    assert grades(client, path) == {}
    for wrong in ({}, {"grade": 4}, {"grade": True}, {"grade": 1, "query": ""}, {"grade": 99}):
        assert client.patch(path, json={**pair, **wrong}).status_code == 400


def test_the_queue_has_what_the_rankings_differ_in_and_nobody_judged(client, path, search, shop):
    put(client, path, [])
    asked = {"queries": ["wireless mouse", "red cable"], "sources": [], "limit": 200}
    found = client.post(f"{path}/queue", json=asked).json
    assert (found["queries"], found["looked_at"], found["refused"]) == (2, 2, {})
    assert found["open"] == len(found["pairs"]) > 10
    words = [
        hit["id"] for hit in search(q="red cable", limit=10, weights={"lexical": 1.0})["hits"]
    ]
    active = [hit["id"] for hit in search(q="red cable", limit=10)["hits"]]
    pairs = {one["product_id"]: one for one in found["pairs"] if one["query"] == "red cable"}
    assert set(pairs) == set(words) | set(active)
    assert pairs[words[0]]["ranks"]["keyword"] == 1
    assert pairs[words[0]]["product"]["title"]
    order = [one["query"] for one in found["pairs"]]
    assert order == sorted(order, key=order.index)  # those of a query follow each other
    again = client.post(f"{path}/queue", json=asked).json
    assert [one["product_id"] for one in again["pairs"]] == [
        one["product_id"] for one in found["pairs"]
    ]
    client.patch(path, json={"query": "red cable", "product_id": words[0], "grade": 3})
    left = client.post(f"{path}/queue", json=asked).json
    assert left["open"] == found["open"] - 1
    (progress,) = (one for one in left["progress"] if one["query"] == "red cable")
    assert progress == {"query": "red cable", "judged": 1, "open": len(pairs) - 1}


def test_two_judges_at_once_get_different_pairs(client, path):
    put(client, path, [])
    asked = {"queries": ["wireless mouse"], "sources": [], "limit": 4}
    ann, ben, again = (
        {one["product_id"] for one in client.post(f"{path}/queue", json=body).json["pairs"]}
        for body in (
            {**asked, "judge": "ann"},
            {**asked, "judge": "ben"},
            {**asked, "judge": "ann"},
        )
    )
    assert len(ann) == len(ben) == 4
    assert not ann & ben
    assert ann == again


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"rankings": ["magic"]}, "rankings: should be keyword, shipped, reciprocal_rank, active"),
        ({"rankings": []}, "rankings"),
        ({"limit": 0}, "limit"),
        ({"queries": [5]}, "queries.0"),
        ({"rankings": ["active", "no-such-version-7"]}, "no-such-version-7"),
    ],
)
def test_a_queue_that_cannot_be_is_refused(client, path, body, message):
    put(client, path, ROWS)
    response = client.post(f"{path}/queue", json={"sources": ["list"], **body})
    assert response.status_code in (400, 404)
    assert message in response.json["error"]["message"]


def test_a_key_of_some_indexes_sees_no_list_of_all(client, path, app, monkeypatch):
    put(client, path)
    some = replace(EVERYBODY, indexes=("shop-*",))
    monkeypatch.setattr("service.access.gate.EVERYBODY", some)
    for response in (client.get(path), client.delete(path), client.post(f"{path}/queue")):
        assert response.status_code == 403
    assert services_of(app).access.ring is None
