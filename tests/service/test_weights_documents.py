"""What may be kept as a version of the ranking weights."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.errors import InvalidQuery
from service.weights.documents import MAX_MODEL_BYTES, check_document


def document(**changes: object) -> dict[str, Any]:
    plain = {
        "index": "products",
        "fusion": "weighted_sum",
        "model": {"weights": {"bm25": 0.6}},
        "features": ["bm25"],
        "training": {"source": "judgements", "fingerprint": "0a" * 32, "queries": 79, "pairs": 9},
        "metrics": {"ndcg@10": 0.8},
        "note": "first",
    }
    return {name: value for name, value in (plain | changes).items() if value is not ...}


def test_checked_document_is_a_deep_copy_without_assigned_fields():
    given = document(version="products-9", created_at="2026-01-02T03:04:05Z")
    checked = check_document(given)
    assert checked == document()
    given["model"]["weights"]["bm25"] = 7
    given["features"].append("x")
    assert checked == document()


def test_hand_made_weights_need_no_fingerprint_and_little_else():
    given = document(features=..., metrics=..., note=..., training={"source": "hand"})
    assert check_document(given) == given | {"features": [], "metrics": {}, "note": ""}


NESTED: dict[str, Any] = {}
NESTED["self"] = NESTED


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"wheights": {}}, "wheights", "no field 'wheights'"),
        ({"index": "Products"}, "index", "'Products'"),
        ({"index": ...}, "index", "''"),
        ({"index": 7}, "index", "index 7: should be a text"),
        ({"fusion": "Weighted Sum"}, "fusion", "'Weighted Sum'"),
        ({"fusion": ...}, "fusion", "None"),
        ({"model": ...}, "model", "model None: should be a JSON object"),
        ({"model": [1]}, "model", r"model \[1\]"),
        ({"model": {"w": float("nan")}}, "model", "cannot be written as JSON"),
        ({"model": {"w": {1, 2}}}, "model", "cannot be written as JSON"),
        ({"model": {"w": 2**70}}, "model", "cannot be written as JSON"),
        ({"model": {"w": "\ud800"}}, "model", "cannot be written as JSON"),
        ({"model": NESTED}, "model", "cannot be written as JSON"),
        ({"features": "bm25"}, "features", "should be a list"),
        ({"features": ["a", "a"]}, "features[1]", r"features\[1\] 'a'"),
        ({"features": ["a", 3]}, "features[1]", r"features\[1\] 3"),
        ({"training": ...}, "training", "training None"),
        ({"training": {"source": "guess"}}, "training.source", "'guess'"),
        ({"training": {"source": "clicks"}}, "training.fingerprint", "fingerprint None"),
        (
            {"training": {"source": "hand", "fingerprint": "ABC"}},
            "training.fingerprint",
            "'ABC'",
        ),
        ({"training": {"source": "hand", "pairs": -1}}, "training.pairs", "-1"),
        ({"training": {"source": "hand", "queries": True}}, "training.queries", "True"),
        ({"metrics": 0.8}, "metrics", "metrics 0.8"),
        ({"metrics": {"x": "y" * 300_000}}, "metrics", "300,008 bytes of JSON, at most 262,144"),
        ({"note": "n" * 2_001}, "note", "2,001 characters"),
        ({"note": None}, "note", "note None"),
    ],
)
def test_bad_field_is_refused_by_name_and_value(changes, field, message):
    with pytest.raises(InvalidQuery, match=message) as caught:
        check_document(document(**changes))
    assert caught.value.field == field


def test_model_of_just_two_megabytes_fits_and_one_byte_more_does_not():
    frame = len('{"w":""}')
    fits = {"w": "x" * (MAX_MODEL_BYTES - frame)}
    assert check_document(document(model=fits))["model"] == fits
    with pytest.raises(InvalidQuery, match="2,097,153 bytes of JSON, at most 2,097,152"):
        check_document(document(model={"w": fits["w"] + "x"}))


def test_what_is_no_object_is_refused():
    with pytest.raises(InvalidQuery, match=r"not \['products'\]"):
        check_document(["products"])
