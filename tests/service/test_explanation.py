"""Why a product ranks where it does, in words."""

from __future__ import annotations

from service.ranking.explanation import explain_hit
from service.search_results import LegShare


def test_strongest_leg_is_named_first_with_its_numbers():
    legs = {
        "lexical": LegShare(score=7.125, rank=3, weight=0.4, contribution=0.1),
        "text_vector": LegShare(score=0.8, rank=1, weight=0.6, contribution=0.45),
    }
    assert explain_hit(2, 0.55, legs) == (
        "Number 2 with 0.550: the meaning of its text gave 0.450 (score 0.800, 1. of its leg, "
        "weight 0.6), its words gave 0.100 (score 7.125, 3. of its leg, weight 0.4)."
    )


def test_leg_that_did_not_find_it_is_said_and_unknown_rank_is_left_out():
    legs = {
        "lexical": LegShare(score=None, rank=None, weight=0.4, contribution=0.0),
        "text_vector": LegShare(score=0.5, rank=None, weight=0.6, contribution=0.3),
    }
    text = explain_hit(201, 0.3, legs)
    assert text.endswith("(score 0.500, weight 0.6); its words did not match.")


def test_equal_contributions_are_told_in_a_fixed_order():
    share = LegShare(score=1.0, rank=1, weight=0.5, contribution=0.5)
    legs = {"text_vector": share, "lexical": share}
    assert explain_hit(1, 1.0, legs) == explain_hit(1, 1.0, dict(reversed(legs.items())))


def test_hit_that_no_leg_found():
    nothing = LegShare(score=None, rank=None, weight=1.0, contribution=0.0)
    assert "no leg found it" in explain_hit(1, 0.0, {"lexical": nothing})
