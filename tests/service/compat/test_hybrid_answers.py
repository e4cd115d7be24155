"""What is found and shown when a shop's own body is made hybrid."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient

from indexer.encoders.hashing import HashingEncoder
from tests.service.compat.recorded import ids_of
from tests.service.compat.shop_index import TEMPLATE, products, text_of

pytestmark = pytest.mark.cluster

SHOP = products()
WORDS = {"multi_match": {"query": "wireless mouse", "fields": ["name", "desc"]}}
RED = {"nested": {"path": "facets", "query": {"term": {"facets.value": "red"}}}}
WORDS_OF_THE_QUERY = {"wireless", "mouse"}
HP = {"term": {"manufacturer": "HP"}}
BRANDS = {"brands": {"terms": {"field": "manufacturer"}}}


def ask(compat: FlaskClient, index: str, body: dict[str, Any], note: str = "hybrid") -> Any:
    response = compat.post(f"/{index}/_search", json=body)
    assert response.status_code == 200, response.text
    assert response.headers["Shelfwise-Search"].startswith(note)
    return response.json


def is_red(product: dict[str, Any]) -> bool:
    return {"code": "colour", "value": "red"} in product["facets"]


def is_candidate(product: dict[str, Any]) -> bool:
    """Whether a leg surely finds a product: by a word, or by a vector that does not point away.

    Vectors of 8 bits leave open on which side of a right angle one is.
    """
    text = f"{product['name']} {product['desc']}".split()
    encoder = HashingEncoder(template=TEMPLATE)
    one, other = encoder.encode(["wireless mouse", text_of(product)])
    return bool(WORDS_OF_THE_QUERY & set(text)) or float(one @ other) >= 0.05


@pytest.mark.parametrize("mode", ["precise", "fast"])
@pytest.mark.parametrize(
    "body",
    [
        {"query": {"bool": {"must": WORDS, "filter": [HP, RED]}}},
        {"query": {"bool": {"must": [WORDS, HP, RED]}}},
        {"query": {"bool": {"must": WORDS, "filter": HP}}, "post_filter": RED},
        {"query": {"function_score": {"query": {"bool": {"must": [WORDS], "filter": [HP, RED]}}}}},
    ],
    ids=["filter", "must", "post_filter", "function_score"],
)
def test_constraints_bind_every_leg(
    compat: FlaskClient, attached: str, body: dict[str, Any], mode: str
) -> None:
    whole = {**body, "size": 240, "ext": {"shelfwise": {"mode": mode}}}
    found = ids_of(ask(compat, attached, whole))
    wanted = {key for key, one in SHOP.items() if one["manufacturer"] == "HP" and is_red(one)}
    # So few products are all among the 100 nearest of those that the filters leave.
    assert len(wanted) > 5
    surely = {key for key in wanted if is_candidate(SHOP[key])}
    assert surely <= set(found) <= wanted
    assert any(not WORDS_OF_THE_QUERY & set(SHOP[key]["name"].split()) for key in surely)


def test_must_not_binds_every_leg(compat: FlaskClient, attached: str) -> None:
    body = {"query": {"bool": {"must": WORDS, "must_not": [HP]}}, "size": 240}
    found = ids_of(ask(compat, attached, body))
    assert found
    assert not any(SHOP[key]["manufacturer"] == "HP" for key in found)


def test_total_count_facets_and_pages_speak_of_the_same_products(
    compat: FlaskClient, attached: str, cluster: Elasticsearch
) -> None:
    body = {"query": WORDS, "aggs": BRANDS, "size": 240}
    answer = ask(compat, attached, body)
    found = ids_of(answer)
    by_words = cluster.count(index=attached, query=WORDS)["count"]
    assert by_words < answer["hits"]["total"]["value"] == len(found) == len(set(found))
    counts = {
        bucket["key"]: bucket["doc_count"]
        for bucket in answer["aggregations"]["brands"]["buckets"]
    }
    assert counts == {
        brand: sum(SHOP[key]["manufacturer"] == brand for key in found) for brand in counts
    }
    count: Any = compat.post(f"/{attached}/_count", json={"query": WORDS}).json
    assert count["count"] == len(found)
    no_hits = ask(compat, attached, {**body, "size": 0})
    assert no_hits["aggregations"] == answer["aggregations"]
    assert no_hits["hits"]["total"] == answer["hits"]["total"]


def test_neighbours_below_the_floor_are_not_counted_where_no_hits_are_wanted(
    compat: FlaskClient, attached_flat: str
) -> None:
    word = "w22"  # which points away from most of the products
    body = {
        "query": {"match": {"name": word}},
        "ext": {"shelfwise": {"weights": {"text_vector": 1.0}}},
    }
    found = ask(compat, attached_flat, {**body, "size": 240})["hits"]["total"]
    # All 100 nearest on 8.19, whose vectors of 8 bits are that inexact here.
    assert 0 < found["value"] <= 100
    count: Any = compat.post(f"/{attached_flat}/_count", json=body).json
    assert count["count"] == found["value"]
    for more in ({}, {"aggs": BRANDS}, {"track_total_hits": True}):
        assert ask(compat, attached_flat, {**body, "size": 0, **more})["hits"]["total"] == found


def test_products_with_both_words_come_first_and_scores_fall(
    compat: FlaskClient, attached: str
) -> None:
    answer = ask(compat, attached, {"query": WORDS, "size": 100})
    scores = [hit["_score"] for hit in answer["hits"]["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert answer["hits"]["max_score"] == scores[0]
    names = [hit["_source"]["name"] for hit in answer["hits"]["hits"]]
    both = [{"wireless", "mouse"} <= set(name.split()) for name in names]
    assert all(both[: sum(both)])


@pytest.mark.parametrize("mode", ["precise", "fast"])
def test_aggregations_count_what_the_post_filter_leaves_out(
    compat: FlaskClient, attached: str, mode: str
) -> None:
    body = {"query": WORDS, "aggs": BRANDS, "size": 240, "ext": {"shelfwise": {"mode": mode}}}
    every = ask(compat, attached, body)
    chosen = ask(compat, attached, {**body, "post_filter": HP})
    assert chosen["aggregations"] == every["aggregations"]
    assert {SHOP[key]["manufacturer"] for key in ids_of(chosen)} == {"HP"}
    assert chosen["hits"]["total"]["value"] == len(ids_of(chosen))


def test_weights_of_the_body_decide_which_legs_there_are(
    compat: FlaskClient, attached: str, cluster: Elasticsearch
) -> None:
    body = {"query": WORDS, "size": 240}
    alone = ask(
        compat, attached, {**body, "ext": {"shelfwise": {"weights": {"lexical": 1}}}}, "passed"
    )
    assert alone["hits"]["total"]["value"] == cluster.count(index=attached, query=WORDS)["count"]
    meaning = {"weights": {"text_vector": 1.0}}
    near = ask(
        compat, attached, {**body, "ext": {"shelfwise": meaning}}, "hybrid; legs=text_vector;"
    )
    assert near["hits"]["total"]["value"] == 100  # nearest of one shard
    assert ids_of(near) != ids_of(ask(compat, attached, body))[:100]


def test_scores_of_one_request_are_the_shops_own_and_what_neighbours_add(
    compat: FlaskClient, attached: str, cluster: Elasticsearch
) -> None:
    body: dict[str, Any] = {"query": WORDS, "size": 100}
    own = cluster.search(index=attached, **body)
    fast = ask(compat, attached, {**body, "ext": {"shelfwise": {"mode": "fast"}}})
    by_id = {hit["_id"]: hit["_score"] for hit in fast["hits"]["hits"]}
    for hit in own["hits"]["hits"]:
        if hit["_id"] in by_id:
            assert by_id[hit["_id"]] >= hit["_score"] - 1e-3


def test_pages_by_search_after_neither_repeat_nor_drop(compat: FlaskClient, attached: str) -> None:
    body: dict[str, Any] = {
        "query": WORDS,
        "sort": [{"_score": "desc"}, {"sku": "asc"}],
        "size": 33,
    }
    found: list[str] = []
    for _ in range(9):
        page = ask(compat, attached, body)
        hits = page["hits"]["hits"]
        found += [hit["_id"] for hit in hits]
        if not hits:
            break
        body["search_after"] = hits[-1]["sort"]
    assert len(found) == len(set(found)) == page["hits"]["total"]["value"]


def test_our_fields_are_hidden_unless_they_are_asked_for(
    compat: FlaskClient, attached: str
) -> None:
    top = {"top": {"top_hits": {"size": 1}}}
    for query, note in ((WORDS, "hybrid"), ({"match_all": {}}, "passed")):
        body: dict[str, Any] = {"query": query, "fields": ["*"], "aggs": top, "size": 3}
        answer = ask(compat, attached, body, note)
        assert "shelfwise" not in str(answer)
        # Of an index of Elasticsearch 9 vectors are not in the source; as a field they are.
        asked = ask(compat, attached, {"query": query, "fields": ["shelfwise.text_vector"]}, note)
        assert "shelfwise.text_vector" in asked["hits"]["hits"][0]["fields"]


def test_names_and_highlights_are_those_of_the_shops_query(
    compat: FlaskClient, attached: str
) -> None:
    named = {"match": {"name": {"query": "mouse", "_name": "words"}}}
    body = {
        "query": {
            "bool": {
                "must": [named],
                "filter": [{"term": {"in_stock": {"value": True, "_name": "stock"}}}],
            }
        },
        "highlight": {"fields": {"name": {}, "desc": {}}},
        "size": 240,
    }
    for mode in ("precise", "fast"):
        hits = ask(compat, attached, {**body, "ext": {"shelfwise": {"mode": mode}}})["hits"][
            "hits"
        ]
        for hit in hits:
            has_word = "mouse" in hit["_source"]["name"].split()
            assert hit["matched_queries"] == (["words", "stock"] if has_word else ["stock"])
            assert ("highlight" in hit) == has_word
            assert "desc" not in hit.get("highlight", {})


def test_ids_of_events_come_back_and_nothing_of_ours_goes_on(
    compat: FlaskClient, attached: str
) -> None:
    ubi = {"query_id": "q-1", "client_id": "c", "user_query": "wireless mouse"}
    for query, note in ((WORDS, "hybrid"), ({"match_all": {}}, "passed")):
        answer = ask(compat, attached, {"query": query, "size": 1, "ext": {"ubi": ubi}}, note)
        assert answer["ext"] == {"ubi": {"query_id": "q-1"}}
        made = ask(compat, attached, {"query": query, "size": 1, "ext": {"ubi": {}}}, note)
        assert len(made["ext"]["ubi"]["query_id"]) == 24
    off = {"query": WORDS, "size": 1, "ext": {"shelfwise": {"hybrid": False}}}
    assert "ext" not in ask(compat, attached, off, "passed; reason=ext.shelfwise.hybrid")


def test_an_index_of_ours_is_searched_by_its_own_fields(compat: FlaskClient, shop: str) -> None:
    body = {"query": {"match": {"title": "wireless mouse"}}, "size": 300, "_source": ["title"]}
    answer = ask(compat, shop, body)
    assert answer["hits"]["total"]["value"] == len(ids_of(answer))
    assert set(answer["hits"]["hits"][0]["_source"]["title"].split()) >= {"wireless", "mouse"}
    assert not any(key.startswith("ghost") for key in ids_of(answer))


@pytest.mark.parametrize(
    ("ext", "field"),
    [
        ({"shelfwise": {"weights": {"words": 1}}}, "ext.shelfwise.weights"),
        ({"shelfwise": {"weights": {"lexical": -1}}}, "ext.shelfwise.weights.lexical"),
        ({"shelfwise": {"weights": {"lexical": 0}}}, "ext.shelfwise.weights"),
        ({"shelfwise": {"fusion": "lambdamart"}}, "ext.shelfwise.fusion"),
        ({"shelfwise": {"mode": "slow"}}, "ext.shelfwise.mode"),
        ({"shelfwise": {"boost": 1}}, "ext.shelfwise.boost"),
        ({"shelfwise": {"image": {"url": "http://a.example/a.png"}}}, "ext.shelfwise.image"),
        ({"shelfwise": []}, "ext.shelfwise"),
        ({"ubi": {"query_id": 5}}, "ext.ubi.query_id"),
        ([], "ext"),
    ],
)
def test_what_cannot_be_honoured_is_a_400_that_names_the_field(
    compat: FlaskClient, attached: str, ext: Any, field: str
) -> None:
    response = compat.post(f"/{attached}/_search", json={"query": WORDS, "ext": ext})
    assert response.status_code == 400
    answer: Any = response.json
    assert field in answer["error"]["reason"]
    assert response.headers["X-Elastic-Product"] == "Elasticsearch"
