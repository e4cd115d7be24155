"""Intervals and tests of shares, against arithmetic and published examples."""

from __future__ import annotations

import math

import pytest

from service.weights.proportions import difference, proportion, sign_test

Z = 1.959963984540054


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3 (score).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_score_interval_is_the_published_one(successes, trials, low, high):
    found = proportion(successes, trials)
    assert found.value == successes / trials
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_interval_of_all_and_none_mirror_each_other():
    none, every = proportion(0, 10), proportion(10, 10)
    assert none.low == 0.0 and every.high == 1.0
    assert none.high == pytest.approx(Z**2 / (10 + Z**2))
    assert every.low == pytest.approx(1 - none.high)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(ValueError, match="should be from 0 to all"):
        proportion(successes, trials)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10 (a), (b), (g).
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((0, 10), (0, 20), -0.1611, 0.2775),
    ],
)
def test_interval_of_a_difference_is_the_published_one(first, second, low, high):
    found = difference(proportion(*second), proportion(*first))  # published as first - second
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_equal_shares_do_not_differ():
    found = difference(proportion(5, 10), proportion(50, 100))
    assert (found.value, found.p_value) == (0.0, 1.0)


def test_shares_without_spread_say_nothing():
    assert difference(proportion(0, 10), proportion(0, 20)).p_value == 1.0
    assert difference(proportion(10, 10), proportion(20, 20)).p_value == 1.0


def test_two_proportion_test_uses_the_pooled_share():
    found = difference(proportion(10, 100), proportion(20, 100))
    z = 0.1 / math.sqrt(0.15 * 0.85 * 2 / 100)
    assert found.p_value == pytest.approx(math.erfc(z / math.sqrt(2)))


@pytest.mark.parametrize(
    ("wins", "losses", "p_value"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (5, 5, 1.0),
        (6, 0, 2 / 2**6),
        (0, 6, 2 / 2**6),
        (8, 2, 2 * (1 + 10 + 45) / 2**10),
        (60, 40, 2 * sum(math.comb(100, count) for count in range(41)) / 2**100),
        (5_200, 4_800, 2 * sum(math.comb(10_000, k) for k in range(4_801)) / 2**10_000),
    ],
)
def test_sign_test_is_exact(wins, losses, p_value):
    assert sign_test(wins, losses) == pytest.approx(p_value, rel=1e-9)


def test_sign_test_of_a_million_neither_fails_nor_rounds_up():
    assert sign_test(1_000_000, 0) == 0.0
    assert 0.04 < sign_test(501_000, 499_000) < 0.05


def test_sign_test_refuses_negative_counts():
    with pytest.raises(ValueError, match="-1 wins"):
        sign_test(-1, 3)
