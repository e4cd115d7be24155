"""Judgements from clicks, by hand arithmetic and against the truth of simulated shoppers."""

from __future__ import annotations

import numpy as np
import pytest

from service.clicks.click_log import ClickLog
from service.clicks.grades import (
    ClickJudgements,
    Worth,
    counted_judgements,
    inverse_propensity_weights,
    posterior_judgements,
    propensity_judgements,
)
from service.clicks.position_bias import PositionBias, fit_position_bias
from service.clicks.sessions import CART, CLICK, PURCHASE
from service.clicks.simulation import Shoppers, graded_ranking, simulate

EVERY_CLICK = Worth(click=1.0, cart=1.0, purchase=1.0)
BIAS = PositionBias(np.array([1.0, 0.5, 0.1, np.nan]), np.array([True, True, True, False]))


def log_of(*rows: tuple[str, int, int]) -> ClickLog:
    """Observations: product, rank, level."""
    names = sorted({product for product, _, _ in rows})
    return ClickLog(
        tuple(("mouse", name) for name in names),
        np.array([names.index(product) for product, _, _ in rows], dtype=np.int64),
        np.array([rank for _, rank, _ in rows], dtype=np.int64),
        np.array([level for _, _, level in rows], dtype=np.int64),
        max_rank=4,
    )


@pytest.mark.parametrize(
    ("rows", "mean"),
    [
        ([("a", 1, PURCHASE)] * 3 + [("a", 1, 0)] * 7, 4 / 12),  # Beta(1 + 3, 1 + 7)
        ([("a", 1, 0)], 1 / 3),  # Beta(1, 2)
        ([("a", 2, PURCHASE)], 2 / 3),  # density 2 r, whatever the examination
        # density (1 - r / 2) / (3 / 4): (1 / 2 - 1 / 6) / (3 / 4)
        ([("a", 2, 0)], (1 / 2 - 1 / 6) / (3 / 4)),
        # density (1 - r / 10) / (19 / 20): nearly flat, as nobody looked
        ([("a", 3, 0)], (1 / 2 - 1 / 30) / (19 / 20)),
        # a click of worth 0.4 at rank 1: Beta(1.4, 1.6)
        ([("a", 1, CLICK)], 1.4 / 3),
        ([("a", 1, CART)], 1.7 / 3),
    ],
)
def test_posterior_mean_is_that_of_the_distribution(
    rows: list[tuple[str, int, int]], mean: float
) -> None:
    judged = posterior_judgements(log_of(*rows), BIAS)
    assert judged.relevance == pytest.approx([mean], abs=1e-3)


def test_interval_is_that_of_the_distribution_and_narrows_with_looks() -> None:
    # Of Beta(1, 2), with the distribution function 1 - (1 - r)^2.
    one = posterior_judgements(log_of(("a", 1, 0)), BIAS)
    assert one.low is not None and one.high is not None
    assert one.low == pytest.approx([1 - np.sqrt(0.975)], abs=0.003)
    assert one.high == pytest.approx([1 - np.sqrt(0.025)], abs=0.003)
    many = posterior_judgements(log_of(*[("a", 1, 0)] * 50), BIAS)
    assert many.high is not None
    assert many.high[0] < 0.1


def test_purchase_says_more_than_a_cart_and_that_more_than_a_click() -> None:
    rows = [
        (name, 1, level) for name, level in zip("abcd", (0, CLICK, CART, PURCHASE), strict=True)
    ]
    for judged in (
        posterior_judgements(log_of(*rows), BIAS),
        propensity_judgements(log_of(*rows), BIAS),
        counted_judgements(log_of(*rows)),
    ):
        assert (np.diff(judged.relevance) > 0.09).all()


def test_weight_is_how_often_the_product_was_looked_at() -> None:
    log = log_of(("a", 1, 0), ("a", 2, 0), ("a", 3, CLICK), ("b", 3, 0))
    assert posterior_judgements(log, BIAS).weight == pytest.approx([1.6, 0.1])
    assert propensity_judgements(log, BIAS, clip=0.2).weight == pytest.approx([1.7, 0.2])
    assert counted_judgements(log).weight == pytest.approx([3, 1])


def test_propensities_weigh_a_click_by_how_seldom_its_rank_is_looked_at() -> None:
    log = log_of(("a", 2, PURCHASE), ("a", 2, 0), ("a", 2, 0), ("a", 1, CLICK))
    judged = propensity_judgements(log, BIAS)
    assert judged.relevance == pytest.approx([(1 / 0.5 + 0 + 0 + 0.4) / 4])


def test_clipping_bounds_one_click_and_relevance_is_at_most_one() -> None:
    log = log_of(*[("a", 3, 0)] * 9, ("a", 3, PURCHASE), ("b", 3, PURCHASE))
    assert propensity_judgements(log, BIAS, clip=0.05).relevance == pytest.approx([1.0, 1.0])
    assert propensity_judgements(log, BIAS, clip=0.2).relevance == pytest.approx([0.5, 1.0])


def test_weights_of_observations_are_inverse_clipped_and_0_where_nothing_is_known() -> None:
    log = log_of(("a", 1, 0), ("a", 2, 0), ("a", 3, 0), ("a", 4, CLICK))
    assert inverse_propensity_weights(log, BIAS, clip=0.2).tolist() == pytest.approx([1, 2, 5, 0])


@pytest.mark.parametrize("clip", [0, -0.1, 1.01, float("nan")])
def test_clip_out_of_range_is_refused(clip: float) -> None:
    log = log_of(("a", 1, 0))
    with pytest.raises(ValueError, match="clip"):
        inverse_propensity_weights(log, BIAS, clip=clip)
    with pytest.raises(ValueError, match="clip"):
        propensity_judgements(log, BIAS, clip=clip)


def test_rank_that_is_not_identified_judges_nothing() -> None:
    judged = posterior_judgements(log_of(("a", 1, 0), ("b", 4, PURCHASE)), BIAS)
    assert judged.product_id.tolist() == ["a"]
    assert judged.query.tolist() == ["mouse"]
    nothing = posterior_judgements(log_of(("b", 4, PURCHASE)), BIAS)
    assert len(nothing.query) == len(nothing.relevance) == 0


@pytest.fixture(scope="module")
def simulated() -> tuple[ClickLog, dict[tuple[str, str], float]]:
    """A log, and the attractiveness of each pair of it."""
    random = np.random.default_rng(1)
    judgements = {
        f"q{query}": {f"p{place}": int(grade) for place, grade in enumerate(row)}
        for query, row in enumerate(random.integers(0, 4, (100, 20)))
    }
    # A base ranker that is often wrong, so that good products stand low.
    rankings = graded_ranking(judgements, noise=3.0, seed=5)
    log = simulate(judgements, rankings, sessions=50_000, seed=1)
    grades = np.array([judgements[query][product_id] for query, product_id in log.pairs])
    return log, dict(zip(log.pairs, Shoppers().attractiveness(grades).tolist(), strict=True))


def test_judgements_find_the_truth_that_counting_misses(
    simulated: tuple[ClickLog, dict[tuple[str, str], float]],
) -> None:
    log, truth = simulated
    bias = fit_position_bias(log).bias

    def error(judged: ClickJudgements) -> float:
        pairs = zip(judged.query.tolist(), judged.product_id.tolist(), strict=True)
        return float(np.abs(judged.relevance - [truth[pair] for pair in pairs]).mean())

    posterior = posterior_judgements(log, bias, worth=EVERY_CLICK)
    propensity = propensity_judgements(log, bias, worth=EVERY_CLICK)
    counted = counted_judgements(log, worth=EVERY_CLICK)
    assert error(posterior) < 0.06
    assert error(propensity) < 0.06
    assert error(counted) > 0.3
    assert posterior.low is not None and posterior.high is not None
    pairs = zip(posterior.query.tolist(), posterior.product_id.tolist(), strict=True)
    values = np.array([truth[pair] for pair in pairs])
    inner = values < 1  # a truth of 1 lies at the end of every interval
    inside = (posterior.low <= values) & (values <= posterior.high)
    assert inside[inner].mean() > 0.9
