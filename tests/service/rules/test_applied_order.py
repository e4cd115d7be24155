"""The order that rules make of scores, for any scores: nothing is lost and nothing twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.cursor import Cursor
from service.interleaving import build_hits, interleave, place_after
from service.page import Ranked
from service.ranking.explanation import explain_hit
from service.retrieval.moves import (
    FIRST_PASS_SPREAD,
    Move,
    added_by_moves,
    move_clauses,
    read_marks,
    shifts,
)
from service.search_results import FusedScores, LegScores, MovedBy

ANY_SCORES = st.lists(
    st.floats(-1e6, 1e6).map(lambda score: round(score, 3)), min_size=1, max_size=12
)


def ranked(scores: Sequence[float], pinned: int = 0) -> Ranked:
    """The last so many are pinned."""
    ids = tuple(f"p{number}" for number in range(len(scores)))
    total = np.array(scores, dtype=np.float64)
    return Ranked(
        LegScores(ids, (), np.empty((len(ids), 0))),
        FusedScores(total, np.empty((len(ids), 0))),
        {},
        ranked=False,
        pinned_by=("rule",) * pinned,
    )


@given(ANY_SCORES, st.integers(0, 12))
def test_pinned_come_first_in_their_order_and_all_others_by_score(scores, pinned):
    pinned = min(pinned, len(scores))
    one = ranked(scores, pinned)
    order = one.order()
    assert sorted(order) == list(range(len(scores)))
    assert order[:pinned] == list(range(len(scores) - pinned, len(scores)))
    rest = [(-scores[row], f"p{row}") for row in order[pinned:]]
    assert rest == sorted(rest)


@given(ANY_SCORES, st.integers(0, 12), st.integers(1, 5))
def test_pages_by_cursor_hold_every_product_once(scores, pinned, size):
    one = ranked(scores, min(pinned, len(scores)))
    order = one.order()
    seen: list[int] = []
    start = Cursor("window", 0, ())
    while len(seen) < len(order):
        first = place_after(one, order, start)
        rows = order[first : first + size]
        seen += rows
        start = Cursor("window", first + len(rows), one.key(rows[-1]))
    assert seen == order


def test_page_goes_on_where_a_pinned_product_that_is_gone_stood():
    one = ranked([3.0, 2.0, 1.0, 0.0], pinned=2)
    assert place_after(one, one.order(), Cursor("window", 1, (9.0, "gone"))) == 0
    assert place_after(one, one.order(), Cursor("window", 2, (9.0, "gone"))) == 1
    # Not a pinned one: behind its score, and never among the pinned.
    assert place_after(one, one.order(), Cursor("window", 3, (2.5, "gone"))) == 3


@given(ANY_SCORES, ANY_SCORES, st.integers(0, 12))
def test_pinned_products_are_no_teams_pick(first, second, pinned):
    size = min(len(first), len(second))
    pinned = min(pinned, size)
    both = ranked(first[:size], pinned), ranked(second[:size], pinned)
    drafted = interleave(*both, ("a", "b"), "seed")
    order = drafted.order()
    assert sorted(order) == list(range(size))
    products = {f"p{row}": {} for row in range(size)}
    hits = build_hits(drafted, order, products, first=0, explain=False)
    assert [hit.team for hit in hits[:pinned]] == [None] * pinned
    assert [hit.pinned_by for hit in hits[:pinned]] == ["rule"] * pinned
    assert all(hit.team in ("a", "b") and not hit.pinned_by for hit in hits[pinned:])
    for row in order:
        assert drafted.key(row)[1] == f"p{row}"


MOVES = [
    Move("up", 0.5, {"term": {"brand": "a"}}),
    Move("down", -0.2, {"term": {"brand": "b"}}),
]


def test_what_moves_add_is_read_back_and_taken_out_of_the_score():
    up, down = (clause["constant_score"] for clause in move_clauses(MOVES))
    assert (up["boost"], down["boost"]) == (0.5 * FIRST_PASS_SPREAD, 0.2 * FIRST_PASS_SPREAD)
    names = (up["_name"], down["_name"])
    # All but the products of `down` have what it adds.
    hits = [
        {"matched_queries": {"lexical": 3.0, names[0]: 0.25, names[1]: 0.1}},
        {"matched_queries": {"lexical": 3.0}},
        {"matched_queries": {names[1]: 0.1}},
        {},
    ]
    marks = read_marks(hits, MOVES)
    assert marks.tolist() == [[True, False], [False, True], [False, False], [False, True]]
    assert [added_by_moves(hit) for hit in hits] == [0.35, 0, 0.1, 0]
    assert shifts(marks, MOVES, 2.0).tolist() == [1.0, -0.4, 0.0, -0.4]


def test_sentence_says_which_rules_have_placed_a_product():
    moved = [MovedBy("autumn", 0.3), MovedBy("old", -1)]
    assert explain_hit(3, 0.5, {}, moved_by=moved) == (
        "Number 3 with 0.500: no leg found it; rule autumn moved it up by 30% of the scores; "
        "rule old moved it down by 100% of the scores."
    )
    assert explain_hit(1, 0.5, {}, pinned_by="top").endswith("; rule top has pinned it there.")
