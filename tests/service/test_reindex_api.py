"""A rebuild over HTTP: started, followed, driven as a worker would, dropped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mappings.index_lifecycle import find_index
from mappings.index_versions import find_next, read_rebuild
from tests.service.conftest import TEMPLATE, running_app

pytestmark = pytest.mark.cluster


@pytest.fixture
def app(elasticsearch, redis_server, small_shop) -> Iterator[Flask]:
    with running_app(elasticsearch.url, redis_server.url) as app:
        yield app


@pytest.fixture
def path(small_shop: str) -> str:
    return f"/v1/indexes/{small_shop}/reindex"


def test_started_rebuild_can_be_followed_and_dropped(
    cluster, client: FlaskClient, path, small_shop
):
    assert client.get(path).status_code == 404
    started = client.post(path, json={"template": "{title}", "shards": 2})
    assert started.status_code == 202
    assert started.json["target"] == f"{small_shop}-v2"
    target = find_next(cluster, small_shop)
    assert target.text_encoder.template == "{title}"
    assert find_index(cluster, small_shop).text_encoder.template == TEMPLATE
    assert client.get(path).json == started.json
    again = client.post(path)
    assert (again.status_code, again.json["error"]["field"]) == (400, "index")
    dropped = client.delete(path)
    assert (dropped.status_code, dropped.json["step"]) == (200, "dropped")
    assert find_next(cluster, small_shop) is None
    assert client.delete(path).status_code == 400
    assert client.get(path).status_code == 404


def test_judgements_are_kept_for_the_gate(cluster, client: FlaskClient, path, small_shop):
    judged = [{"query": 'a "b", c', "product_id": "p1", "grade": 3}]
    assert client.post(path, json={"judgements": judged, "max_drop": 0.1}).status_code == 202
    options = read_rebuild(cluster, f"{small_shop}-v2").options
    assert options == {
        "judgements": 'query,product_id,grade\r\n"a ""b"", c",p1,3\r\n',
        "max_drop": 0.1,
    }


def test_next_version_may_get_photos_and_not_wait_for_them(
    cluster, client: FlaskClient, path, small_shop
):
    body = {"image_encoder": "hashing-image", "photos": "later"}
    assert client.post(path, json=body).status_code == 202
    assert find_next(cluster, small_shop).image_encoder.name == "hashing-image"
    assert read_rebuild(cluster, f"{small_shop}-v2").options == {"photos": "later"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"encoder": "/etc/passwd"}, "encoder"),
        ({"encoder": "no-such"}, "encoder"),
        ({"image_encoder": "/etc/passwd"}, "image_encoder"),
        ({"photos": "never"}, "photos"),
        ({"shards": 0}, "shards"),
        ({"shards": True}, "shards"),
        ({"replicas": -1}, "replicas"),
        ({"quantization": "int4"}, "quantization"),
        ({"max_drop": 2}, "max_drop"),
        ({"colour": 1}, "colour"),
        ({"judgements": [{"query": "a", "product_id": "b", "grade": 4}]}, "judgements.0.grade"),
        ([], "body"),
    ],
    ids=str,
)
def test_bad_request_names_the_field_and_starts_nothing(
    cluster, client: FlaskClient, path, small_shop, body, field
):
    answer = client.post(path, json=body)
    assert (answer.status_code, answer.json["error"]["field"]) == (400, field)
    assert find_next(cluster, small_shop) is None


def test_unknown_index_is_a_404(client: FlaskClient):
    assert client.post("/v1/indexes/no-such/reindex").status_code == 404
