"""How many clients an experiment needs, and what is said of who leads."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest

from service.experiments_outlook import FEW, outlooks
from service.experiments_report import report_experiment
from service.experiments_words import verdicts
from service.weights.proportions import difference, proportion, sign_test
from service.weights.sample_size import clients_for_difference, clients_for_preference
from tests.service.test_experiments_report import (
    AB,
    DRAFT,
    IDS,
    PAGE,
    START,
    ab_events,
    page,
    signed,
)


@pytest.mark.parametrize(
    ("shares", "clients"),
    [
        # Two arms of 686 and of 294, as any table of sample sizes without correction has them.
        ((0.10, 0.15), 2 * 685.6),
        ((0.20, 0.30), 2 * 293.2),
    ],
)
def test_clients_of_two_equal_arms_are_those_of_the_tables(shares, clients):
    found = clients_for_difference(*shares, 0.5)
    assert found == pytest.approx(clients, abs=1)
    assert found == clients_for_difference(*reversed(shares), 0.5)


def test_so_many_clients_find_the_difference_eight_times_in_ten():
    draws = np.random.default_rng(7)
    needed = clients_for_difference(0.2, 0.3, 0.1)
    of_b = round(needed * 0.1)
    found = [
        difference(proportion(int(a), needed - of_b), proportion(int(b), of_b)).p_value < 0.05
        for a, b in zip(
            draws.binomial(needed - of_b, 0.2, 2_000),
            draws.binomial(of_b, 0.3, 2_000),
            strict=True,
        )
    ]
    assert 0.77 < np.mean(found) < 0.83
    decided = clients_for_preference(0.6)
    wins = draws.binomial(decided, 0.6, 2_000)
    found = [sign_test(int(one), decided - int(one)) < 0.05 for one in wins]
    assert 0.74 < np.mean(found) < 0.83  # the exact test is a little more careful


def test_nothing_is_needed_where_nothing_differs():
    assert clients_for_difference(0.2, 0.2, 0.5) is None
    assert clients_for_difference(0.2, 0.3, 0.0) is None
    assert clients_for_preference(0.5) is None


def test_lead_that_chance_may_make_says_how_many_more_clients_and_days():
    events = ab_events("A", 100, 20, 5) + ab_events("B", 100, 28, 5)
    report = report_experiment("shop", events, IDS, running=AB)
    found = outlooks(report, running=AB, now=START + timedelta(days=4))
    clicks = found["clicked"]
    needed = clients_for_difference(0.20, 0.28, 0.5)
    assert (clicks.leader, clicks.is_clear) == ("B", False)
    assert (clicks.clients_needed, clicks.clients_more) == (needed, needed - 200)
    assert clicks.days_more == pytest.approx((needed - 200) / (200 / 4))
    about = math.ceil((needed - 200) / 10) * 10
    first, second = verdicts(report, found)
    assert first.startswith(
        "Clicks: B is ahead, but p = 0.19: chance alone may well make as much."
    )
    assert f"about {about} more clients should show it, in about 14 days" in first
    assert second == "Purchases: A and B are alike so far."
    ended = outlooks(report, running=None, now=START)["clicked"]
    assert ended.days_more is None and ended.clients_more == needed - 200


def test_clear_lead_needs_no_more_clients():
    events = ab_events("A", 100, 20, 5) + ab_events("B", 100, 45, 5)
    report = report_experiment("shop", events, IDS, running=AB)
    found = outlooks(report, running=AB, now=START + timedelta(days=1))
    assert (found["clicked"].leader, found["clicked"].clients_more) == ("B", 0)
    assert verdicts(report, found)[0] == (
        "Clicks: B leads; p < 0.001: chance hardly makes as much."
    )


def test_few_clients_say_nothing():
    events = ab_events("A", 100, 20, 5) + ab_events("B", FEW - 1, FEW - 1, 0)
    report = report_experiment("shop", events, IDS, running=None)
    found = outlooks(report, running=None, now=START)
    assert found["clicked"].leader is None and found["clicked"].clients_needed is None
    assert verdicts(report, found) == [
        "Too few clients to say who leads: it takes 30 in each arm."
    ]


def test_clients_who_are_divided_otherwise_let_nobody_lead():
    report = report_experiment(
        "shop", ab_events("A", 80, 0, 0) + ab_events("B", 40, 40, 0), IDS, running=AB
    )
    (said,) = verdicts(report, outlooks(report, running=AB, now=START))
    assert said.startswith("Nobody can be said to lead")


def test_preference_counts_clients_who_decide_nothing_into_what_is_needed():
    events = [
        event
        for number in range(80)
        for event in page(
            f"c{number}",
            signed(f"c{number}", PAGE),
            () if number >= 40 else ("p2",) if number < 24 else ("p1",),
        )
    ]
    report = report_experiment("shop", events, IDS, running=DRAFT)
    found = outlooks(report, running=DRAFT, now=START + timedelta(hours=12))["preferred"]
    assert (found.leader, found.is_clear) == ("B", False)
    assert found.clients_needed == math.ceil(clients_for_preference(24 / 40) * 80 / 40)
    (said,) = verdicts(report, {"preferred": found})
    assert said.endswith("in about 2 days at the pace so far.")
