"""A change of the rules holds on the very next query, also where a page was remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from service.prepared_search import Given
from service.rules.curation import compile_rules
from service.rules.following import RulesInForce
from service.rules.rule import RuleSet
from service.rules.store import RulesStore
from service.search_request import SearchRequest
from service.searcher import Searcher
from tests.service.catalogue import PRODUCTS
from tests.service.conftest import running_app, services_of
from tests.service.rules.conftest import forget_rules

BODY = {"q": "wireless mouse model", "limit": 3, "facets": {"brand": 10}}


@pytest.fixture(scope="module")
def other_app(elasticsearch, redis_server, shop) -> Iterator[Flask]:
    """A second process of the same service."""
    with running_app(elasticsearch.url, redis_server.url) as app:
        yield app


@pytest.fixture
def store(app: Flask, shop: str) -> Iterator[RulesStore]:
    services = services_of(app)
    store = RulesStore(services.client, on_change=services.rules.changed)
    yield store
    forget_rules(store, shop)


def activate(store: RulesStore, shop: str, **raw: object) -> str:
    version = store.save(shop, RuleSet.parse(raw))
    store.activate(shop, version)
    return version


def test_change_holds_on_the_next_query_of_every_process(app, other_app, store, shop):
    def search(of: Flask, **body: object) -> dict:
        response = of.test_client().post(f"/v1/indexes/{shop}/search", json={**BODY, **body})
        assert response.status_code == 200, response.text
        return response.json

    plain = search(app)
    second_page = search(app, cursor=plain["cursor"])
    search(other_app)
    far = second_page["hits"][2]["id"]
    version = activate(store, shop, rules=[{"id": "top", "pin": [far]}])
    for one in (app, other_app):
        answer = search(one)
        assert answer["hits"][0]["id"] == far
        assert answer["rules"] == {
            "version": version,
            "applied": [{"id": "top", "what": ["pin"]}],
            "synonyms": [],
        }
        assert answer["total"] == plain["total"]
    # A page after the first, of a search whose window is remembered, and its cursor of before.
    hidden = second_page["hits"][0]["id"]
    activate(store, shop, rules=[{"id": "gone", "hide": [{"ids": [hidden]}]}])
    for one in (app, other_app):
        answer = search(one, cursor=plain["cursor"])
        expected = [hit["id"] for hit in second_page["hits"] if hit["id"] != hidden]
        assert [hit["id"] for hit in answer["hits"]][:2] == expected
        assert answer["total"]["value"] == plain["total"]["value"] - 1
    # Another version by name, and none.
    assert search(app, rules=version)["hits"][0]["id"] == far
    assert search(app, rules="off")["hits"] == plain["hits"]
    response = app.test_client().post(
        f"/v1/indexes/{shop}/search", json={**BODY, "rules": "no-such-rules"}
    )
    assert (response.status_code, response.json["error"]["field"]) == (404, "rules")


def test_rule_begins_and_ends_by_the_clock_also_for_who_is_paging(app, shop):
    now = datetime(2026, 12, 24, 12, tzinfo=UTC)
    clock = [now]
    services = services_of(app)
    preparer = replace(services.searcher.preparer, clock=lambda: clock[0])
    searcher = Searcher(services.client, preparer)
    when = {
        "starts": (now + timedelta(hours=1)).isoformat(),
        "ends": (now + timedelta(hours=2)).isoformat(),
    }
    rules = RuleSet.parse(
        {
            "rules": [
                {"id": "party", "when": when, "pin": ["p100"]},
                {
                    "id": "up",
                    "when": when,
                    "boost": [{"products": {"ids": ["p101"]}, "strength": 1}],
                },
            ]
        }
    )
    given = Given(rules=RulesInForce("v", rules, compile_rules(rules)))

    def search(**body: object) -> list[str]:
        answer = searcher.search(shop, SearchRequest.parse({"limit": 5, **body}), given)
        cursors.append(answer.cursor)
        assert body or answer.total.value == len(PRODUCTS)
        return [hit.id for hit in answer.hits]

    cursors: list[str | None] = []
    browsed = search()
    clock[0] += timedelta(hours=1)
    assert search()[:2] == ["p100", "p101"]
    assert len(search(cursor=cursors[0])) == len(browsed)  # goes on by its number, no error
    assert search(q="wireless mouse")[0] == "p100"
    clock[0] += timedelta(hours=1)
    assert search() == browsed


def test_what_every_search_hides_is_neither_suggested_nor_like_another(app, store, shop):
    client = app.test_client()

    def suggested() -> list[str]:
        answer = client.get(f"/v1/indexes/{shop}/suggest?q=wirel&limit=20").json
        return [one["id"] for one in answer["products"]]

    def alike() -> list[str]:
        answer = client.get(f"/v1/indexes/{shop}/products/p100/similar?limit=20").json
        assert not any("pinned" in hit for hit in answer["hits"])
        return [hit["id"] for hit in answer["hits"]]

    first, like = suggested(), alike()
    activate(
        store,
        shop,
        rules=[
            {"id": "gone", "hide": [{"ids": [first[0], like[0]]}], "pin": ["p250"]},
            {"id": "sought", "when": {"queries": ["wirel"]}, "hide": [{"ids": [first[1]]}]},
        ],
    )
    assert first[0] not in suggested()
    assert suggested()[0] == first[1]
    assert like[0] not in alike()
