"""Which words of a body are found, and what of it binds every leg."""

from __future__ import annotations

from typing import Any

import pytest

from service.compat.plain_words import is_plain_query_string, is_plain_simple_query_string
from service.compat.text_fields import TextFields
from service.compat.words import MAX_WORDS, read_query

IS_TEXT = TextFields(frozenset({"name", "name.plain", "desc"}))
RED = {"term": {"colour": "red"}}
CHEAP = {"range": {"price": {"lt": 10}}}
WORDS = {"match": {"name": "red shoes"}}


def nested(path: str) -> dict[str, Any]:
    return {"nested": {"path": path, "query": {"match": {f"{path}.text": "good"}}}}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (WORDS, "red shoes"),
        ({"match": {"name": {"query": "red shoes", "operator": "and"}}}, "red shoes"),
        ({"match": {"name": 501}}, "501"),
        ({"match_phrase": {"name": "red shoes"}}, "red shoes"),
        ({"match_phrase_prefix": {"name": {"query": "red sho"}}}, "red sho"),
        ({"match_bool_prefix": {"name": "red sho"}}, "red sho"),
        ({"multi_match": {"query": "red shoes", "fields": ["sku", "name^3"]}}, "red shoes"),
        ({"multi_match": {"query": "red shoes", "fields": "na*"}}, "red shoes"),
        ({"multi_match": {"query": "red shoes"}}, "red shoes"),
        ({"combined_fields": {"query": "red shoes", "fields": ["desc"]}}, "red shoes"),
        (
            {"query_string": {"query": '"red shoes" wi-fi', "default_field": "name"}},
            "red shoes wi-fi",
        ),
        ({"simple_query_string": {"query": "red shoes", "fields": ["name"]}}, "red shoes"),
        ({"dis_max": {"queries": [WORDS, {"match": {"desc": "boots"}}]}}, "red shoes boots"),
        ({"function_score": {"query": WORDS, "functions": [{"weight": 2}]}}, "red shoes"),
        ({"boosting": {"positive": WORDS, "negative": {"match": {"name": "kids"}}}}, "red shoes"),
        ({"bool": {"should": WORDS}}, "red shoes"),
        ({"bool": {"must": [{"bool": {"should": [WORDS]}}], "filter": RED}}, "red shoes"),
        # The same words over several fields count once, others are joined in their order.
        ({"bool": {"should": [WORDS, {"match": {"desc": " Red  SHOES"}}]}}, "red shoes"),
        (
            {"bool": {"must": [{"match": {"name": "boots"}}], "should": [WORDS]}},
            "boots red shoes",
        ),
    ],
)
def test_words_are_found_where_they_score(query: dict[str, Any], words: str) -> None:
    reading = read_query(query, IS_TEXT)
    assert (reading.words, reading.opaque) == (words, "")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"match_all": {}},
        RED,
        {"match": {"sku": "MO-1"}},
        {"match": {"unknown": "red"}},
        {"match": {"name": True}},
        {"match": {"name": "  "}},
        {"multi_match": {"query": "MO-1", "fields": ["sku", "colour"]}},
        {"constant_score": {"filter": WORDS}},
        {"bool": {"filter": [WORDS], "must_not": [WORDS]}},
        {"boosting": {"positive": RED, "negative": WORDS, "negative_boost": 0.5}},
        {"script_score": {"query": WORDS, "script": {"source": "1"}}},
        nested("reviews"),
        {"match": "broken"},
        {"match": {}},
        {"bool": "broken"},
        {"bool": {"must": ["broken", None, {"a": 1, "b": 2}]}},
        {"unknown": {"query": "red"}},
    ],
)
def test_no_words_are_found_elsewhere(query: dict[str, Any]) -> None:
    reading = read_query(query, IS_TEXT)
    assert (reading.words, reading.opaque) == ("", "")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"query_string": {"query": "red AND shoes"}}, "query_string with operators"),
        ({"simple_query_string": {"query": "red -kids"}}, "simple_query_string with operators"),
        ({"function_score": {"query": WORDS, "min_score": 2}}, "function_score.min_score"),
        (
            {"bool": {"must": [WORDS, {"query_string": {"query": "a*"}}]}},
            "query_string with operators",
        ),
        ({"match": {"name": "x" * (MAX_WORDS + 1)}}, f"more than {MAX_WORDS} characters of words"),
    ],
)
def test_words_of_an_exact_meaning_are_left_alone(query: dict[str, Any], reason: str) -> None:
    assert read_query(query, IS_TEXT).opaque == reason


@pytest.mark.parametrize(
    ("query", "constraints"),
    [
        (WORDS, ()),
        ({"bool": {"must": [WORDS, RED, {"match_all": {}}], "filter": CHEAP}}, (RED, CHEAP)),
        ({"bool": {"must": WORDS, "filter": [RED, CHEAP]}}, (RED, CHEAP)),
        ({"bool": {"must": WORDS, "must_not": [RED]}}, ({"bool": {"must_not": [RED]}},)),
        ({"bool": {"must": [WORDS, nested("reviews")]}}, (nested("reviews"),)),
        ({"bool": {"must": [{"bool": {"must": [WORDS], "filter": [RED]}}]}}, (RED,)),
        ({"function_score": {"query": {"bool": {"must": WORDS, "filter": RED}}}}, (RED,)),
        # What only raises a score binds nobody,
        ({"bool": {"must": WORDS, "should": [RED]}}, ()),
        # unless one of these must be there.
        (
            {"bool": {"must": WORDS, "should": [RED, CHEAP], "minimum_should_match": 1}},
            ({"bool": {"should": [RED, CHEAP], "minimum_should_match": 1}},),
        ),
        # A filter of one way among others binds that way alone.
        ({"bool": {"should": [{"bool": {"must": WORDS, "filter": RED}}, WORDS]}}, ()),
        # Words of a filter, and of fields that are no text, are constraints like any other.
        ({"bool": {"must": [WORDS, {"match": {"sku": "A"}}]}}, ({"match": {"sku": "A"}},)),
        (
            {"bool": {"must": WORDS, "filter": {"match": {"name": "red"}}}},
            ({"match": {"name": "red"}},),
        ),
    ],
)
def test_what_stands_beside_the_words_binds_every_leg(
    query: dict[str, Any], constraints: tuple[dict[str, Any], ...]
) -> None:
    reading = read_query(query, IS_TEXT)
    assert reading.words
    assert reading.constraints == constraints


@pytest.mark.parametrize(
    ("text", "query_string", "simple"),
    [
        ("red shoes", True, True),
        ('"red shoes" size', True, True),
        ('"red shoes', False, False),
        ("wi-fi c++", True, False),
        ("-kids shoes", False, False),
        ("shoes +red", False, False),
        ("red OR blue", False, True),
        ("brand:nike", False, True),
        ("24/7", False, True),
        ("sho*", False, False),
        ("shoes~2", False, False),
        ("a|b", True, False),
        ("a || b", False, False),
        ("(red shoes)", False, False),
        ("NOTHING ANDROID", True, True),
    ],
)
def test_texts_with_operators_are_told_from_plain_words(
    text: str, query_string: bool, simple: bool
) -> None:
    assert is_plain_query_string(text) is query_string
    assert is_plain_simple_query_string(text) is simple


def test_text_fields_are_read_from_a_mapping() -> None:
    properties = {
        "name": {"type": "text", "fields": {"raw": {"type": "keyword"}, "en": {"type": "text"}}},
        "title": {"type": "alias", "path": "name"},
        "maker": {"properties": {"label": {"type": "match_only_text"}, "id": {"type": "long"}}},
        "sayt": {"type": "search_as_you_type"},
    }
    fields = TextFields.of_mappings({"shop-1": {"mappings": {"properties": properties}}})
    assert {"name", "name.en", "title", "maker.label", "sayt", "sayt._2gram"} <= fields.paths
    assert not fields("name.raw")
    assert not fields("maker.id")
    assert fields("maker.*")
    assert not fields("x*")
