"""Comparisons against hand arithmetic: the test, the counts, and what moved a product."""

from __future__ import annotations

from math import comb, log2

import pytest

from mappings.errors import InvalidQuery
from service.evaluation.comparison import DRAWS, compare, differences, randomisation_test
from service.evaluation.reasons import moves
from service.evaluation.systems import SYSTEMS, System
from service.evaluation.unjudged import choose_unjudged
from service.search_results import Hit, LegShare


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ([], 1.0),
        ([0, 0, 0], 1.0),
        ([0.5], 1.0),  # +.5 and -.5 are both as far from 0
        ([0.1, 0.2], 2 / 4),  # ++ and --
        ([0.1, 0.2, 0, 0], 2 / 4),  # gains of 0 change nothing
        ([1, 1, 1, 1, 1], 2 / 32),
        ([3, 2, -1], 4 / 8),  # the sum is 4: reached by +6, +4 and their opposites
        ([1, 1, 1, -1], (2 * comb(4, 0) + 2 * comb(4, 1)) / 16),  # sums of 4 and of 2
        ([0.1] * 10, 2 / 1024),
        ([0.1, 0.2, -0.3], 1.0),  # 0.1 + 0.2 - 0.3 is 5.6e-17 in floats
    ],
)
def test_with_few_queries_the_test_counts_every_pattern_of_signs(gains, expected):
    assert randomisation_test(gains) == expected


def test_with_many_queries_the_test_agrees_with_the_binomial():
    # 20 gains of 1, 6 of -1: the sum is 14; P(|sum| >= 14) by the binomial distribution.
    exact = 2 * sum(comb(26, wins) for wins in range(20, 27)) / 2**26
    found = randomisation_test([1] * 20 + [-1] * 6)
    assert found == pytest.approx(exact, abs=4 * (exact / DRAWS) ** 0.5)
    assert found == randomisation_test([1] * 20 + [-1] * 6)
    assert randomisation_test([1] * 100) == 1 / (1 + DRAWS)  # never 0: the one seen counts


def test_b_is_held_against_a_query_by_query():
    a = {"q1": 0.5, "q2": 0.5, "q3": 1.0, "q4": 0.1 + 0.2}
    b = {"q1": 1.0, "q2": 0.75, "q3": 0.75, "q4": 0.3}
    found = compare("ndcg@10", a, b)
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)
    assert found.a == pytest.approx((0.5 + 0.5 + 1 + 0.3) / 4)
    assert found.b == pytest.approx((1 + 0.75 + 0.75 + 0.3) / 4)
    assert found.difference.value == pytest.approx((0.5 + 0.25 - 0.25) / 4)
    assert found.difference.low < found.difference.value < found.difference.high
    # .5, .25 and .25 with any signs make 1, .5, .5, 0 and their opposites; .5 was seen.
    assert found.p_value == 6 / 8
    back = compare("ndcg@10", b, a)
    assert (back.wins, back.losses, back.p_value) == (1, 2, found.p_value)
    assert back.difference.value == pytest.approx(-found.difference.value)


def test_systems_measured_on_other_queries_are_not_compared():
    with pytest.raises(InvalidQuery, match="same queries, got 'y' of one"):
        differences({"x": 1.0}, {"x": 1.0, "y": 0.5})
    with pytest.raises(InvalidQuery, match="nothing can be measured"):
        compare("ndcg@10", {}, {})


def hit(product_id: str, **contributions: float) -> Hit:
    legs = {leg: LegShare(1.0, 1, 0.5, given) for leg, given in contributions.items()}
    return Hit(product_id, sum(contributions.values()), {"title": f"the {product_id}"}, legs)


A = [
    hit("x", lexical=0.8, text_vector=0.2),
    hit("y", lexical=0.5, text_vector=0.1),
    hit("good", lexical=0.2, text_vector=0.3),
]
B = [
    hit("good", lexical=0.3, text_vector=0.5),
    hit("y", lexical=0.2, text_vector=0.1),
    hit("new", lexical=0.0, text_vector=0.2),
]


def test_the_leg_that_changed_most_in_the_direction_of_a_move_is_named():
    grades = {"good": 3, "x": 0, "y": 1, "new": 2, "absent": 3}
    found = {move.product_id: move for move in moves(A, B, grades)}
    assert set(found) == {"good", "x", "new"}  # y stays at rank 2, absent is nowhere
    good = found["good"]
    assert (good.rank_a, good.rank_b, good.grade, good.title) == (3, 1, 3, "the good")
    # Means of lexical: A 0.5, B 0.5/3; of text_vector: A 0.2, B 0.8/3. Best scores: 1 and 0.8.
    lexical = (0.3 - 0.5 / 3) / 0.8 - (0.2 - 0.5) / 1
    vector = (0.5 - 0.8 / 3) / 0.8 - (0.3 - 0.2) / 1
    assert lexical > vector > 0
    assert good.leg == "lexical"
    assert good.reason == (
        f"lexical sets it apart by {lexical:.3f} of the best score more than in A "
        f"(text_vector {vector:+.3f})"
    )
    assert good.legs == {"lexical": (0.2, 0.3), "text_vector": (0.3, 0.5)}


def test_where_one_answer_lacks_the_product_the_leg_that_carried_it_is_named():
    found = {move.product_id: move for move in moves(A, B, {"x": 0, "new": 2})}
    new, gone = found["new"], found["x"]
    assert (new.rank_a, new.rank_b, new.leg) == (None, 3, "text_vector")
    assert new.reason == (
        "A does not have it among its first 3; in B text_vector gives it most (0.2)"
    )
    assert new.legs == {"lexical": (None, 0.0), "text_vector": (None, 0.2)}
    assert (gone.rank_a, gone.rank_b, gone.leg) == (1, None, "lexical")
    assert gone.reason == "B does not have it among its first 3; in A lexical gives it most (0.8)"


def test_the_furthest_moves_come_first_and_the_top_counts_for_more():
    a = [hit(name, lexical=1 - place / 10) for place, name in enumerate("abcdef")]
    b = [hit(name, lexical=1 - place / 10) for place, name in enumerate("bacfed")]
    grades = dict.fromkeys("abcdef", 1)
    order = [move.product_id for move in moves(a, b, grades)]
    # a and b: 1 - 1/log2(3); d and f: 1/log2(5) - 1/log2(7); c and e stay.
    assert 1 - 1 / log2(3) > 1 / log2(5) - 1 / log2(7)
    assert order == ["a", "b", "d", "f"]
    assert [move.product_id for move in moves(a, b, grades, limit=1)] == ["a"]
    assert moves(a, a, grades) == []
    assert moves([], [], grades) == []


def test_a_move_that_no_leg_makes_is_called_that():
    a = [hit("a", lexical=0.5), hit("b", lexical=0.5)]
    found = {move.product_id: move for move in moves(a, list(reversed(a)), {"a": 1, "b": 1})}
    assert found["a"].leg is None
    assert found["a"].reason.startswith("others moved past it")


def test_systems_are_named_or_described():
    assert System.parse("bm25") == System("bm25", SYSTEMS["bm25"])
    found = System.parse('{"weights": {"lexical": 1}, "fusion": "reciprocal_rank"}')
    assert found.options == {"weights": {"lexical": 1}, "fusion": "reciprocal_rank"}
    assert found.name == '{"weights":{"lexical":1},"fusion":"reciprocal_rank"}'


@pytest.mark.parametrize(
    ("text", "message", "field"),
    [
        ("bm42", "one of bm25, knn, .* JSON object .* got 'bm42'", "system"),
        ("[1]", r"got '\[1\]'", "system"),
        ('{"q": "mouse"}', "q is said by the run itself, got 'mouse'", "system"),
        ('{"weights": {"lexical": -1}}', "got -1", "weights.lexical"),
        ('{"wieghts": {}}', "there is no such field", "wieghts"),
    ],
)
def test_what_is_no_system_is_refused(text, message, field):
    with pytest.raises(InvalidQuery, match=message) as caught:
        System.parse(text)
    assert caught.value.field == field


RUNS = {
    "one": {"p": ["a", "b", "c"], "q": ["x", "y"]},
    "two": {"p": ["b", "d", "a"], "q": ["x", "z"]},
}


def test_raters_get_first_what_the_systems_disagree_on_most_of_each_query():
    found = choose_unjudged({"p": {"b": 2}, "q": {"y": 0}, "r": {"a": 1}}, RUNS, limit=10)
    assert [(pair.query, pair.product_id, pair.disagreement) for pair in found] == [
        ("p", "a", pytest.approx(1 - 1 / 3)),  # the first of each query: p disagrees more
        ("q", "z", pytest.approx(1 / 2)),
        ("p", "d", pytest.approx(1 / 2)),  # then the second
        ("q", "x", 0.0),
        ("p", "c", pytest.approx(1 / 3)),
    ]
    assert found[0].ranks == {"one": 1, "two": 3}
    assert found[1].ranks == {"one": None, "two": 2}
    assert choose_unjudged({"p": {"b": 2}, "q": {"y": 0}}, RUNS, limit=2) == found[:2]


def test_of_one_system_alone_raters_get_what_it_ranks_high():
    found = choose_unjudged({"p": {"b": 2}}, {"one": RUNS["one"]}, limit=10)
    assert [(pair.product_id, pair.disagreement) for pair in found] == [
        ("a", 1.0),
        ("c", pytest.approx(1 / 3)),
    ]


def test_only_the_first_ranks_are_pooled():
    found = choose_unjudged({"p": {}}, RUNS, limit=10, depth=1)
    assert {pair.product_id for pair in found} == {"a", "b"}
