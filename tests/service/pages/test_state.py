"""The address of the shop page: read leniently, written exactly."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from service.pages.state import MAX_SHOWN, MAX_VALUES, PAGE_HITS, ShopState


def read(query: str) -> ShopState:
    return ShopState.parse(parse_qs(query.removeprefix("?")))


FULL = ShopState(
    q='lamp & "shade" \U0001f4a1',
    brand=("A&B", "C=D"),
    category=("Home > Lighting",),
    colour=("navy blue",),
    price_from=9.5,
    price_to=100,
    sort="price-asc",
    like="id/1?#",
    exact=True,
    skip=("price",),
    shown=48,
)


def test_what_is_written_is_read_again():
    assert read(FULL.address(shown=48)) == FULL


def test_an_empty_state_has_an_empty_address():
    assert ShopState().address() == "?" and read("") == ShopState()


@pytest.mark.parametrize(
    ("query", "field", "expected"),
    [
        ("from=abc", "price_from", None),
        ("from=nan", "price_from", None),
        ("to=inf", "price_to", None),
        ("from=-1", "price_from", None),
        ("sort=;drop", "sort", ""),
        ("shown=99999", "shown", PAGE_HITS),
        ("shown=9999", "shown", MAX_SHOWN),
        ("shown=25", "shown", 2 * PAGE_HITS),
        ("shown=\u0663", "shown", PAGE_HITS),
        ("skip=everything&skip=brand", "skip", ("brand",)),
        ("brand=a&brand=a&brand=b", "brand", ("a", "b")),
        ("q=%00x", "q", "x"),
    ],
)
def test_what_cannot_be_meant_is_left_out(query, field, expected):
    assert getattr(read(query), field) == expected


def test_a_query_longer_than_the_api_takes_is_cut():
    assert len(read("q=" + "x" * 5_000).q) == 1_000
    assert len(read("&".join(f"brand={n}" for n in range(500))).brand) == MAX_VALUES


def test_half_of_a_surrogate_pair_is_dropped():
    assert ShopState.parse({"q": ["a\ud800b"]}).q == "ab"


def test_a_change_begins_at_the_first_hit_again():
    changed = read(FULL.address(sort="newest"))
    assert changed.shown == PAGE_HITS and changed.sort == "newest" and changed.q == FULL.q


def test_looking_at_a_product_keeps_the_place_to_come_back_to():
    looked = read(FULL.address(item="p1"))
    assert looked.item == "p1" and looked.shown == FULL.shown


def test_values_are_added_once_and_taken_away():
    assert read(FULL.with_value("brand", "E")).brand == (*FULL.brand, "E")
    assert read(FULL.with_value("brand", "A&B")).brand == FULL.brand
    assert read(FULL.without("brand", "A&B")).brand == ("C=D",)
    assert not read(FULL.without_filters()).has_filters
