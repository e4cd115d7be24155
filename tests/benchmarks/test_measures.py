"""Percentiles, ratios and verdicts: the numbers that a benchmark is judged by."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.measures import ratio_of_medians, run_clients, spread
from benchmarks.report import at_least, at_most
from benchmarks.searching import Sample


def test_spread_of_a_known_sample():
    found = spread(list(range(101)))
    assert (found.p50, found.p95, found.count) == (50.0, 95.0, 101)


def test_spread_of_nothing_is_not_a_number():
    found = spread([])
    assert math.isnan(found.p50) and math.isnan(found.p95) and found.count == 0


def test_ratio_is_that_of_the_medians_and_lies_in_its_interval():
    theirs = np.random.default_rng(1).lognormal(2.0, 0.3, 400)
    ratio = ratio_of_medians(list(1.2 * theirs), list(theirs))
    assert ratio.value == pytest.approx(1.2)
    assert ratio.low == pytest.approx(1.2) and ratio.high == pytest.approx(1.2)


def test_ratio_is_less_certain_when_the_times_have_nothing_in_common():
    draw = np.random.default_rng(2)
    ratio = ratio_of_medians(list(draw.lognormal(2, 0.5, 60)), list(draw.lognormal(2, 0.5, 60)))
    assert ratio.low < ratio.value < ratio.high
    assert ratio.high - ratio.low > 0.1


def test_ratio_refuses_times_of_different_queries():
    with pytest.raises(ValueError, match="2 times of ours cannot be paired with 3"):
        ratio_of_medians([1.0, 2.0], [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("seen", "ok"), [(4.99, True), (5.0, True), (5.01, False)], ids=["below", "at", "above"]
)
def test_verdict_at_most_includes_the_limit(seen, ok):
    assert at_most("p50", seen, 5.0, " ms").ok is ok


@pytest.mark.parametrize(
    ("seen", "ok"), [(0.84, False), (0.85, True), (0.9, True)], ids=["below", "at", "above"]
)
def test_verdict_at_least_includes_the_limit(seen, ok):
    assert at_least("share", seen, 0.85).ok is ok


def test_what_the_service_adds_leaves_out_its_calls():
    took = {"total": 20.0, "encode": 3.0, "retrieve": 8.0, "score": 4.0, "fetch": 3.0, "fuse": 0.5}
    sample = Sample(latency=22.0, took=took, asked_alone=12.0)
    assert sample.inside == pytest.approx(20 - (3 + 8 + 4 + 3))
    assert sample.outside == pytest.approx(22 - (3 + 8 + 4 + 3))
    assert sample.added == pytest.approx(22 - 12 - 3)


def test_clients_count_their_requests_together():
    assert run_clients(4, lambda number: number).requests == 0 + 1 + 2 + 3


def test_failure_of_one_client_is_raised():
    def work(number: int) -> int:
        return 1 // (number - 2)

    with pytest.raises(ZeroDivisionError):
        run_clients(4, work)
