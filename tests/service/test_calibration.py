"""Scores of a leg on a common scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.encoder_spec import EncoderSpec
from service.calibration import Calibration
from service.fusion.registry import leg_fusion
from service.ranking.weights import load_default
from service.search_request import SearchRequest
from service.search_results import LEGS

NAN = float("nan")
KINDS = {
    "saturation": Calibration("saturation", pivot=12.0),
    "linear": Calibration("linear", low=0.1, high=0.8),
}


@pytest.mark.parametrize(
    ("kind", "score", "expected"),
    [
        ("saturation", 0.0, 0.0),
        ("saturation", 12.0, 12 / (12 + 12)),
        ("saturation", 36.0, 36 / (36 + 12)),
        ("saturation", -1.0, 0.0),
        ("saturation", NAN, 0.0),
        ("linear", 0.1, 0.0),
        ("linear", 0.45, (0.45 - 0.1) / (0.8 - 0.1)),
        ("linear", 0.8, 1.0),
        ("linear", 1.0, 1.0),
        ("linear", -1.0, 0.0),
        ("linear", NAN, 0.0),
    ],
)
def test_by_hand(kind, score, expected):
    np.testing.assert_allclose(KINDS[kind].apply(np.array([score])), [expected])


@pytest.mark.parametrize("kind", KINDS)
@given(scores=st.lists(st.floats(-1e6, 1e6) | st.just(NAN), max_size=20))
def test_result_is_from_0_to_1_and_keeps_order(kind, scores):
    given_scores = np.array(scores, dtype=np.float64)
    before = given_scores.copy()
    result = KINDS[kind].apply(given_scores)
    np.testing.assert_array_equal(given_scores, before)
    assert ((result >= 0) & (result <= 1)).all()
    known = ~np.isnan(given_scores)
    ordered = np.argsort(given_scores[known], kind="stable")
    assert (np.diff(result[known][ordered]) >= 0).all()


def test_score_does_not_depend_on_the_others():
    alone = KINDS["saturation"].apply(np.array([5.0]))
    among = KINDS["saturation"].apply(np.array([100.0, 5.0, 0.0]))
    assert alone[0] == among[1]


@pytest.mark.parametrize("kind", KINDS)
def test_slope_is_the_growth_at_the_start(kind):
    calibration = KINDS[kind]
    step = 1e-6
    start = calibration.low if kind == "linear" else 0.0
    low, high = calibration.apply(np.array([start, start + step]))
    assert (high - low) / step == pytest.approx(calibration.slope, rel=1e-4)


def test_shipped_weights_cover_every_method_and_leg():
    ranking = load_default()
    assert ranking.version
    for method in SearchRequest.model_json_schema()["properties"]["fusion"]["enum"]:
        weights = ranking.weights_of(leg_fusion(method))
        assert set(weights) == set(LEGS)
        assert all(weight > 0 for weight in weights.values())


def test_encoder_that_is_not_named_gets_the_common_scale():
    ranking = load_default()
    spec = EncoderSpec("never-heard-of", "1", 8)
    calibration = ranking.calibrations({"text_vector": spec})["text_vector"]
    assert (calibration.low, calibration.high) == (0.0, 1.0)
    named = ranking.floors({"text_vector": EncoderSpec("minilm", "1", 384)})["text_vector"]
    assert -1.0 <= named <= 1.0
    assert named == ranking.scales["text_vector"]["minilm"].floor


def test_every_leg_of_an_encoder_of_photos_has_a_scale_of_its_own():
    ranking = load_default()
    encoders = {"text_vector": EncoderSpec("hashing", "1", 8)}
    assert set(ranking.calibrations(encoders)) == {"lexical", "text_vector"}
    encoders["image_vector"] = EncoderSpec("hashing-image", "1", 8, template="", text_space="1")
    calibrations = ranking.calibrations(encoders)
    assert set(calibrations) == set(LEGS)
    assert set(ranking.floors(encoders)) == set(LEGS) - {"lexical"}
    # Cosines of words and photos are low, even of the best match.
    assert calibrations["text_to_image"].high < calibrations["image_vector"].high


def test_every_named_encoder_of_photos_is_named_for_each_of_its_legs():
    scales = load_default().scales
    names = {leg: set(scales[leg]) for leg in ("text_to_image", "image_vector", "image_to_text")}
    assert names["text_to_image"] == names["image_vector"] == names["image_to_text"]
    assert all("*" in by_encoder for by_encoder in scales.values())
