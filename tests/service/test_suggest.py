"""Suggestions of a real index over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient

from service.suggestions.vocabulary_reader import LEAST_PEOPLE
from tests.service.catalogue import PRODUCTS
from tests.service.conftest import running_app

pytestmark = pytest.mark.cluster

KEY = "0123456789abcdef"


def suggest(client: FlaskClient, index: str, **query: object) -> dict:
    response = client.get(f"/v1/indexes/{index}/suggest", query_string=query)
    assert response.status_code == 200, response.text
    return response.json


def test_brands_categories_and_products_begin_as_typed(client, shop):
    brand = PRODUCTS[0]["brand"]
    found = suggest(client, shop, q=brand[:3].upper(), limit=3)
    having = sum(product.get("brand") == brand for product in PRODUCTS)
    assert {"value": brand, "count": having} in found["brands"]
    title = PRODUCTS[0]["title"]
    first, second = title.split()[:2]
    found = suggest(client, shop, q=f"{first} {second[:2]}", limit=20)
    assert found["products"] and found["warnings"] == []
    for product in found["products"]:
        words = product["title"].lower().split()
        assert first.lower() in words, product
        assert set(product) <= {"id", "title", "photo", "price", "currency"}


def test_nothing_typed_gives_what_is_frequent_and_no_products(client, shop):
    found = suggest(client, shop)
    assert found["products"] == [] and found["categories"] and len(found["brands"]) == 5


def test_nothing_like_it_is_no_error(client, shop):
    for text in ("zzqqxx", "<script>", '"', "\U0001f9e6", "a" * 1_000, "*", "brand:x OR 1=1"):
        found = suggest(client, shop, q=text)
        assert found["warnings"] == []
    assert suggest(client, shop, q="zzqqxx")["products"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 21}, "limit"),
        ({"x": 1}, "x"),
        ({"q": "a" * 1_001}, "q"),
    ],
)
def test_bad_parameters_are_named(client, shop, query, field):
    response = client.get(f"/v1/indexes/{shop}/suggest", query_string=query)
    assert response.status_code == 400 and response.json["error"]["field"] == field


def test_an_unknown_index_is_a_404(client):
    assert client.get("/v1/indexes/nowhere/suggest?q=a").status_code == 404


def test_queries_of_enough_people_are_suggested(
    elasticsearch, redis_server, cluster: Elasticsearch, small_shop: str
):
    def event(client_id: str, words: str) -> dict:
        now = datetime.now(UTC).isoformat()
        return {"action_name": "search", "query_id": "q", "client_id": client_id,
                "timestamp": now, "user_query": words, "index": small_shop}  # fmt: skip

    people = [f"{small_shop}-{number}" for number in range(LEAST_PEOPLE)]
    events = [event(person, "garden lamp") for person in people]
    events += [event(people[0], f"garden secret {n}") for n in range(2)]
    events += [event(person, "garden of 0170 12345678") for person in people]
    events += [event(people[1], "garden often") for _ in range(1)] * 3
    with running_app(elasticsearch.url, redis_server.url, service_events_key=KEY) as app:
        client = app.test_client()
        sent = client.post("/v1/events", json={"events": events})
        assert sent.status_code == 202, sent.text
        cluster.indices.refresh(index="shelfwise-events-*")
        found = suggest(client, small_shop, q="gard")
    assert found["queries"] == ["garden lamp"]


def test_deleted_products_are_not_suggested(client, shop):
    # `fill` leaves tombstones of deleted twins of the first products.
    found = suggest(client, shop, q=PRODUCTS[0]["title"][:20], limit=20)
    assert not [one for one in found["products"] if one["id"].startswith("ghost")]
