"""Fusion methods: hand arithmetic, and the contract that every method of the registry keeps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.calibration import Calibration
from service.fusion.reciprocal_rank import leg_ranks, reciprocal_rank
from service.fusion.registry import FUSIONS
from service.fusion.weighted_sum import weighted_sum
from service.search_results import LegScores

NAN = float("nan")
LEGS = ("lexical", "text_vector")
CALIBRATIONS = {
    "lexical": Calibration("saturation", pivot=10.0),
    "text_vector": Calibration("linear", low=0.0, high=1.0),
}
WEIGHTS = {"lexical": 0.7, "text_vector": 0.3}


def leg_scores(rows: dict[str, tuple[float, ...]], legs: tuple[str, ...] = LEGS) -> LegScores:
    scores = np.array(list(rows.values()), dtype=np.float64).reshape(len(rows), len(legs))
    return LegScores(tuple(rows), legs, scores)


def fuse(method, candidates, *, weights=WEIGHTS, rank_constant=60):
    return FUSIONS[method](
        candidates, weights=weights, calibrations=CALIBRATIONS, rank_constant=rank_constant
    )


def order(candidates, fused) -> list[str]:
    ids = candidates.product_ids
    rows = sorted(range(len(ids)), key=lambda row: (-fused.total[row], ids[row]))
    return [ids[row] for row in rows]


def test_weighted_sum_by_hand():
    candidates = leg_scores({"a": (10.0, 0.5), "b": (30.0, NAN), "c": (NAN, 1.0)})
    fused = fuse("weighted_sum", candidates)
    expected = [0.7 * 10 / (10 + 10) + 0.3 * 0.5, 0.7 * 30 / (30 + 10), 0.3 * 1.0]
    np.testing.assert_allclose(fused.total, expected)
    np.testing.assert_allclose(fused.contributions[1], [0.7 * 0.75, 0.0])


def test_weighted_sum_scales_weights_to_one():
    candidates = leg_scores({"a": (10.0, 0.5)})
    thrice = {leg: 3 * weight for leg, weight in WEIGHTS.items()}
    np.testing.assert_allclose(
        fuse("weighted_sum", candidates, weights=thrice).total,
        fuse("weighted_sum", candidates).total,
    )


def test_weighted_sum_without_any_weight_is_zero():
    fused = fuse("weighted_sum", leg_scores({"a": (10.0, 0.5)}), weights={})
    assert fused.total.tolist() == [0.0]


def test_reciprocal_rank_by_hand():
    candidates = leg_scores({"a": (9.0, 0.2), "b": (5.0, 0.9), "c": (NAN, 0.5)})
    fused = fuse("reciprocal_rank", candidates, rank_constant=60)
    expected = [
        0.7 / (60 + 1) + 0.3 / (60 + 3),
        0.7 / (60 + 2) + 0.3 / (60 + 1),
        0.3 / (60 + 2),
    ]
    np.testing.assert_allclose(fused.total, expected)


def test_rank_constant_decides_how_much_the_first_place_counts():
    candidates = leg_scores({"a": (9.0, 0.2), "b": (5.0, 0.9)})
    fused = fuse("reciprocal_rank", candidates, rank_constant=1)
    np.testing.assert_allclose(fused.total, [0.7 / 2 + 0.3 / 3, 0.7 / 3 + 0.3 / 2])


@pytest.mark.parametrize("rank_constant", [0, -1])
def test_reciprocal_rank_refuses_a_constant_below_one(rank_constant):
    with pytest.raises(ValueError, match=f"got {rank_constant}"):
        fuse("reciprocal_rank", leg_scores({"a": (1.0, 1.0)}), rank_constant=rank_constant)


def test_ranks_tie_by_id_and_skip_who_was_not_found():
    candidates = leg_scores({"c": (5.0, NAN), "a": (5.0, 0.1), "b": (7.0, NAN)})
    np.testing.assert_array_equal(leg_ranks(candidates)[:, 0], [3, 2, 1])
    np.testing.assert_array_equal(leg_ranks(candidates)[:, 1], [NAN, 1, NAN])


method = pytest.mark.parametrize("name", FUSIONS)
scores = st.one_of(st.floats(0, 50), st.sampled_from([1.0, 2.0, NAN]))
cosines = st.one_of(st.floats(-1, 1), st.sampled_from([0.0, 0.5, NAN]))
candidate_sets = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.tuples(scores, cosines), max_size=8
)


@method
@settings(max_examples=40, deadline=None)
@given(rows=candidate_sets)
def test_every_candidate_gets_a_finite_score_that_its_contributions_add_up_to(name, rows):
    candidates = leg_scores(rows)
    fused = fuse(name, candidates)
    assert fused.total.shape == (len(rows),)
    assert fused.contributions.shape == candidates.scores.shape
    assert np.isfinite(fused.total).all()
    assert (fused.total >= 0).all()
    np.testing.assert_allclose(fused.contributions.sum(axis=1), fused.total, atol=1e-12)


@method
@settings(max_examples=40, deadline=None)
@given(rows=candidate_sets, data=st.data())
def test_order_of_the_candidates_does_not_matter(name, rows, data):
    shuffled = dict(data.draw(st.permutations(list(rows.items()))))
    first, second = leg_scores(rows), leg_scores(shuffled)
    by_id = dict(zip(first.product_ids, fuse(name, first).total, strict=True))
    again = dict(zip(second.product_ids, fuse(name, second).total, strict=True))
    assert by_id == again


@method
@settings(max_examples=40, deadline=None)
@given(rows=candidate_sets)
def test_order_of_the_legs_does_not_matter(name, rows):
    candidates = leg_scores(rows)
    turned = LegScores(candidates.product_ids, LEGS[::-1], candidates.scores[:, ::-1])
    np.testing.assert_allclose(fuse(name, turned).total, fuse(name, candidates).total, atol=1e-12)


@method
@pytest.mark.parametrize("leg", LEGS)
def test_one_leg_alone_keeps_its_order(name, leg):
    rows = {"d": (0.1,), "a": (0.9,), "c": (0.4,), "b": (0.4,)}
    candidates = leg_scores(rows, (leg,))
    fused = fuse(name, candidates, weights={leg: 0.2})
    assert order(candidates, fused) == ["a", "b", "c", "d"]


@method
def test_equal_scores_are_ordered_by_id(name):
    candidates = leg_scores({"b": (5.0, NAN), "a": (NAN, NAN), "c": (5.0, NAN)})
    fused = fuse(name, candidates)
    assert order(candidates, fused) == ["b", "c", "a"]
    assert fused.total[1] == 0.0


@method
def test_leg_without_weight_has_no_say(name):
    candidates = leg_scores({"a": (1.0, 0.9), "b": (2.0, 0.1)})
    fused = fuse(name, candidates, weights={"lexical": 1.0})
    assert fused.contributions[:, 1].tolist() == [0.0, 0.0]


@method
def test_better_on_every_leg_is_never_behind(name):
    candidates = leg_scores({"z": (9.0, 0.9), "a": (8.0, 0.8), "b": (NAN, 0.7)})
    fused = fuse(name, candidates)
    assert order(candidates, fused) == ["z", "a", "b"]


@method
def test_arguments_are_not_changed(name):
    candidates = leg_scores({"a": (1.0, NAN), "b": (2.0, 0.5)})
    before, weights = candidates.scores.copy(), dict(WEIGHTS)
    fuse(name, candidates, weights=weights)
    np.testing.assert_array_equal(candidates.scores, before)
    assert weights == WEIGHTS


@method
@pytest.mark.parametrize("legs", [(), LEGS], ids=["no legs", "two legs"])
def test_no_candidates_give_no_scores(name, legs):
    fused = fuse(name, LegScores((), legs, np.empty((0, len(legs)))))
    assert fused.total.shape == (0,)


@method
def test_no_legs_score_nothing(name):
    fused = fuse(name, LegScores(("a", "b"), (), np.empty((2, 0))))
    assert fused.total.tolist() == [0.0, 0.0]


def test_registry_names_what_a_request_may_name():
    assert FUSIONS == {"weighted_sum": weighted_sum, "reciprocal_rank": reciprocal_rank}
