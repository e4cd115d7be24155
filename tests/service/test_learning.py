"""Training data, its measures, and the curve of learning."""

from __future__ import annotations

import math

import numpy as np
import pytest

from service.clicks.click_grades import MAX_GRADE, as_grades
from service.clicks.grades import ClickJudgements
from service.evaluation.measures import ndcg_per_query
from service.fusion.linear import LinearModel
from service.intervals import interval
from service.learning.baselines import BASELINES, BEST_FIXED_BLEND
from service.learning.curve import CurvePoint, curve_sizes, pays_from
from service.learning.dataset import JudgedQuery, fingerprint, judged_query
from service.learning.linear_training import LinearTrainer, bounds
from service.learning.quality import quality
from service.learning.starting import best_blend, blend, fit_scale
from service.learning.validation import cross_validate
from service.ranking.features import FEATURES, NAMES, compute_features
from service.ranking.query_features import QUERY_FEATURES
from service.search_results import (
    FeatureMatrix,
    LegScores,
    Signals,
    UnderstoodQuery,
    first_scores,
    first_signals,
)

LEXICAL, TEXT = NAMES.index("lexical"), NAMES.index("text_vector")
PHOTOS = NAMES.index("text_to_image")


def query(
    text: str, lexical: list[float], cosine: list[float], grades: list[float], *, window: int = 0
) -> JudgedQuery:
    values = np.full((len(lexical), len(NAMES)), np.nan)
    values[:, LEXICAL], values[:, TEXT] = lexical, cosine
    names = tuple(f"p{number}" for number in range(len(lexical)))
    matrix = FeatureMatrix(names, NAMES, values, np.zeros(len(QUERY_FEATURES)))
    known = {
        name: grade for name, grade in zip(names, grades, strict=True) if not math.isnan(grade)
    }
    return judged_query(text, matrix, window or len(names), known)


NOBODY = math.nan


def world(count: int = 30, *, seed: int = 1) -> list[JudgedQuery]:
    """Queries of which words tell more than meaning, and neither tells all."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        truth = random.normal(size=20)
        lexical = np.maximum(0.1, 10 + 4 * (truth + 0.3 * random.normal(size=20)))
        cosine = np.clip(0.4 + 0.1 * (truth + 2.0 * random.normal(size=20)), -1, 1)
        grades = np.select([truth > 1.2, truth > 0.4], [3.0, 1.0], 0.0)
        grades[random.random(20) < 0.3] = NOBODY
        grades[int(truth.argmax())] = 3.0
        found.append(query(f"q{number}", list(lexical), list(cosine), list(grades)))
    return found


def test_ndcg_is_that_of_evaluate():
    queries = world()
    model = blend(fit_scale(queries), {"lexical": 0.7, "text_vector": 0.3})
    judgements = {
        one.text: {
            name: int(grade)
            for name, grade in zip(one.matrix.product_ids, one.grades, strict=True)
            if not np.isnan(grade)
        }
        for one in queries
    }
    everything, judged = {}, {}
    for one in queries:
        total = model.fuse(one.matrix).total
        order = [one.matrix.product_ids[row] for row in np.argsort(-total, kind="stable")]
        everything[one.text] = order
        judged[one.text] = [name for name in order if name in judgements[one.text]]
    found = quality(model, queries)
    plain, among_judged = (
        ndcg_per_query(judgements, everything),
        ndcg_per_query(judgements, judged),
    )
    np.testing.assert_allclose(found.plain, [plain[one.text] for one in queries], atol=1e-9)
    np.testing.assert_allclose(
        found.judged, [among_judged[one.text] for one in queries], atol=1e-9
    )
    np.testing.assert_allclose(found.goal, (found.plain + found.judged) / 2)


def test_what_the_window_does_not_hold_counts_only_among_the_judged():
    one = query("q", [9.0, 1.0, 5.0], [0.5, 0.5, 0.5], [0.0, NOBODY, 3.0], window=2)
    model = LinearModel(fit_scale([one]), np.eye(len(NAMES))[LEXICAL])
    found = quality(model, [one])
    assert found.plain[0] == 0.0
    assert found.judged[0] == pytest.approx(1 / math.log2(3))  # 3 stands behind 0


def test_query_without_a_right_answer_is_of_no_use():
    assert not query("q", [1.0, 2.0], [0.1, 0.2], [0.0, 0.0]).is_useful
    assert not query("q", [1.0, 2.0], [0.1, 0.2], [NOBODY, NOBODY]).is_useful
    assert query("q", [1.0, 2.0], [0.1, 0.2], [NOBODY, 2.0]).is_useful


def test_a_complete_list_calls_the_rest_wrong():
    one = query("q", [1.0, 2.0], [0.1, 0.2], [2.0, NOBODY])
    assert one.judged.tolist() == [True, False]
    whole = judged_query("q", one.matrix, 2, {"p0": 2.0}, is_complete=True)
    assert whole.grades.tolist() == [2.0, 0.0]


def test_scales_come_from_the_catalogue():
    queries = [
        query("a", [4.0, 12.0], [0.2, 0.6], [0.0, 1.0]),
        query("b", [20.0, 1.0], [0.3, 0.7], [1.0, 0.0]),
    ]
    scale = fit_scale(queries).calibrations
    assert scale["lexical"].pivot == 16.0  # median of 12 and 20
    assert scale["text_vector"].low == pytest.approx(0.203, abs=1e-3)
    assert scale["text_vector"].high == pytest.approx(0.697, abs=1e-3)
    assert scale["bm25_title"] == FEATURES["bm25_title"].calibration  # nothing is known of it


def test_best_blend_leans_to_the_better_leg():
    model = best_blend(world(), fit_scale(world()))
    assert model.weights[LEXICAL] > model.weights[TEXT] > 0
    assert model.weights.sum() == pytest.approx(1.0)


def test_best_blend_has_the_photos_that_words_find_where_they_help():
    random = np.random.default_rng(3)
    queries = world()
    alone = best_blend(queries, fit_scale(queries))
    assert alone.weights[PHOTOS] == 0
    for one in queries:
        shown = 0.1 * np.nan_to_num(one.grades) + 0.02 * random.normal(size=len(one.grades))
        one.matrix.values[:, PHOTOS] = shown
    scale = fit_scale(queries)
    both = best_blend(queries, scale)
    assert both.weights.sum() == pytest.approx(1.0)
    assert both.weights[PHOTOS] >= both.weights[TEXT] > 0
    assert quality(both, queries).goal.mean() > quality(alone, queries).goal.mean() + 0.05


def test_learned_weights_stay_within_their_bounds_and_near_the_start():
    queries = world()
    start = best_blend(queries, fit_scale(queries))
    trainer = LinearTrainer()
    loose, tight = (
        trainer.fit(queries, start, {"strength": s, "unjudged": 0.3, "sharpness": 10.0}, seed=1)
        for s in (0.01, 1e6)
    )
    np.testing.assert_allclose(tight.weights, start.weights, atol=1e-3)
    assert np.abs(loose.weights - start.weights).max() > 0.05
    for weight, (low, high) in zip(loose.weights, bounds(start.scale), strict=True):
        assert low <= weight <= high
    assert {low for low, _ in bounds(start.scale)} == {0.0, -0.3}


def test_validation_is_the_same_every_time_and_never_sees_its_own_query():
    queries = world(15)
    first, again = (cross_validate(BEST_FIXED_BLEND, queries, repeats=1) for _ in range(2))
    np.testing.assert_array_equal(first.quality.goal, again.quality.goal)

    class Peeking:
        name, grid = "peeking", ({},)
        seen: list[set[str]] = []

        def fit(self, learned, start, settings, *, seed):
            self.seen.append({one.text for one in learned})
            return start

    trainer = Peeking()
    cross_validate(trainer, queries, repeats=1)
    assert len(trainer.seen) == 5
    assert all(len(seen) == 12 for seen in trainer.seen)
    held_out = [{one.text for one in queries} - seen for seen in trainer.seen]
    assert set.union(*held_out) == {one.text for one in queries}


def test_every_baseline_needs_nothing_but_its_legs():
    queries = world(12)
    start = best_blend(queries, fit_scale(queries))
    features = {
        one.name: one.fit(queries, start, one.grid[0], seed=1).features for one in BASELINES
    }
    assert features["bm25"] == ("lexical",)
    assert features["knn"] == ("text_vector",)
    assert features["reciprocal_rank"] == ("rank_lexical", "rank_text_vector")
    assert features["fixed_blend"] == ("lexical", "text_vector")


def test_fingerprint_is_of_the_grades_and_not_of_their_order():
    queries = world(6)
    assert fingerprint(queries) == fingerprint(queries[::-1])
    other = [query("q0", [1.0], [0.1], [1.0]), *queries[1:]]
    assert fingerprint(other) != fingerprint(queries)


def test_interval_is_around_the_mean():
    mean, low, high = interval(np.array([0.1, 0.2, 0.3, 0.2] * 10))
    assert mean == pytest.approx(0.2)
    assert low < mean < high
    assert interval(np.full(5, 0.1)) == pytest.approx((0.1, 0.1, 0.1))


@pytest.mark.parametrize(
    ("queries", "sizes"), [(8, []), (11, [5, 6]), (79, [5, 10, 20, 40, 64]), (24, [5, 10, 19])]
)
def test_curve_doubles_and_holds_some_out(queries, sizes):
    assert curve_sizes(queries) == sizes


@pytest.mark.parametrize(
    ("lows", "expected"),
    [([-1, 0.1, 0.2], 20), ([0.1, -0.1, 0.1], 40), ([0.1, 0.1, -0.1], None), ([], None)],
)
def test_learning_pays_from_where_it_does_not_stop_again(lows, expected):
    points = [CurvePoint(10 * 2**n, 0.2, low, 0.3) for n, low in enumerate(lows)]
    assert pays_from(points) == expected


def test_clicks_become_grades_whose_gain_is_the_relevance():
    relevance = np.array([0.1] * 10 + [0.45, 0.8])
    names = np.array([f"p{number}" for number in range(12)])
    judgements = ClickJudgements(np.array(["q"] * 12), names, relevance, np.full(12, 5.0))
    found = as_grades(judgements)
    grades = found.grades["q"]
    assert grades["p0"] == 0.0
    assert grades["p11"] == pytest.approx(MAX_GRADE)
    top = float(np.quantile(relevance, 0.99))
    share = (0.45 - 0.1) / (top - 0.1)
    assert 2 ** grades["p10"] - 1 == pytest.approx(7 * share)
    assert found.confidence["q"]["p0"] == 0.5  # five looks
    nothing = ClickJudgements(names[:0], names[:0], relevance[:0], relevance[:0])
    assert as_grades(nothing).grades == {}


def test_what_was_judged_leaves_the_features_of_the_window_alone():
    names = tuple(f"p{number}" for number in range(6))
    random = np.random.default_rng(3)
    scores = LegScores(names, ("lexical", "text_vector"), random.random((6, 2)))
    signals = Signals(
        product_ids=names,
        scores={"bm25_title": random.random(6)},
        price=np.array([10.0, 20.0, 30.0, 4000.0, 5000.0, 6000.0]),
        popularity=np.array([1.0, 2.0, 3.0, 900.0, 900.0, 900.0]),
        released=np.full(6, np.nan),
        categories=(("A",), ("A",), ("B",), ("B",), ("B",), ("B",)),
    )
    alone = compute_features(
        first_scores(scores, 3), first_signals(signals, 3), UnderstoodQuery(), now_ms=0.0
    )
    beside = compute_features(scores, signals, UnderstoodQuery(), now_ms=0.0, in_window=3)
    np.testing.assert_array_equal(beside.values[:3], alone.values)
    np.testing.assert_array_equal(beside.query, alone.query)
    assert beside.product_ids == names
    assert not np.isnan(beside.values[3:, NAMES.index("price_relative")]).any()


def test_words_of_every_product_leave_a_scale_that_can_be_read_back():
    queries = [query("a", [1e-5, 2e-5], [0.2, 0.6], [0.0, 1.0])]
    assert fit_scale(queries).calibrations["lexical"].pivot == 0.001


def test_the_best_of_several_needs_a_wider_interval():
    gains = np.random.default_rng(4).normal(0.1, 0.5, 40)
    _, low, high = interval(gains)
    _, lower, higher = interval(gains, looks=4)
    assert lower < low < high < higher
