"""Scores of the legs as they are read back from Elasticsearch's hits."""

from __future__ import annotations

import numpy as np
import pytest

from mappings.product import PHOTO_VECTOR, PHOTOS
from service.retrieval.candidates import Legs, query_clause, read_leg_scores
from service.retrieval.vectors import VectorLeg

VECTORS = np.array([[1.0, 0.0]], dtype=np.float32)


def make_legs(boosts: dict[str, float]) -> Legs:
    return Legs(
        terms={"mouse": 1.0} if "lexical" in boosts else {},
        vectors={name: VectorLeg(name, VECTORS) for name in boosts if name != "lexical"},
        boosts=boosts,
        floors={},
        num_candidates=10,
    )


def as_float32(value: float) -> float:
    return float(np.float32(value))


def test_strongest_vector_leg_is_asked_without_a_name_and_read_from_what_is_left():
    legs = make_legs({"lexical": 0.05, "text_vector": 0.8, "image_vector": 0.4})
    should = query_clause(legs, [])["bool"]["should"]
    names = [clause["knn"].get("_name") for clause in should if "knn" in clause]
    assert names == [None, "image_vector"]
    lexical, text, image = 0.05 * 31.7, 0.8 * (1 + 0.62) / 2, 0.4 * (1 + 0.31) / 2
    hits = [
        {
            "_score": as_float32(lexical + text + image),
            "sort": ["both"],
            "matched_queries": {"lexical": as_float32(lexical), "image_vector": as_float32(image)},
        },
        {
            "_score": as_float32(lexical),
            "sort": ["words"],
            "matched_queries": {"lexical": as_float32(lexical)},
        },
        {"_score": as_float32(text), "sort": ["near"]},
    ]
    scores = read_leg_scores(hits, legs, derived=legs.derived()).scores
    expected = [[31.7, 0.62, 0.31], [31.7, np.nan, np.nan], [np.nan, 0.62, np.nan]]
    assert scores == pytest.approx(np.array(expected), abs=1e-5, nan_ok=True)


@pytest.mark.parametrize(
    ("boosts", "derived"),
    [
        ({"lexical": 0.05}, None),
        ({"lexical": 0.05, "text_vector": 0.001}, None),
        ({"text_vector": 0.3, "image_vector": 0.7}, "image_vector"),
    ],
    ids=["words-alone", "next-to-no-weight", "strongest"],
)
def test_leg_that_would_be_rough_is_asked_by_its_name(
    boosts: dict[str, float], derived: str | None
):
    assert make_legs(boosts).derived() == derived


@pytest.mark.parametrize("count", [1, 3], ids=["one-vector", "three-vectors"])
def test_leg_of_photos_is_one_clause_whose_boost_and_name_are_outside(count: int):
    vectors = np.repeat(VECTORS, count, axis=0)
    legs = Legs(
        terms={"mouse": 1.0},
        vectors={
            "text_vector": VectorLeg("text_vector", VECTORS),
            "image_vector": VectorLeg(PHOTO_VECTOR, vectors, PHOTOS),
        },
        boosts={"lexical": 0.1, "text_vector": 0.8, "image_vector": 0.4},
        floors={"image_vector": 0.2},
        num_candidates=10,
    )
    clause = query_clause(legs, [{"term": {"brand": "a"}}], tells_photos=True)
    outside = clause["bool"]["should"][-1]["nested" if count == 1 else "dis_max"]
    assert (outside["boost"], outside["_name"]) == (0.4, "image_vector")
    nested = [outside] if count == 1 else [one["nested"] for one in outside["queries"]]
    assert [one["inner_hits"]["name"] for one in nested] == [
        f"image_vector:{place}" for place in range(count)
    ]
    for one in nested:
        knn = one["query"]["knn"]
        assert (one["path"], one["score_mode"]) == ("photos", "max")
        assert (knn["field"], knn["similarity"]) == ("photos.vector", 0.2)
        assert knn["filter"] == [{"term": {"brand": "a"}}]
        assert "boost" not in knn and "_name" not in knn
