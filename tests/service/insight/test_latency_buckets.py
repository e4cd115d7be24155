"""Percentiles from buckets beside those of the times themselves."""

from __future__ import annotations

import numpy as np
import pytest

from service.insight.latency_buckets import BOUNDS, COUNT, GROWTH, bucket_of, percentile

SHARES = (0.05, 0.5, 0.9, 0.95, 0.99)


def counted(times) -> list[int]:
    return np.bincount([bucket_of(one) for one in times], minlength=COUNT).tolist()


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.lognormal(3.0, 0.6, 5_000),
        lambda rng: rng.uniform(2.0, 400.0, 5_000),
        lambda rng: np.concatenate([rng.normal(12, 1, 4_000), rng.normal(900, 30, 1_000)]),
        lambda rng: rng.exponential(80.0, 5_000) + 1.0,
    ],
    ids=["lognormal", "uniform", "two humps", "exponential"],
)
def test_percentile_is_less_than_a_bucket_beside_that_of_the_times(draw):
    times = draw(np.random.default_rng(7))
    counts = counted(times)
    for share in SHARES:
        true = float(np.quantile(times, share, method="inverted_cdf"))
        found = percentile(counts, share)
        assert found is not None
        assert true / GROWTH < found < true * GROWTH, share


def test_bounds_belong_to_the_bucket_that_they_end():
    for place, bound in enumerate(BOUNDS):
        assert bucket_of(bound) == place
        assert bucket_of(bound * 1.0001) == min(place + 1, COUNT - 1)
    assert bucket_of(0.0) == 0
    assert bucket_of(10.0**9) == COUNT - 1


def test_of_no_searches_there_is_no_percentile():
    assert percentile([0] * COUNT, 0.5) is None


def test_what_takes_longer_than_a_minute_has_the_last_bound():
    assert percentile(counted([70_000.0] * 3), 0.5) == BOUNDS[-1] == 2.0**15.75


def test_sums_of_buckets_are_the_buckets_of_all():
    rng = np.random.default_rng(1)
    first, second = rng.lognormal(2, 1, 300), rng.lognormal(4, 1, 500)
    added = [a + b for a, b in zip(counted(first), counted(second), strict=True)]
    assert added == counted(np.concatenate([first, second]))
