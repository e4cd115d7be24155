"""What a grade could change, by hand, and in which order pairs are shown."""

from __future__ import annotations

from math import log2

import pytest

from service.judging.stakes import AGREED, by_query, discount, most_at_stake, weigh_pairs

D2, D3 = 1 / log2(3), 1 / log2(4)


def stakes(pairs) -> dict[tuple[str, str], float]:
    return {(pair.query, pair.product_id): pair.stake for pair in pairs}


def test_discounts_end_behind_the_tenth_place():
    assert [discount(rank) for rank in (1, 2, 3)] == pytest.approx([1.0, D2, D3])
    assert (discount(10), discount(11), discount(None)) == (pytest.approx(1 / log2(11)), 0.0, 0.0)


def test_a_stake_is_the_spread_of_the_discounts_and_a_tenth_of_their_mean():
    ranked = {"mouse": {"a": ["p", "q"], "b": ["q", "r"]}}
    found = stakes(weigh_pairs(ranked, {}, {"mouse": 7.0}))
    assert found == pytest.approx(
        {
            ("mouse", "p"): 1 + AGREED * (1 + 0) / 2,
            ("mouse", "q"): (1 - D2) + AGREED * (D2 + 1) / 2,
            ("mouse", "r"): D2 + AGREED * D2 / 2,
        }
    )


def test_what_is_judged_is_left_out_and_leaves_less_at_stake():
    ranked = {"mouse": {"a": ["p", "q"], "b": ["q", "p"]}}
    # Two of the best grade: the ideal DCG is 7 + 7 / log2(3), of which one product is a part.
    known = {"mouse": {"q": 3, "x": 3}}
    (pair,) = weigh_pairs(ranked, known, {"mouse": 1.0})
    whole = (1 - D2) + AGREED * (1 + D2) / 2
    assert (pair.product_id, pair.stake) == ("p", pytest.approx(whole * 7 / (7 + 7 * D2)))
    assert pair.ranks == {"a": 1, "b": 2}
    low = weigh_pairs(ranked, {"mouse": {"x": 1}}, {"mouse": 1.0})
    assert stakes(low) == stakes(weigh_pairs(ranked, {}, {"mouse": 1.0}))


def test_what_is_asked_more_often_comes_first():
    ranked = {"rare": {"a": ["p"], "b": []}, "often": {"a": ["p"], "b": ["q", "p"]}}
    pairs = weigh_pairs(ranked, {}, {"rare": 1.0, "often": 9.0})
    assert [(pair.query, pair.product_id) for pair in pairs] == [
        ("often", "q"),
        ("often", "p"),
        ("rare", "p"),
    ]
    assert pairs[-1].stake == pytest.approx(0.1 * (1 + AGREED / 2))


def test_of_one_ranking_the_first_comes_first_and_ties_go_by_id():
    ranked = {"b": {"only": ["z", "y"]}, "a": {"only": ["z"]}}
    pairs = weigh_pairs(ranked, {}, {"a": 1.0, "b": 1.0})
    assert [(pair.query, pair.product_id) for pair in pairs] == [
        ("a", "z"),
        ("b", "z"),
        ("b", "y"),
    ]


def test_pairs_of_a_query_follow_each_other_the_query_with_most_at_stake_first():
    ranked = {"one": {"a": ["p"], "b": []}, "two": {"a": ["q", "r"], "b": []}}
    pairs = weigh_pairs(ranked, {}, {"one": 1.0, "two": 0.8})
    assert [pair.query for pair in pairs] == ["one", "two", "two"]
    assert [(one.query, one.product_id) for one in by_query(pairs)] == [
        ("two", "q"),
        ("two", "r"),
        ("one", "p"),
    ]


def test_no_pair_exceeds_what_its_query_can_hold():
    ranked = {"q": {"a": [f"p{n}" for n in range(12)], "b": []}, "r": {"a": ["x"], "b": ["x"]}}
    pairs = weigh_pairs(ranked, {}, {"q": 3.0, "r": 1.0})
    assert len(pairs) == 11  # ten and one: behind the tenth place nothing is at stake
    for pair in pairs:
        assert 0 < pair.stake <= most_at_stake({"q": 3.0, "r": 1.0}[pair.query], 4.0)


def test_nothing_is_at_stake_without_queries_or_products():
    assert weigh_pairs({}, {}, {}) == []
    assert weigh_pairs({"q": {"a": [], "b": []}}, {}, {"q": 1.0}) == []
