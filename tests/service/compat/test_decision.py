"""Whether a body is made hybrid, and in how many requests."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.encoders.hashing import HashingEncoder
from mappings.index_lifecycle import LiveIndex
from service.compat.decision import Hybrid, Passed, decide
from service.compat.hiding import brings_ours, hiding, show_as, without_own_fields
from service.compat.options import ShelfwiseOptions
from service.compat.parameters import SEARCH, Parameters
from service.compat.targets import Target
from service.compat.text_fields import TextFields

LIVE = LiveIndex("shop", "shop", {"text_vector": HashingEncoder().spec})
TARGET = Target(LIVE, TextFields(frozenset({"name"})), "shelfwise.")
WORDS: dict[str, Any] = {"query": {"match": {"name": "mouse"}}}
HP = {"term": {"brand": "HP"}}
OURS = ["shelfwise", "shelfwise.*"]


@pytest.mark.parametrize(
    ("more", "one_request"),
    [
        ({}, ""),
        ({"sort": ["_score"]}, ""),
        ({"sort": {"_score": {"order": "desc"}}}, ""),
        ({"sort": []}, ""),
        ({"from": 300, "size": 1_000}, ""),
        ({"explain": False, "collapse": None}, ""),
        ({"sort": [{"_score": "desc"}, {"price": "asc"}]}, "sort"),
        ({"size": 0}, "size"),
        ({"size": 1_001}, "size"),
        ({"search_after": [1.0]}, "search_after"),
        ({"min_score": 1}, "min_score"),
        ({"collapse": {"field": "group"}}, "collapse"),
        ({"explain": True}, "explain"),
        ({"stored_fields": "_none_"}, "stored_fields"),
    ],
)
def test_words_are_made_hybrid(more: dict[str, Any], one_request: str) -> None:
    decision = decide({**WORDS, **more}, ShelfwiseOptions(), TARGET)
    assert decision == Hybrid("mouse", WORDS["query"], (), one_request)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "no words"),
        ({"query": HP}, "no words"),
        ({"query": "broken"}, "no words"),
        ({**WORDS, "sort": ["price"]}, "sorted by a field"),
        ({**WORDS, "sort": [{"_score": "asc"}]}, "sorted by a field"),
        ({**WORDS, "sort": "price"}, "sorted by a field"),
        ({**WORDS, "knn": {}}, "knn"),
        ({**WORDS, "pit": {}}, "pit"),
        ({**WORDS, "something_new": 1}, "something_new"),
    ],
)
def test_other_bodies_pass(body: dict[str, Any], reason: str) -> None:
    assert decide(body, ShelfwiseOptions(), TARGET) == Passed(reason)


def test_post_filter_is_the_last_of_the_filters() -> None:
    query = {"bool": {"must": WORDS["query"], "filter": HP}}
    late = {"term": {"colour": "red"}}
    decision = decide({"query": query, "post_filter": late}, ShelfwiseOptions(), TARGET)
    assert decision == Hybrid("mouse", query, (HP, late))


def test_query_beside_a_photo_alone_is_a_filter() -> None:
    options = ShelfwiseOptions.model_validate({"image": {"url": "https://a.example/a.png"}})
    assert decide({"query": HP}, options, TARGET) == Hybrid("", None, (HP,))
    assert decide({"query": {"match_all": {}}}, options, TARGET) == Hybrid("", None, ())
    assert decide({}, options, TARGET) == Hybrid("", None, ())


def test_parameters_of_the_address_come_before_the_body() -> None:
    given = {"q": "mouse", "df": "name", "size": "3", "sort": "price:asc,_score", "explain": ""}
    merged = Parameters.checked(given, SEARCH).merged({"size": 10, "query": HP})
    assert merged == {
        "query": {"query_string": {"query": "mouse", "default_field": "name"}},
        "size": 3,
        "sort": [{"price": {"order": "asc"}}, "_score"],
        "explain": True,
    }


@pytest.mark.parametrize(
    ("source", "hidden"),
    [
        (True, {"excludes": OURS}),
        (False, False),
        ("name", {"includes": ["name"], "excludes": OURS}),
        (["name", "b*"], {"includes": ["name", "b*"], "excludes": OURS}),
        (["shelfwise.*"], ["shelfwise.*"]),
        ({"excludes": "big"}, {"excludes": ["big", *OURS]}),
        ({"includes": ["shelfwise"]}, {"includes": ["shelfwise"]}),
    ],
)
def test_our_fields_are_left_out_of_the_source(source: Any, hidden: Any) -> None:
    assert hiding({"_source": source})["_source"] == hidden
    inner = {"collapse": {"field": "g", "inner_hits": {"name": "n", "_source": source}}}
    assert hiding(inner)["collapse"]["inner_hits"]["_source"] == hidden
    deep = {"aggs": {"a": {"terms": {}, "aggs": {"b": {"top_hits": {"_source": source}}}}}}
    assert hiding(deep)["aggs"]["a"]["aggs"]["b"]["top_hits"]["_source"] == hidden


def test_stored_fields_bring_no_source() -> None:
    assert hiding({"stored_fields": ["_id"]}) == {"stored_fields": ["_id"]}


def test_fields_of_ours_that_a_pattern_brought_are_taken_out() -> None:
    assert brings_ours({"fields": ["*"]})
    assert not brings_ours({"fields": ["name", "shelfwise.*"]})
    inner = {"_index": "companion", "fields": {"shelfwise.text_vector": [1], "name": ["x"]}}
    answer = {"hits": {"hits": [{"_index": "companion", "inner_hits": {"v": {"hits": [inner]}}}]}}
    without_own_fields(answer)
    show_as(answer, "shop")
    found = {"_index": "shop", "fields": {"name": ["x"]}}
    assert answer == {
        "hits": {"hits": [{"_index": "shop", "inner_hits": {"v": {"hits": [found]}}}]}
    }
