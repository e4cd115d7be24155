"""Cursors: what comes back broken, foreign or forged is refused by name."""

from __future__ import annotations

import base64

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.errors import InvalidQuery
from service.cursor import Cursor, decode_cursor, encode_cursor, fingerprint
from service.search_request import SearchRequest

SEARCH = fingerprint("products", SearchRequest.parse({"q": "mouse"}))
CURSORS = [
    Cursor("window", 7, (0.8231, "p-17")),
    Cursor("window", 1, (1.0, "é/\n 2")),
    Cursor("tail", 10, (12.5, "a")),
    Cursor("tail", 24, (9223372036854775807, "Infinity", "a")),
    Cursor("tail", 0, ()),
]


def forged(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


def refused(text: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        decode_cursor(text, SEARCH)
    assert caught.value.field == "cursor"
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("cursor", CURSORS, ids=str)
def test_round_trip(cursor):
    text = encode_cursor(cursor, SEARCH)
    assert decode_cursor(text, SEARCH) == cursor
    assert text.isascii()
    assert not set(text) & set("+/=&?# ")


@pytest.mark.parametrize("cursor", CURSORS, ids=str)
def test_every_truncation_is_refused(cursor):
    text = encode_cursor(cursor, SEARCH)
    for length in range(len(text)):
        refused(text[:length])


@pytest.mark.parametrize(
    "parts",
    [
        5,
        None,
        "abcd",
        {},
        {"a": 1, "b": 2, "c": 3, "d": 4},
        [],
        [SEARCH, "window", 1],
        [SEARCH, "window", 1, [0.5, "a"], 1],
        [SEARCH, "attic", 1, [0.5, "a"]],
        [SEARCH, ["window"], 1, [0.5, "a"]],
        [SEARCH, "window", "1", [0.5, "a"]],
        [SEARCH, "window", -1, [0.5, "a"]],
        [SEARCH, "window", True, [0.5, "a"]],
        [SEARCH, "window", 1.5, [0.5, "a"]],
        [SEARCH, "window", 1, []],
        [SEARCH, "window", 1, ["a", 0.5]],
        [SEARCH, "window", 1, [1, "a"]],
        [SEARCH, "window", 1, "0.5"],
        [SEARCH, "window", 1, {"0.5": "a"}],
        [SEARCH, "tail", 1, [[0.5], "a"]],
        [SEARCH, "tail", 1, [None, "a"]],
        [SEARCH, "tail", 1, [True, "a"]],
    ],
    ids=str,
)
def test_forgery_is_refused(parts):
    refused(forged(parts))


@pytest.mark.parametrize("text", ["é", "\ud800", "====", "!!", "\0", " ", "null", "A" * 1999])
def test_what_was_never_a_cursor_is_refused(text):
    refused(text)


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_random_bytes_are_refused(raw):
    refused(base64.urlsafe_b64encode(raw).decode())


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_random_text_is_refused(text):
    refused(text)


@settings(max_examples=100)
@given(st.data())
def test_one_character_changed_never_breaks_the_reader(data):
    text = encode_cursor(CURSORS[0], SEARCH)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_"))
    try:
        found = decode_cursor(text[:place] + letter + text[place + 1 :], SEARCH)
    except InvalidQuery as error:
        assert error.field == "cursor"
    else:
        assert isinstance(found, Cursor)


@pytest.mark.parametrize(
    "other",
    [
        {"q": "keyboard"},
        {"q": "mouse", "filter": {"brand": "HP"}},
        {"q": "mouse", "sort": [{"price": "asc"}]},
        {"q": "mouse", "weights": {"lexical": 1}},
        {"q": "mouse", "fusion": "reciprocal_rank"},
        {"q": "mouse", "collapse": "parent_id"},
        {"q": "mouse", "mode": "fast"},
        {"q": "mouse", "rank_window_size": 10},
        {"q": "mouse", "rank_constant": 10},
    ],
    ids=str,
)
def test_cursor_of_another_search_is_refused(other):
    text = encode_cursor(CURSORS[0], fingerprint("products", SearchRequest.parse(other)))
    with pytest.raises(InvalidQuery, match="another search"):
        decode_cursor(text, SEARCH)


def test_cursor_of_another_index_is_refused():
    text = encode_cursor(CURSORS[0], fingerprint("shoes", SearchRequest.parse({"q": "mouse"})))
    refused(text)


@pytest.mark.parametrize(
    "other",
    [
        {"limit": 3},
        {"offset": 9},
        {"facets": {"brand": 3}},
        {"fields": ["title"]},
        {"explain": True},
    ],
    ids=str,
)
def test_what_does_not_change_the_order_may_change_between_pages(other):
    assert fingerprint("products", SearchRequest.parse({"q": "mouse", **other})) == SEARCH


def test_fingerprint_does_not_depend_on_the_order_of_keys():
    first = SearchRequest.parse({"filter": {"brand": "HP", "price": {"lt": 5, "gt": 1}}})
    second = SearchRequest.parse({"filter": {"price": {"gt": 1, "lt": 5}, "brand": "HP"}})
    assert fingerprint("i", first) == fingerprint("i", second)
