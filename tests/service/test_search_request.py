"""The body of a search: taken, or refused by the field that is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.errors import InvalidQuery
from service.search_request import MAX_DEPTH, MAX_QUERY_LENGTH, MAX_TERMS, SearchRequest

BAD = [
    ({"q": 5}, "q", "text or an object"),
    ({"q": None}, "q", "text or an object"),
    ({"q": ["mouse"]}, "q", "text or an object"),
    ({"q": "x" * (MAX_QUERY_LENGTH + 1)}, "q", str(MAX_QUERY_LENGTH)),
    ({"q": "half \ud800"}, "q", "surrogate"),
    ({"q": {}}, "q", "at least 1"),
    ({"q": {"a": 1, " a": -1}}, "q", "weight above 0"),
    ({"q": {"mouse": "much"}}, "q.mouse", "should be a number"),
    ({"q": {"mouse": True}}, "q.mouse", "should be a number"),
    ({"q": {"mouse": float("nan")}}, "q.mouse", "finite"),
    ({"q": {"mouse": 101}}, "q.mouse", "100"),
    ({"q": {"mouse": -1}}, "q", "above 0"),
    ({"q": {" ": 1, "mouse": -1}}, "q", "above 0"),
    ({"q": {str(number): 1 for number in range(MAX_TERMS + 1)}}, "q", str(MAX_TERMS)),
    ({"vectors": {"text_vector": []}}, "vectors.text_vector", "at least 1"),
    ({"vectors": {"text_vector": [0, 0.0]}}, "vectors.text_vector", "all zeros"),
    ({"vectors": {"text_vector": [1, "2"]}}, "vectors.text_vector.1", "number"),
    ({"vectors": {"text_vector": [True]}}, "vectors.text_vector.0", "number"),
    ({"vectors": {"text_vector": [float("inf")]}}, "vectors.text_vector.0", "finite"),
    ({"vectors": {"sound_vector": [1]}}, "vectors.sound_vector", "image_vector"),
    ({"vectors": []}, "vectors", "object"),
    ({"image": "http://x/a.jpg"}, "image", "object"),
    ({"image": {}}, "image", "exactly one of url, base64, upload, has none"),
    ({"image": {"url": "http://x", "base64": "aa"}}, "image", "has url and base64"),
    ({"image": {"url": ""}}, "image.url", "at least 1"),
    ({"image": {"url": "http://x/" + "a" * 8_192}}, "image.url", "8192"),
    ({"image": {"url": 5}}, "image.url", "text"),
    ({"image": {"url": "http://x/\0"}}, "image.url", "null character"),
    ({"image": {"base64": ["aa"]}}, "image.base64", "text"),
    ({"image": {"upload": "x" * 201}}, "image.upload", "200"),
    ({"image": {"file": "a.jpg"}}, "image.file", "no such field"),
    ({"image": {"url": "http://x", "crop": [0, 0, 1]}}, "image.crop", "is missing"),
    ({"image": {"url": "http://x", "crop": [0, 0, 1, 1, 1]}}, "image.crop", "at most 4"),
    ({"image": {"url": "http://x", "crop": [0, 0, 1, 1.1]}}, "image.crop.3", "1"),
    ({"image": {"url": "http://x", "crop": [0, 0, 1, "1"]}}, "image.crop.3", "number"),
    ({"image": {"url": "http://x", "crop": [0.5, 0, 0.5, 1]}}, "image.crop", "x0 < x1"),
    ({"image": {"url": "http://x", "crop": [0, 1, 1, 0]}}, "image.crop", "x0 < x1"),
    ({"image": {"url": "http://x", "crop": "all"}}, "image.crop", "list"),
    ({"image": {"url": "http://x", "weight": -1}}, "image.weight", "0"),
    ({"image": {"url": "http://x", "weight": float("nan")}}, "image.weight", "finite"),
    (
        {"image": {"url": "http://x"}, "vectors": {"image_vector": [1]}},
        "image",
        "exclude each other",
    ),
    ({"filter": []}, "filter", "object"),
    ({"facets": {"brand": 0}}, "facets.brand", "1"),
    ({"facets": {"brand": 1_001}}, "facets.brand", "1000"),
    ({"facets": {"brand": "many"}}, "facets.brand", "whole number or an object"),
    ({"facets": {"brand": True}}, "facets.brand", "whole number"),
    ({"facets": {"price": {"ranges": []}}}, "facets.price.ranges", "at least 1"),
    ({"facets": {"price": {"ranges": [5, 5]}}}, "facets.price", "grow"),
    ({"facets": {"price": {"ranges": [1, "x"]}}}, "facets.price.ranges.1", "number"),
    ({"facets": {"price": {"range": [1]}}}, "facets.price.range", "no such field"),
    ({"facets": {str(number): 1 for number in range(51)}}, "facets", "50"),
    ({"sort": {"price": "asc"}}, "sort", "list"),
    ({"sort": [{"price": "up"}]}, "sort.0.price", "'asc' or 'desc'"),
    ({"sort": ["price"]}, "sort.0", "object"),
    ({"sort": [{}]}, "sort.0", "at least 1"),
    ({"sort": [{"price": "asc"}] * 9}, "sort", "8"),
    ({"limit": -1}, "limit", "0"),
    ({"limit": 201}, "limit", "200"),
    ({"limit": "10"}, "limit", "whole number"),
    ({"limit": 10.0}, "limit", "whole number"),
    ({"limit": True}, "limit", "whole number"),
    ({"limit": None}, "limit", "whole number"),
    ({"offset": MAX_DEPTH + 1}, "offset", str(MAX_DEPTH)),
    ({"offset": MAX_DEPTH, "limit": 1}, "offset", "use cursor"),
    ({"offset": 5, "cursor": "abc"}, "offset", "exclude"),
    ({"cursor": ""}, "cursor", "at least 1"),
    ({"cursor": "x" * 2_001}, "cursor", "2000"),
    ({"cursor": 5}, "cursor", "text"),
    ({"collapse": "brand"}, "collapse", "parent_id"),
    ({"fusion": "magic"}, "fusion", "weighted_sum"),
    ({"weights": {}}, "weights", "at least 1"),
    ({"weights": {"lexical": -1}}, "weights.lexical", "0"),
    ({"weights": {"lexical": "1"}}, "weights.lexical", "number"),
    ({"weights": {"lexical": 10**400}}, "weights.lexical", "number"),
    ({"weights": {"lexical": 0, "text_vector": 0}}, "weights", "above 0"),
    ({"weights": {"brand": 1}}, "weights.brand", "lexical"),
    ({"weights": "equal"}, "weights", "auto"),
    ({"rank_constant": 0}, "rank_constant", "1"),
    ({"rank_window_size": 1_001}, "rank_window_size", "1000"),
    ({"mode": "slow"}, "mode", "precise"),
    ({"fields": []}, "fields", "at least 1"),
    ({"fields": "title"}, "fields", "list"),
    ({"fields": [""]}, "fields.0", "at least 1"),
    ({"explain": 1}, "explain", "true or false"),
    ({"explain": "yes"}, "explain", "true or false"),
    ({"query": "mouse"}, "query", "no such field"),
]


@pytest.mark.parametrize(
    ("body", "field", "words"), BAD, ids=[f"{n}-{bad[1]}" for n, bad in enumerate(BAD)]
)
def test_mistake_is_named_by_field(body, field, words):
    with pytest.raises(InvalidQuery) as caught:
        SearchRequest.parse(body)
    assert caught.value.field == field
    message = str(caught.value)
    assert words in message
    assert len(message) < 400


@pytest.mark.parametrize("body", [None, [], "mouse", 5, True], ids=repr)
def test_body_that_is_no_object_is_refused(body):
    with pytest.raises(InvalidQuery, match="JSON object") as caught:
        SearchRequest.parse(body)
    assert caught.value.field == "body"


@pytest.mark.parametrize(
    ("q", "terms"),
    [
        ("", {}),
        ("  ", {}),
        (" mouse ", {"mouse": 1.0}),
        ({"mouse": 1, "gaming": -0.4}, {"mouse": 1, "gaming": -0.4}),
        ({"mouse": 1, " ": 5, "pad": 0}, {"mouse": 1}),
        ("x" * MAX_QUERY_LENGTH, {"x" * MAX_QUERY_LENGTH: 1.0}),
    ],
    ids=lambda value: str(value)[:30],
)
def test_terms(q, terms):
    assert SearchRequest.parse({"q": q}).terms == terms


def test_empty_request_has_the_documented_defaults():
    request = SearchRequest.parse({})
    assert (request.limit, request.offset, request.cursor) == (24, 0, None)
    assert (request.fusion, request.weights, request.mode) == ("auto", "auto", "precise")


def test_deepest_page_is_allowed():
    assert SearchRequest.parse({"offset": MAX_DEPTH - 200, "limit": 200})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["lexical", "text_vector", "ranges", "price"]) | st.text(max_size=4),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*SearchRequest.model_fields, "image", "colour"]), json_values, max_size=4
    )
    | json_values
)
def test_any_json_is_a_request_or_refused_by_field(body):
    try:
        assert isinstance(SearchRequest.parse(body), SearchRequest)
    except InvalidQuery as error:
        assert error.field
        assert error.message


@pytest.mark.parametrize("name", SearchRequest.model_fields)
@settings(max_examples=40, deadline=None)
@given(value=json_values)
def test_any_value_of_any_field_is_taken_or_blamed_on_that_field(name, value):
    try:
        SearchRequest.parse({name: value})
    except InvalidQuery as error:
        assert error.field.split(".")[0] == name
