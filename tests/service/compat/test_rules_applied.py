"""Rules and synonyms on Elasticsearch's own interface, of our index and of a shop's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.compat.synonyms import MAX_VARIANTS, variants
from service.leg_breaker import FAILURES
from service.rules.rule import RuleSet, Synonym
from service.rules.store import RulesStore
from service.rules.synonyms import SynonymTable
from tests.service.compat.shop_index import products
from tests.service.conftest import services_of
from tests.service.rules.conftest import forget_rules

OURS = {"multi_match": {"query": "wireless mouse", "fields": ["title", "description"]}}
THEIRS = {"multi_match": {"query": "wireless mouse", "fields": ["name", "desc"]}}
BRANDS = {"brands": {"terms": {"field": "brand"}}}
Ask = Callable[..., dict[str, Any]]
Hold = Callable[..., None]


@pytest.fixture
def hold(compat: FlaskClient) -> Iterator[Hold]:
    """Let rules hold for an index until the test is over."""
    services = services_of(compat.application)
    store = RulesStore(services.client, on_change=services.rules.changed)
    changed = set()

    def activate(index: str, **raw: object) -> None:
        changed.add(index)
        store.activate(index, store.save(index, RuleSet.parse(raw)))

    yield activate
    for index in changed:
        forget_rules(store, index)


@pytest.fixture
def ask(compat: FlaskClient) -> Ask:
    def search(index: str, note: str = "hybrid", **body: object) -> dict[str, Any]:
        response = compat.post(f"/{index}/_search", json=body)
        assert response.status_code == 200, response.text
        assert response.headers["Shelfwise-Search"].startswith(note)
        answer: dict[str, Any] = response.json
        return answer

    return search


def ids_of(answer: dict[str, Any]) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]


@pytest.mark.cluster
def test_rules_hold_for_hybrid_bodies_and_pages_agree(ask: Ask, hold: Hold, shop: str) -> None:
    before = ids_of(ask(shop, query=OURS, size=300))
    total = len(before)
    pins, hidden = [before[40], "no-such", before[70]], [before[0], before[50]]
    up = before[30]
    hold(
        shop,
        rules=[
            {"id": "top", "pin": pins},
            {"id": "gone", "hide": [{"ids": hidden}]},
            {"id": "up", "boost": [{"products": {"ids": [up]}, "strength": 1}]},
        ],
    )
    whole = ask(shop, query=OURS, size=300, aggs={"all": {"value_count": {"field": "product_id"}}})
    ids = ids_of(whole)
    assert ids[:2] == [before[40], before[70]]
    assert ids.index(up) <= 3
    assert set(ids) == set(before) - set(hidden)
    assert whole["hits"]["total"] == {"value": total - 2, "relation": "eq"}
    assert whole["aggregations"]["all"]["value"] == total - 2
    small = {"shelfwise": {"rank_window_size": 20}}
    pages = [
        ids_of(ask(shop, query=OURS, size=9, ext=small, **{"from": n})) for n in (0, 9, 18, 27)
    ]
    assert pages[0][:2] == ids[:2]
    assert len({name for page in pages for name in page}) == 36
    assert pages[0][:1] == ids_of(ask(shop, query=OURS, size=1))
    off = ask(shop, query=OURS, size=300, ext={"shelfwise": {"rules": "off"}})
    assert ids_of(off) == before
    # One request keeps to what is left; a body that is passed is the shop's alone.
    assert not set(hidden) & set(ids_of(ask(shop, query=OURS, size=300, explain=True)))
    assert before[0] in ids_of(ask(shop, "passed", query={"ids": {"values": hidden}}))


@pytest.mark.cluster
def test_hidden_products_stay_hidden_when_words_answer_alone(
    ask: Ask, hold: Hold, compat: FlaskClient, shop: str
) -> None:
    alone = {"shelfwise": {"weights": {"lexical": 1}}}
    before = ask(shop, "passed", query=OURS, size=300, ext=alone)
    hidden = ids_of(before)[:2]
    hold(shop, rules=[{"id": "gone", "hide": [{"ids": hidden}]}])
    after = ask(shop, "passed; reason=no leg", query=OURS, size=300, aggs=BRANDS, ext=alone)
    assert ids_of(after) == ids_of(before)[2:]
    kept = {hit["_id"]: hit["_score"] for hit in before["hits"]["hits"][2:]}
    assert {hit["_id"]: hit["_score"] for hit in after["hits"]["hits"]} == pytest.approx(kept)
    assert after["hits"]["total"]["value"] == len(kept)
    breaker = services_of(compat.application).elasticsearch_api.breaker
    for _ in range(FAILURES):
        breaker.timed_out(shop)
    try:
        assert ids_of(ask(shop, "passed; reason=vectors", query=OURS, size=300)) == list(kept)
        count = compat.post(f"/{shop}/_count", json={"query": OURS})
        assert count.headers["Shelfwise-Search"].startswith("passed; reason=vectors")
        assert count.json["count"] == len(kept)
    finally:
        breaker.answered(shop)


@pytest.mark.cluster
def test_synonyms_reach_the_shops_own_query(ask: Ask, hold: Hold, attached: str) -> None:
    def body(words: str) -> dict[str, Any]:
        query = {"bool": {"must": [{"match": {"name": {"query": words, "operator": "and"}}}]}}
        return {
            "query": query,
            "size": 240,
            "ext": {"shelfwise": {"weights": {"lexical": 1, "text_vector": 1e-3}}},
        }

    mice = ids_of(ask(attached, **body("wireless mouse")))
    hold(attached, synonyms=[{"id": "s", "words": ["rodent", "mouse"]}])
    found = ids_of(ask(attached, **body("wireless rodent")))
    both = sum({"wireless", "mouse"} <= set(one["name"].split()) for one in products().values())
    assert both > 3
    assert set(found[:both]) == set(mice[:both])


@pytest.mark.cluster
def test_index_of_other_fields_is_held_by_ids_alone(ask: Ask, hold: Hold, attached: str) -> None:
    before = ids_of(ask(attached, query=THEIRS, size=240))
    hold(
        attached,
        rules=[
            {"id": "ids", "hide": [{"ids": before[:2]}, {"filter": {"brand": "HP"}}]},
            {"id": "held", "only": [{"filter": {"brand": "HP"}}]},
            {"id": "top", "pin": [before[9]]},
        ],
    )
    answer = ask(attached, query=THEIRS, size=240)
    ids = ids_of(answer)
    assert ids[0] == before[9]
    assert not set(before[:2]) & set(ids)
    assert set(before[2:]) <= set(ids)  # neighbours that were further away come after them
    assert answer["hits"]["total"]["value"] == len(ids) == len(set(ids))


def test_query_is_said_anew_in_the_words_of_each_synonym() -> None:
    table = SynonymTable(
        [
            Synonym(id="a", words=("mouse",), to=("rodent", "pointer"), weight=0.5),
            Synonym(id="b", words=("red", "crimson")),
        ]
    )
    query = {
        "bool": {
            "must": [{"multi_match": {"query": "red mouse", "fields": ["name"]}}],
            "should": {"match": {"name": "mouse"}},
            "filter": [{"match": {"name": "mouse"}}],
        }
    }
    found = variants(query, lambda text: table.expand({text: 1.0}))
    texts = [(one["bool"]["must"][0]["multi_match"]["query"], weight) for one, weight in found]
    assert texts == [("crimson rodent", 0.5), ("red pointer", 0.5)]
    assert [one["bool"]["should"]["match"]["name"] for one, _ in found] == ["rodent", "pointer"]
    assert all(one["bool"]["filter"] == query["bool"]["filter"] for one, _ in found)
    many = SynonymTable([Synonym(id="m", words=("a",), to=tuple(f"b{n}" for n in range(40)))])
    assert (
        len(variants({"match": {"f": "a"}}, lambda text: many.expand({text: 1.0}))) == MAX_VARIANTS
    )
    assert variants({"match_all": {}}, lambda text: many.expand({text: 1.0})) == []
