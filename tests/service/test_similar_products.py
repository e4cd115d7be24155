"""More like this: by the stored vectors of a product, on a real Elasticsearch."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from flask import Flask
from flask.testing import FlaskClient

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from mappings.encoder_spec import external
from mappings.index_lifecycle import create_index
from tests.service.conftest import running_app
from tests.service.photo_catalogue import (
    BY_ID,
    COUNT,
    PRODUCTS,
    TEMPLATE,
    WITH_PHOTOS,
    fill,
    text_vector,
    vectors_of,
)

pytestmark = pytest.mark.cluster
EXACT = 1e-3
BARE = next(one["id"] for one in PRODUCTS if not one["photos"])


@pytest.fixture(scope="module")
def photo_shop(cluster: Elasticsearch) -> Iterator[str]:
    name = f"similar-{secrets.token_hex(4)}"
    live = fill(cluster, name, PRODUCTS)
    yield name
    cluster.indices.delete(index=live.index)


@pytest.fixture(scope="module")
def photo_app(
    elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis
) -> Iterator[Flask]:
    with running_app(elasticsearch.url, redis_server.url, text_template=TEMPLATE) as app:
        yield app


@pytest.fixture
def shopper(photo_app: Flask) -> FlaskClient:
    return photo_app.test_client()


@pytest.fixture
def like(shopper: FlaskClient, photo_shop: str):
    def ask(product_id: str, **parameters: Any) -> dict[str, Any]:
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in parameters.items()
        }
        path = f"/v1/indexes/{photo_shop}/products/{product_id}/similar"
        response = shopper.get(path, query_string=texts)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json
        return answer

    return ask


def nearest_pair(one: str, other: str) -> float:
    return float((vectors_of(one) @ vectors_of(other).T).max())


@pytest.mark.parametrize("product_id", ["p00", "p03"], ids=["ten-photos", "several-photos"])
def test_by_photo_the_two_nearest_photos_of_both_count(like, product_id):
    answer = like(product_id, by="photo", limit=COUNT)
    others = {one["id"] for one in WITH_PHOTOS} - {product_id}
    hits = {hit["id"]: hit for hit in answer["hits"]}
    assert product_id not in hits
    assert set(hits) == {one for one in others if nearest_pair(product_id, one) > 0}
    for other, hit in hits.items():
        assert list(hit["legs"]) == ["image_vector"]
        score = hit["legs"]["image_vector"]["score"]
        assert score == pytest.approx(nearest_pair(product_id, other), abs=EXACT)
        photo = hit["photo"]
        of_photo = (vectors_of(product_id) @ vectors_of(other)[photo["position"]]).max()
        assert photo["score"] == pytest.approx(float(of_photo), abs=EXACT)
        assert photo["score"] == pytest.approx(score, abs=EXACT)


def test_by_text_the_meaning_counts(like):
    answer = like("p04", by="text", limit=COUNT)
    titles = {one["id"]: text_vector(one["title"]) for one in PRODUCTS}
    for hit in answer["hits"]:
        assert list(hit["legs"]) == ["text_vector"]
        score = hit["legs"]["text_vector"]["score"]
        assert score == pytest.approx(float(titles["p04"] @ titles[hit["id"]]), abs=EXACT)
    assert answer["hits"][0]["product"]["title"].startswith("lamp")
    assert "p04" not in {hit["id"] for hit in answer["hits"]}


def test_by_both_is_the_default_and_goes_by_what_there_is(like):
    assert list(like("p04")["hits"][0]["legs"]) == ["text_vector", "image_vector"]
    assert list(like(BARE)["hits"][0]["legs"]) == ["text_vector"]


@pytest.mark.parametrize("by", ["text", "photo", "both"])
def test_answer_is_that_of_a_search(like, by):
    wanted = {"brand": ["Acme", "Bolt"], "price": {"lt": 35}}
    whole = like("p04", by=by, filter=wanted, facets={"brand": 5}, limit=COUNT, fields=["title"])
    ids = [hit["id"] for hit in whole["hits"]]
    assert all(BY_ID[one]["brand"] in ("Acme", "Bolt") for one in ids)
    assert all(BY_ID[one]["price"] < 35 for one in ids)
    assert sum(one["count"] for one in whole["facets"]["brand"]) == len(ids)
    assert whole["total"]["value"] == len(ids) > 5
    assert all(set(hit["product"]) == {"title"} for hit in whole["hits"])
    paged, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = like("p04", by=by, filter=wanted, limit=4, **more)
        paged += [hit["id"] for hit in page["hits"]]
        if not (cursor := page["cursor"]):
            break
    assert paged == ids


def test_cursor_belongs_to_its_product_and_way(like, shopper, photo_shop):
    cursor = like("p04", limit=4)["cursor"]
    for product_id, by in (("p08", "both"), ("p04", "text")):
        response = shopper.get(
            f"/v1/indexes/{photo_shop}/products/{product_id}/similar",
            query_string={"cursor": cursor, "by": by},
        )
        assert response.status_code == 400
        assert response.json["error"]["field"] == "cursor"


@pytest.mark.parametrize(
    ("product_id", "parameters", "status", "field"),
    [
        ("nobody", {}, 404, "product_id"),
        ("ghost-1", {}, 404, "product_id"),
        ("_local", {}, 404, "product_id"),
        ("p04", {"by": "colour"}, 400, "by"),
        (BARE, {"by": "photo"}, 400, "by"),
        ("p04", {"limit": "many"}, 400, "limit"),
        ("p04", {"limit": "1000"}, 400, "limit"),
        ("p04", {"filter": '{"colour": 5}'}, 400, "filter.colour"),
        ("p04", {"filter": "{"}, 400, "filter"),
        ("p04", {"facets": '{"price": 3}'}, 400, "facets.price"),
        ("p04", {"fields": '["vectors"]'}, 400, "fields.0"),
        ("p04", {"q": "lamp"}, 400, "q"),
        ("x" * 600, {}, 400, "id"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_mistake_is_named(shopper, photo_shop, product_id, parameters, status, field):
    path = f"/v1/indexes/{photo_shop}/products/{product_id}/similar"
    response = shopper.get(path, query_string=parameters)
    assert (response.status_code, response.json["error"]["field"]) == (status, field)


def test_vectors_that_the_shop_brings_are_compared_too(shopper, cluster, index_name):
    create_index(cluster, index_name, {"text_vector": external(2), "image_vector": external(3)})
    for number in range(4):
        turn = number / 10
        cluster.index(
            index=index_name,
            id=str(number),
            document={
                "product_id": str(number),
                "parent_id": str(number),
                "title": "thing",
                "text_vector": [1.0, turn],
                "image_vector": [0.0, 3.0, turn],
            },
            refresh=True,
        )
    answer = shopper.get(f"/v1/indexes/{index_name}/products/0/similar").json
    assert [hit["id"] for hit in answer["hits"]] == ["1", "2", "3"]
    assert list(answer["hits"][0]["legs"]) == ["text_vector", "image_vector"]
    assert "photo" not in answer["hits"][0]
    expected = 1 / np.hypot(1.0, 0.1)
    leg = answer["hits"][0]["legs"]["text_vector"]
    assert leg["score"] == pytest.approx(expected, abs=0.02)


def test_index_without_vectors_has_nothing_to_compare(shopper, cluster, index_name):
    create_index(cluster, index_name, {})
    cluster.index(
        index=index_name, id="1", document={"product_id": "1", "title": "Mouse"}, refresh=True
    )
    response = shopper.get(f"/v1/indexes/{index_name}/products/1/similar")
    assert response.status_code == 400
    assert response.json["error"]["field"] == "by"
