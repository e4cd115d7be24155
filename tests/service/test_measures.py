"""Measures against hand arithmetic."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from mappings.errors import InvalidQuery
from service.evaluation.means import mean, ndcg
from service.evaluation.measures import (
    DEFAULT_MEASURES,
    KINDS,
    Measure,
    judged_alone,
    ndcg_per_query,
    parse_measures,
    per_query,
)

GRADES = {"a": 3, "b": 2, "c": 1, "d": 0}
RANKED = ["x", "b", "d", "a", "y"]  # x and y are judged by nobody
ALONE = ["b", "d", "a"]
IDEAL = 7 / log2(2) + 3 / log2(3) + 1 / log2(4)


def value(name: str, ranked=RANKED, grades=GRADES, max_grade: int = 3) -> float:
    measure = Measure.parse(name)
    found = per_query({"q": grades}, {"q": ranked}, [measure], max_grade=max_grade)
    return found[name]["q"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ndcg@5", (3 / log2(3) + 7 / log2(5)) / IDEAL),
        ("ndcg@3", (3 / log2(3)) / IDEAL),
        ("ndcg@1", 0.0),
        ("map@5", (1 / 2 + 2 / 4) / 3),
        ("map@2", (1 / 2) / 3),
        ("mrr@5", 1 / 2),
        ("mrr@1", 0.0),
        ("precision@4", 2 / 4),
        ("precision@10", 2 / 10),  # five products are too few
        ("recall@4", 2 / 3),
        ("recall@3", 1 / 3),
        ("f1@4", 2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3)),
        ("f1@1", 0.0),
        ("f1@10", 2 * (2 / 10) * (2 / 3) / (2 / 10 + 2 / 3)),
        # R of grade 2 is 3/8, of grade 3 is 7/8; the rest stop nobody.
        ("err@5", (3 / 8) / 2 + (1 - 3 / 8) * (7 / 8) / 4),
        ("err@3", (3 / 8) / 2),
        ("coverage@1", 0.0),
        ("coverage@4", 3 / 4),
        ("coverage@10", 3 / 5),
        ("ndcg@5_judged_only", (3 / log2(2) + 7 / log2(4)) / IDEAL),
        ("map@5_judged_only", (1 + 2 / 3) / 3),
        ("mrr@5_judged_only", 1.0),
        ("precision@2_judged_only", 1 / 2),
        ("recall@3_judged_only", 2 / 3),
        ("f1@2_judged_only", 2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3)),
        ("err@5_judged_only", 3 / 8 + (1 - 3 / 8) * (7 / 8) / 3),
        ("coverage@4_judged_only", 1.0),
    ],
)
def test_a_measure_is_the_hand_arithmetic(name, expected):
    assert value(name) == pytest.approx(expected, abs=1e-12)


def test_every_kind_has_hand_arithmetic_for_both_lists():
    cases = test_a_measure_is_the_hand_arithmetic.pytestmark[0].args[1]
    named = {Measure.parse(name) for name, _ in cases}
    for kind in KINDS:
        assert {one.judged_only for one in named if one.kind == kind} == {False, True}, kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_without_hits_scores_nothing(kind):
    assert value(f"{kind}@10", ranked=[]) == 0
    assert per_query({"q": GRADES}, {}, [Measure(kind, 10)]) == {f"{kind}@10": {"q": 0.0}}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("err", "precision")])
def test_the_ideal_list_scores_one(kind):
    cutoff = 3 if kind == "f1" else 10  # F1 is 1 where the cutoff is the number of right products
    assert value(f"{kind}@{cutoff}", ranked=["a", "b", "c"]) == pytest.approx(1)


def test_err_depends_on_the_scale_and_ndcg_does_not():
    # On a scale to 10, grade 3 stops 7 of 1,024 shoppers.
    assert value("err@1", ["a"], max_grade=10) == 7 / 1024
    assert value("ndcg@10", ["a", "b", "c"], max_grade=10) == pytest.approx(1)
    grades = {"a": 10, "b": 4}
    assert value("err@2", ["b", "a"], grades, 10) == 15 / 1024 + (1 - 15 / 1024) * 1023 / 1024 / 2
    ideal = 1023 + 15 / log2(3)
    assert value("ndcg@2", ["b", "a"], grades, 10) == pytest.approx(
        (15 + 1023 / log2(3)) / ideal, abs=1e-12
    )


def test_unjudged_products_are_taken_out_in_their_order():
    assert judged_alone({"q": GRADES}, {"q": RANKED, "other": ["a"]}) == {"q": ALONE, "other": []}


def test_a_deeper_list_of_judged_products_is_used_where_there_is_one():
    wanted = [Measure("recall", 10), Measure("recall", 10, judged_only=True)]
    found = per_query({"q": GRADES}, {"q": ["a"]}, wanted, among_judged={"q": ["a", "b", "z"]})
    assert found == {
        "recall@10": {"q": pytest.approx(1 / 3)},
        "recall@10_judged_only": {"q": pytest.approx(2 / 3)},
    }


def test_queries_without_a_right_product_are_left_out():
    judgements = {"good": {"a": 1}, "hopeless": {"a": 0}}
    found = per_query(judgements, {"good": ["a"], "hopeless": ["a"]})
    assert {name: set(values) for name, values in found.items()} == {
        measure.name: {"good"} for measure in DEFAULT_MEASURES
    }
    assert ndcg_per_query(judgements, {"good": ["a"]}) == {"good": 1.0}


def test_measures_are_named_in_a_list():
    parsed = parse_measures("ndcg@10, MAP@100,ndcg@10,err@5_judged_only")
    assert [one.name for one in parsed] == ["ndcg@10", "map@100", "err@5_judged_only"]
    assert parsed[2] == Measure("err", 5, judged_only=True)
    names = [measure.name for measure in DEFAULT_MEASURES]
    assert names == ["ndcg@10", "ndcg@10_judged_only", "recall@100", "mrr@10"]


@pytest.mark.parametrize(
    "text", ["ndcg", "ndcg@0", "ndcg@201", "ndcg@1000", "bleu@4", "ndcg@10_judged", "", "ndcg@-1"]
)
def test_what_is_no_measure_is_refused_by_name(text):
    with pytest.raises(InvalidQuery, match="ndcg, map, .* got '") as caught:
        parse_measures(f"mrr@10,{text}")
    assert caught.value.field == "measures"
    assert repr(text) in caught.value.message


def test_the_interval_of_a_mean():
    flat = mean({str(n): 0.1 for n in range(7)})
    assert flat.value == 0.1
    assert (flat.low, flat.high) == pytest.approx((0.1, 0.1))
    values = {str(n): float(n % 2) for n in range(100)}
    halves = mean(values)
    # The standard error of 100 draws of 0 or 1 is 0.05.
    assert halves.value == 0.5
    assert (halves.low, halves.high) == pytest.approx((0.5 - 0.098, 0.5 + 0.098), abs=0.015)
    assert mean(dict(reversed(values.items()))) == halves
    with pytest.raises(InvalidQuery, match="nothing can be measured"):
        mean({})


def test_ndcg_of_one_list_is_that_of_the_measures():
    draw = np.random.default_rng(7)
    names = [f"p{number}" for number in range(40)]
    judgements = {
        f"q{number}": {
            name: int(draw.integers(0, 4)) for name in draw.permutation(names)[: 1 + number]
        }
        for number in range(30)
    }
    lists = {
        query: list(draw.permutation(names))[: number % 15]
        for number, query in enumerate(judgements)
    }
    expected = per_query(judgements, lists, [Measure("ndcg", 10)])["ndcg@10"]
    found = {query: ndcg(judgements[query], ids) for query, ids in lists.items()}
    assert {query: value for query, value in found.items() if value is not None} == pytest.approx(
        expected
    )
    assert ndcg({"p1": 0}, ["p1"]) is None and ndcg({}, []) is None


def test_ndcg_by_hand():
    # Grades 0, 3, 1 where 3, 1, 0 were best: gains are 2^grade - 1.
    seen = 7 / log2(3) + 1 / log2(4)
    assert ndcg({"a": 3, "b": 1}, ["x", "a", "b"]) == pytest.approx(seen / (7 + 1 / log2(3)))
