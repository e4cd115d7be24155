"""Weights documents become rankings, or say what is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from service.ranking.features import FEATURES
from service.weights.parsing import parse_ranking

FIRST, SECOND = list(FEATURES)[:2]
SCALE = {"kind": "linear", "low": 0.0, "high": 1.0}


def document(**model: object) -> dict[str, Any]:
    plain = {
        "calibrations": {FIRST: SCALE, SECOND: SCALE},
        "weights": {FIRST: 0.75, SECOND: 0.25},
    }
    return {"version": "products-3", "fusion": "weighted_sum", "model": plain | model}


def test_document_becomes_the_ranking_that_it_names():
    ranking = parse_ranking(document())
    assert ranking.version == "products-3"
    assert ranking.model.scale.names == (FIRST, SECOND)
    np.testing.assert_array_equal(ranking.model.weights_for(np.zeros(1)), [0.75, 0.25])


def test_document_that_is_not_kept_yet_can_be_tried():
    unsaved = document()
    del unsaved["version"]
    assert parse_ranking(unsaved).version == ""


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"fusion": "astrology"}, "'astrology' is not known; there are weighted_sum"),
        ({"fusion": None}, "None is not known"),
        ({"model": {}}, "'calibrations' is missing"),
        ({"model": []}, "weighted_sum model is broken"),
        ({"training": []}, "weighted_sum model is broken"),
        (document(weights={FIRST: 1}), f"'{SECOND}' is missing"),
        (document(weights={FIRST: "heavy", SECOND: 1}), "weighted_sum model is broken"),
        (document(calibrations=7), "weighted_sum model is broken"),
        (
            document(calibrations={"star_sign": SCALE}, weights={"star_sign": 1.0}),
            "no ranking features named star_sign",
        ),
        ({"fusion": "gated", "model": {}}, "gated model is broken"),
        ({"fusion": "projection", "model": {}}, "projection model is broken"),
        ({"fusion": "lambdamart", "model": {}}, "lambdamart model is broken"),
    ],
)
def test_what_cannot_rank_is_said_in_words(broken, message):
    with pytest.raises(ValueError, match=message):
        parse_ranking(document() | broken)
