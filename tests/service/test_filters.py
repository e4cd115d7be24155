"""Filters: JSON to clauses, and every mistake by name."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.errors import InvalidFilter
from mappings.sortable_numbers import encode_sortable
from service.filters.compiler import MAX_CONDITIONS, MAX_DEPTH, compile_filter
from service.filters.registry import FILTER_TYPES
from service.filters.terms import MAX_VALUE_LENGTH, MAX_VALUES
from service.product_fields import PRODUCT_FIELDS, find_field

HP = {"terms": {"brand.folded": ["HP"]}}
CHEAP = {"range": {"price": {"lt": 50}}}


def number_range(name: str, **boundaries: float) -> dict:
    # Elasticsearch 8 wants both boundaries, so the open one is spelled out.
    encoded = {operator: encode_sortable(value) for operator, value in boundaries.items()}
    if not {"gt", "gte"} & set(encoded):
        encoded["gte"] = "0" * 16
    if not {"lt", "lte"} & set(encoded):
        encoded["lte"] = "f" * 16
    return {"range": {f"attribute_numbers.{name}": encoded}}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, []),
        ({"brand": "HP"}, [HP]),
        ({"brand": ["HP", "Logi"]}, [{"terms": {"brand.folded": ["HP", "Logi"]}}]),
        ({"id": "7"}, [{"terms": {"product_id": ["7"]}}]),
        ({"categories": "A > B"}, [{"terms": {"category_paths": ["A > B"]}}]),
        ({"price": 12.5}, [{"terms": {"price": [12.5]}}]),
        ({"price": {"lt": 50}}, [CHEAP]),
        ({"price": {"gte": 1, "lt": 50}}, [{"range": {"price": {"gte": 1, "lt": 50}}}]),
        ({"price": {"exists": True}}, [{"exists": {"field": "price"}}]),
        (
            {"brand": {"exists": False}},
            [{"bool": {"must_not": {"exists": {"field": "brand"}}}}],
        ),
        ({"attributes.a": "x"}, [{"terms": {"attributes.a": ["x"]}}]),
        ({"attributes.a": [17, 17.0, 1.5]}, [{"terms": {"attributes.a": ["17", "17", "1.5"]}}]),
        ({"attributes.a": [True, False]}, [{"terms": {"attributes.a": ["true", "false"]}}]),
        ({"attributes.a": {"gt": -2.5}}, [number_range("a", gt=-2.5)]),
        ({"attributes.a": {"gte": 1, "lt": 2}}, [number_range("a", gte=1, lt=2)]),
        ({"attributes.exists": {"lte": 3}}, [number_range("exists", lte=3)]),
        (
            {"released_at": {"gte": "2020-01-02"}},
            [{"range": {"released_at": {"gte": "2020-01-02"}}}],
        ),
        ({"brand": "HP", "price": {"lt": 50}}, [HP, CHEAP]),
        ({"all": [{"brand": "HP"}, {"price": {"lt": 50}}]}, [HP, CHEAP]),
        (
            {"any": [{"brand": "HP"}, {"price": {"lt": 50}}]},
            [{"bool": {"should": [HP, CHEAP], "minimum_should_match": 1}}],
        ),
        (
            {"any": [{"brand": "HP", "price": {"lt": 50}}]},
            [
                {
                    "bool": {
                        "should": [{"bool": {"filter": [HP, CHEAP]}}],
                        "minimum_should_match": 1,
                    }
                }
            ],
        ),
        ({"not": {"brand": "HP"}}, [{"bool": {"must_not": HP}}]),
        (
            {"not": {"brand": "HP", "price": {"lt": 50}}},
            [{"bool": {"must_not": {"bool": {"filter": [HP, CHEAP]}}}}],
        ),
        ({"not": {}}, []),
        (
            {"any": [{}]},
            [{"bool": {"should": [{"match_all": {}}], "minimum_should_match": 1}}],
        ),
    ],
    ids=str,
)
def test_clauses(raw, expected):
    assert compile_filter(raw) == expected


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("2020-01-02", "2020-01-02"),
        ("20200102", "2020-01-02"),
        ("2020-W01-4", "2020-01-02"),
        ("2020-01-02 03:04", "2020-01-02T03:04:00"),
        ("2020-01-02T03:04:05+02:00", "2020-01-02T01:04:05+00:00"),
        ("2020-01-02T03:04:05,5Z", "2020-01-02T03:04:05.500000+00:00"),
        ("2020-01-02T03:04+01:02:03", "2020-01-02T02:01:57+00:00"),
    ],
)
def test_date_is_sent_in_the_one_form_that_elasticsearch_reads(written, sent):
    assert compile_filter({"released_at": written}) == [{"terms": {"released_at": [sent]}}]


BAD = [
    ({"colour": "red"}, "filter.colour", "attributes.<name>"),
    ({"title": "Mouse"}, "filter.title", "no such field"),
    ({"attributes.": "x"}, "filter.attributes.", "no such field"),
    ({"attributes.a\0": "x"}, "filter.attributes.a\0", "no such field"),
    ({"brand": None}, "filter.brand", '{"exists": false}'),
    ({"brand": []}, "filter.brand", "at least one value"),
    ({"brand": ["HP", None]}, "filter.brand", "exists"),
    ({"brand": 5}, "filter.brand", "should be text"),
    ({"brand": True}, "filter.brand", "should be text"),
    ({"brand": [["HP"]]}, "filter.brand", "['HP']"),
    ({"brand": {"gt": 5}}, "filter.brand", "no order"),
    ({"categories": {"lt": "B"}}, "filter.categories", "no order"),
    ({"brand": {}}, "filter.brand", "should be a value"),
    ({"brand": {"prefix": "H"}}, "filter.brand", "should be a value"),
    ({"brand": "x" * (MAX_VALUE_LENGTH + 1)}, "filter.brand", str(MAX_VALUE_LENGTH)),
    ({"brand": "a\0"}, "filter.brand", "null"),
    ({"brand": "\ud800"}, "filter.brand", "surrogate"),
    ({"brand": ["x"] * (MAX_VALUES + 1)}, "filter.brand", str(MAX_VALUES)),
    ({"price": "12"}, "filter.price", "should be a number"),
    ({"price": True}, "filter.price", "should be a number"),
    ({"price": {"gt": "12"}}, "filter.price", "boundary should be a number"),
    ({"price": {"gt": True}}, "filter.price", "boundary should be a number"),
    ({"price": {"gt": None}}, "filter.price", "boundary should be a number"),
    ({"price": {"gt": math.nan}}, "filter.price", "double"),
    ({"price": {"gt": math.inf}}, "filter.price", "double"),
    ({"price": {"gt": 10**400}}, "filter.price", "double"),
    ({"price": -math.inf}, "filter.price", "double"),
    ({"attributes.a": {"lt": 10**400}}, "filter.attributes.a", "double"),
    ({"attributes.a": 10**400}, "filter.attributes.a", "double"),
    ({"attributes.a": {"lt": "x"}}, "filter.attributes.a", "boundary should be a number"),
    ({"price": {"gt": 1, "gte": 1}}, "filter.price", "gt or gte, not both"),
    ({"price": {"lt": 1, "lte": 1}}, "filter.price", "lt or lte, not both"),
    ({"price": {"lt": 1, "from": 1}}, "filter.price", "not 'from'"),
    ({"price": {"exists": "yes"}}, "filter.price", "exists"),
    ({"price": {"exists": True, "lt": 1}}, "filter.price", "exists"),
    ({"released_at": 1_700_000_000}, "filter.released_at", "ISO 8601"),
    ({"released_at": {"gt": "yesterday"}}, "filter.released_at", "'yesterday'"),
    ({"released_at": {"gt": 2020}}, "filter.released_at", "ISO 8601"),
    ({"released_at": "now-1d"}, "filter.released_at", "ISO 8601"),
    ({"any": []}, "filter.any", "at least one"),
    ({"any": {"brand": "HP"}}, "filter.any", "list"),
    ({"all": "HP"}, "filter.all", "list"),
    ({"any": [{"brand": "HP"}, 5]}, "filter.any.1", "object"),
    ({"not": [{"brand": "HP"}]}, "filter.not", "object"),
    ({"not": None}, "filter.not", "object"),
    ({"any": [{"not": {"colour": 1}}]}, "filter.any.0.not.colour", "no such field"),
    ({7: 1}, "filter", "text"),
]


@pytest.mark.parametrize(
    ("raw", "field", "words"), BAD, ids=[f"{n}-{bad[1]!a}" for n, bad in enumerate(BAD)]
)
def test_mistake_is_named_by_its_place(raw, field, words):
    with pytest.raises(InvalidFilter) as caught:
        compile_filter(raw)
    message = str(caught.value)
    assert words in message
    assert len(message) < 400
    if "any" not in raw:  # inside a combination a value's own place is known, its path is not
        assert caught.value.field == field


@pytest.mark.parametrize("raw", [None, [], "x", 5, True], ids=repr)
def test_filter_that_is_no_object_is_refused(raw):
    with pytest.raises(InvalidFilter, match="should be an object"):
        compile_filter(raw)


def nested(depth: int) -> dict:
    raw: dict = {"brand": "HP"}
    for _ in range(depth - 1):
        raw = {"not": raw}
    return raw


def test_depth_has_a_limit():
    assert compile_filter(nested(MAX_DEPTH))
    with pytest.raises(InvalidFilter, match=f"at most {MAX_DEPTH} deep"):
        compile_filter(nested(MAX_DEPTH + 1))
    with pytest.raises(InvalidFilter, match="deep"):
        compile_filter(nested(900))


def test_number_of_conditions_has_a_limit_over_all_levels():
    conditions = [{"price": number} for number in range(MAX_CONDITIONS - 1)]
    assert compile_filter({"any": conditions})
    with pytest.raises(InvalidFilter, match=f"at most {MAX_CONDITIONS} conditions"):
        compile_filter({"any": [*conditions, {"price": 1}]})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["any", "all", "not", "gt", "lte", "exists", *PRODUCT_FIELDS])
            | st.text(max_size=4).map("attributes.".__add__)
            | st.text(max_size=4),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(json_values)
def test_any_json_compiles_or_is_an_invalid_filter(raw):
    try:
        clauses = compile_filter(raw)
    except InvalidFilter as error:
        assert error.field.startswith("filter")
    else:
        assert all(isinstance(clause, dict) for clause in clauses)


def test_argument_is_not_changed():
    raw = {"any": [{"brand": ["HP"]}, {"not": {"price": {"lt": 5}}}]}
    before = repr(raw)
    compile_filter(raw)
    assert repr(raw) == before


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("brand", ["HP", "Logi"], "brand is HP or Logi"),
        ("price", {"gte": 10, "lt": 50}, "price from 10 below 50"),
        ("price", {"exists": False}, "has no price"),
        ("price", {"exists": True}, "has price"),
    ],
)
def test_every_type_of_filter_says_itself_in_words(name, value, words):
    kind = next(kind for kind in FILTER_TYPES if kind.accepts(value))
    assert kind.parse(find_field(name), value).describe() == words
