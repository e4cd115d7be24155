"""Position bias: by hand where it can be, and from simulated shoppers whose habits are known."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from service.clicks.click_log import ClickLog
from service.clicks.interventions import compare_estimates, estimate_by_interventions
from service.clicks.position_bias import (
    PositionBias,
    Prior,
    fit_position_bias,
    naive_position_bias,
)
from service.clicks.simulation import Shoppers, Swaps, graded_ranking, simulate

ICECAT = Path(__file__).resolve().parents[3] / "shared/data/icecat/judgements.csv"
SESSIONS, DEPTH = 50_000, 10
NO_PRIOR = Prior(0, 0, 0, 0)
Judgements = Mapping[str, Mapping[str, int]]


def log_of(*cells: tuple[int, int, int, int], max_rank: int) -> ClickLog:
    """A log of cells: pair, rank, looks, clicks."""
    rows = [
        (pair, rank, int(number < clicks))
        for pair, rank, looks, clicks in cells
        for number in range(looks)
    ]
    table = np.array(rows, dtype=np.int64)
    pairs = tuple(("mouse", f"p{number}") for number in range(table[:, 0].max() + 1))
    return ClickLog(pairs, table[:, 0], table[:, 1], table[:, 2], max_rank)


def test_product_at_two_ranks_tells_their_ratio_exactly() -> None:
    # Clicked at 40 of 100 looks at rank 1 and at 10 of 100 at rank 2: 0.1 / 0.4.
    log = log_of((0, 1, 100, 40), (0, 2, 100, 10), max_rank=2)
    model = fit_position_bias(log, NO_PRIOR, tolerance=1e-15)
    assert model.converged
    assert model.bias.examination == pytest.approx([1, 0.25], abs=1e-4)
    assert model.attractiveness == pytest.approx([0.4], abs=1e-4)
    assert estimate_by_interventions(log).examination == pytest.approx([1, 0.25])


def test_first_step_of_em_is_that_of_the_formula() -> None:
    log = log_of((0, 1, 10, 4), (0, 2, 10, 1), max_rank=2)
    model = fit_position_bias(log, NO_PRIOR, max_steps=1)
    # From e2 = a = 1/2. Rank 1: (1 - e) a / (1 - e a) = 0. Rank 2: (1/4) / (3/4) = 1/3.
    assert model.attractiveness == pytest.approx([(4 + 1 + 9 / 3) / 20])
    assert model.bias.examination == pytest.approx([1, (1 + 9 / 3) / 10])
    assert not model.converged


def test_prior_counts_as_that_many_looks() -> None:
    log = log_of((0, 1, 10, 4), max_rank=1)
    model = fit_position_bias(log, Prior(clicked=3, unclicked=7))
    assert model.attractiveness == pytest.approx([(4 + 3) / (10 + 3 + 7)])


def test_mantel_haenszel_pools_pairs_by_their_looks() -> None:
    log = log_of((0, 1, 30, 20), (0, 2, 10, 4), (1, 1, 20, 10), (1, 2, 20, 6), max_rank=2)
    lower = 4 * 30 / 40 + 6 * 20 / 40
    upper = 20 * 10 / 40 + 10 * 20 / 40
    assert estimate_by_interventions(log).examination == pytest.approx([1, lower / upper])


def test_comparisons_chain_over_ranks_that_share_no_product() -> None:
    log = log_of((0, 1, 100, 80), (0, 2, 100, 40), (1, 2, 100, 30), (1, 3, 100, 10), max_rank=3)
    estimate = estimate_by_interventions(log)
    assert estimate.examination == pytest.approx([1, 1 / 2, 1 / 2 * 1 / 3])
    assert fit_position_bias(log, NO_PRIOR, tolerance=1e-15).bias.examination == pytest.approx(
        [1, 1 / 2, 1 / 6], rel=1e-3
    )


def test_rank_without_a_chain_to_the_first_is_not_identified() -> None:
    # Rank 3 shares no product with another one; rank 4 was never shown.
    log = log_of((0, 1, 100, 80), (0, 2, 100, 40), (1, 3, 100, 20), max_rank=4)
    for bias in (fit_position_bias(log).bias, estimate_by_interventions(log)):
        assert bias.identified.tolist() == [True, True, False, False]
        assert np.isnan(bias.examination[2:]).all()


def test_few_clicks_compare_nothing() -> None:
    log = log_of((0, 1, 100, 80), (0, 2, 100, 4), max_rank=2)
    assert estimate_by_interventions(log).identified.tolist() == [True, False]


def test_log_without_a_click_is_no_error() -> None:
    log = log_of((0, 1, 10, 0), (0, 2, 10, 0), max_rank=2)
    assert np.isfinite(fit_position_bias(log).bias.examination).all()
    assert fit_position_bias(log, NO_PRIOR).attractiveness == pytest.approx([0])
    assert not naive_position_bias(log).identified.any()
    comparison = compare_estimates(fit_position_bias(log).bias, estimate_by_interventions(log))
    assert np.isnan(comparison.largest) and comparison.rank == 0


def test_comparison_names_the_rank_that_differs_most() -> None:
    def bias(*values: float) -> PositionBias:
        return PositionBias(np.array(values), np.isfinite(values))

    comparison = compare_estimates(bias(1, 0.5, 0.4, 0.2), bias(1, 0.55, 0.3, float("nan")))
    assert comparison.difference[:3] == pytest.approx([0, 0.1, -0.25])
    assert comparison.largest == pytest.approx(0.25)
    assert comparison.rank == 3


def synthetic_judgements() -> Judgements:
    random = np.random.default_rng(1)
    grades = random.choice(4, size=(100, 20), p=[0.5, 0.2, 0.15, 0.15])
    return {
        f"q{query}": {f"p{number}": int(grade) for number, grade in enumerate(row)}
        for query, row in enumerate(grades)
    }


def icecat_judgements() -> Judgements:
    judgements: dict[str, dict[str, int]] = {}
    with ICECAT.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            judgements.setdefault(row["query"], {})[row["product_id"]] = int(row["grade"])
    return judgements


@pytest.fixture(
    scope="module",
    params=[
        "synthetic",
        pytest.param(
            "icecat",
            marks=[
                pytest.mark.relevance,
                pytest.mark.skipif(not ICECAT.exists(), reason="needs ../shared/data"),
            ],
        ),
    ],
)
def log(request: pytest.FixtureRequest) -> ClickLog:
    judgements = synthetic_judgements() if request.param == "synthetic" else icecat_judgements()
    rankings = graded_ranking(judgements, noise=1.0, seed=5)
    return simulate(judgements, rankings, sessions=SESSIONS, seed=1, depth=DEPTH)


def errors(bias: PositionBias) -> NDArray[np.float64]:
    """Relative errors by rank."""
    truth = Shoppers().examination(DEPTH)
    assert truth[[0, 1, 9]] == pytest.approx([1, 1 / 2, 1 / 10])
    return np.abs(bias.examination / truth - 1)


def test_em_recovers_the_bias_within_a_tenth_at_every_rank(log: ClickLog) -> None:
    model = fit_position_bias(log)
    assert model.converged
    assert errors(model.bias).max() < 0.1


def test_interventions_recover_it_too_and_agree_with_em(log: ClickLog) -> None:
    estimate = estimate_by_interventions(log)
    assert errors(estimate).max() < 0.1
    assert compare_estimates(fit_position_bias(log).bias, estimate).largest < 0.1


def test_counting_clicks_does_not_recover_it(log: ClickLog) -> None:
    naive = naive_position_bias(log)
    assert errors(naive).max() > 0.25
    # What stands lower is worse, too, so it takes lower ranks for less examined than they are.
    assert (naive.examination[1:] < Shoppers().examination(DEPTH)[1:]).all()


def test_likelihood_never_falls(log: ClickLog) -> None:
    objectives = np.array(fit_position_bias(log).objectives)
    assert (np.diff(objectives) >= -1e-6).all()


def test_with_few_sessions_a_query_interventions_hold_where_em_does_not() -> None:
    random = np.random.default_rng(2)
    judgements = {
        f"q{query}": {f"p{place}": int(grade) for place, grade in enumerate(row)}
        for query, row in enumerate(random.integers(0, 4, (5_000, 20)))
    }
    rankings = graded_ranking(judgements, noise=1.0, seed=5)
    log = simulate(judgements, rankings, sessions=SESSIONS, seed=1, depth=DEPTH)
    assert errors(estimate_by_interventions(log)).max() < 0.1
    assert errors(fit_position_bias(log).bias).max() > 0.2


def test_simulation_clicks_as_often_as_its_formula_says() -> None:
    judgements = {"q": {"a": 3, "b": 0, "c": 1}}
    log = simulate(
        judgements, {"q": ["a", "b", "c", "d"]}, sessions=40_000, seed=3, swaps=Swaps(0, 0)
    )
    rate = log.cells.clicked / log.cells.shown
    expected = [1, 0.1 / 2, (0.1 + 0.9 * 1 / 7) / 3, 0.1 / 4]  # d has no grade
    assert log.cells.shown.tolist() == [40_000] * 4
    assert rate == pytest.approx(expected, abs=0.005)  # 3 standard deviations of 40,000 looks


def test_simulation_is_the_same_by_the_same_seed_and_swaps_in_a_share() -> None:
    judgements = {"q": dict.fromkeys("abcdefghij", 1)}
    rankings = {"q": list("abcdefghij")}

    def moved(share: float, seed: int = 1) -> float:
        swaps = Swaps(share, 1)
        log = simulate(judgements, rankings, sessions=10_000, seed=seed, swaps=swaps)
        return float((log.pair.reshape(-1, 10) != np.arange(10)).any(axis=1).mean())

    assert moved(0) == 0
    assert moved(0.5) == moved(0.5) != moved(0.5, seed=2)
    assert moved(0.5) == pytest.approx(0.5 * 9 / 10, abs=0.02)  # both places are one in ten
