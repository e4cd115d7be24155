"""Searches ranked by learned weights, on a real Elasticsearch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from flask import Flask

from service.bootstrap import build_searcher
from service.cursor import Cursor
from service.feature_ranking import LearnedRanking
from service.fusion.linear import CalibratedFeatures, LinearModel
from service.fusion.registry import read_model
from service.page import Ranked, place_after
from service.ranking.features import DEFAULT_CALIBRATIONS, FEATURES, NAMES
from service.search_request import SearchRequest
from service.search_results import FusedScores, LegScores
from service.weights.store import WeightsStore
from tests.service.conftest import services_of

pytestmark = pytest.mark.cluster

WEIGHTS = {
    "lexical": 0.4,
    "text_vector": 0.3,
    "bm25_title": 0.2,
    "words_in_title": 0.1,
    "rank_lexical": 0.1,
    "category_consensus": 0.1,
    "price_relative": -0.2,
    "age": -0.05,
}


def linear(weights: dict[str, float]) -> LinearModel:
    scale = CalibratedFeatures({name: DEFAULT_CALIBRATIONS[name] for name in NAMES})
    return LinearModel(scale, np.array([weights.get(name, 0.0) for name in NAMES]))


def document(index: str, weights: dict[str, float]) -> dict[str, Any]:
    return {
        "index": index,
        "fusion": "weighted_sum",
        "model": linear(weights).to_json(),
        "training": {"source": "hand"},
    }


@pytest.fixture
def version(cluster: Elasticsearch, shop: str) -> Iterator[str]:
    """A stored version that nobody has activated."""
    store = WeightsStore(cluster)
    version = store.save(document(shop, WEIGHTS))
    yield version
    store.delete(shop, version)


def test_contributions_by_leg_and_by_feature_add_up_to_the_score(search, version):
    answer = search(q="wireless mouse", weights_version=version, explain=True, limit=50)
    assert answer["weights_version"] == version
    assert answer["hits"]
    for hit in answer["hits"]:
        by_leg = sum(leg["contribution"] for leg in hit["legs"].values())
        by_feature = sum(one["contribution"] for one in hit["features"].values())
        assert by_leg == pytest.approx(hit["score"], abs=1e-9)
        assert by_feature == pytest.approx(hit["score"], abs=1e-9)
        assert hit["explanation"].startswith("Number ")
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)


def test_training_and_serving_see_the_same_features(app: Flask, shop, version):
    """Every feature of every hit, and the score that they make, from both ways."""
    searcher = build_searcher(services_of(app).settings)  # its dictionary is learned at once
    query = "hp laptop"
    body = {"q": query, "weights_version": version, "explain": True, "limit": 200}
    answer = searcher.search(shop, SearchRequest.parse(body)).to_json()
    assert [one["value"] for one in answer["understood"]["matches"]] == ["HP"]
    matrix, found = searcher.score_features(shop, SearchRequest.parse({"q": query}), [])
    assert {hit["id"] for hit in answer["hits"]} == set(matrix.product_ids[:found])
    rows = {product_id: row for row, product_id in enumerate(matrix.product_ids)}
    totals = linear(WEIGHTS).fuse(matrix).total
    for hit in answer["hits"]:
        row = rows[hit["id"]]
        assert totals[row] == pytest.approx(hit["score"], abs=1e-9)
        for name, share in hit["features"].items():
            trained = matrix.values[row, NAMES.index(name)]
            if share["value"] is None:
                assert math.isnan(trained)
            else:
                assert share["value"] == pytest.approx(float(trained), abs=1e-9)


def test_products_that_the_search_did_not_find_get_features_too(app: Flask, shop, search):
    searcher = services_of(app).searcher
    request = SearchRequest.parse({"q": "laptop", "rank_window_size": 2})
    every = [hit["id"] for hit in search(limit=200, fields=["title"])["hits"]]
    matrix, found = searcher.score_features(shop, request, [*every, "no-such-product"])
    assert found == 2
    assert len(matrix.product_ids) == len(set(matrix.product_ids))
    assert "no-such-product" not in matrix.product_ids
    cosines = matrix.values[:, NAMES.index("text_vector")]
    assert len(matrix.product_ids) > found
    assert not np.isnan(cosines).any()


def test_an_activated_version_ranks_without_being_named(cluster, shop, search, version):
    store = WeightsStore(cluster)
    before = search(q="laptop")
    assert before["weights_version"] != version
    store.activate(shop, version)
    try:
        rankings = wait_until(lambda: search(q="laptop")["weights_version"] == version)
        assert rankings
        assert search(q="laptop", weights_version="default")["hits"] == before["hits"]
        assert search(q="laptop", weights={"lexical": 1.0})["weights_version"] == "request"
        assert search(q="laptop", mode="fast")["weights_version"] == version
        assert search(sort=[{"price": "asc"}])["weights_version"] != version
    finally:
        store.deactivate(shop)
        assert wait_until(lambda: search(q="laptop")["weights_version"] != version)


def test_pages_of_a_learned_ranking_repeat_and_drop_nothing(search, version):
    whole = [hit["id"] for hit in search(q="laptop", weights_version=version, limit=30)["hits"]]
    paged: list[str] = []
    cursor = None
    while len(paged) < len(whole):
        more = {"cursor": cursor} if cursor else {}
        answer = search(q="laptop", weights_version=version, limit=4, **more)
        paged += [hit["id"] for hit in answer["hits"]]
        cursor = answer["cursor"]
        if cursor is None:
            break
    assert paged[: len(whole)] == whole


def test_next_page_goes_on_although_the_scores_have_moved():
    scores = LegScores(("a", "b", "c"), ("lexical",), np.array([[3.0], [2.0], [1.0]]))
    total = np.array([0.9, 0.8, 0.7]) - 1e-9
    ranked = Ranked(scores, FusedScores(total, total[:, None]), {"lexical": 1.0}, ranked=True)
    assert place_after(ranked, ranked.order(), Cursor("window", 2, (0.8, "b"))) == 2
    assert place_after(ranked, ranked.order(), Cursor("window", 2, (0.75, "gone"))) == 2


def test_unknown_version_and_wrong_kind_are_refused(app: Flask, shop, version):
    ask = app.test_client().post
    path = f"/v1/indexes/{shop}/search"
    unknown = ask(path, json={"q": "laptop", "weights_version": "nope-7"})
    assert unknown.status_code == 404
    assert "nope-7" in unknown.json["error"]["message"]
    wrong = ask(path, json={"q": "laptop", "weights_version": version, "fusion": "gated"})
    assert wrong.status_code == 400
    assert wrong.json["error"]["field"] == "fusion"


def test_weights_of_another_encoder_are_not_used():
    model = linear(WEIGHTS)

    class Live:
        encoders: dict[str, Any] = {}

    assert LearnedRanking("1", model).fits(Live())  # type: ignore[arg-type]
    other = LearnedRanking("1", model, {"text_vector": {"name": "other"}})
    assert not other.fits(Live())  # type: ignore[arg-type]


def test_every_feature_is_listed_with_its_meaning():
    assert tuple(FEATURES) == NAMES
    assert all(one.meaning and one.range and one.unit and one.leg for one in FEATURES.values())
    kept = read_model({"fusion": "weighted_sum", "model": linear(WEIGHTS).to_json()})
    assert set(kept.features) == set(WEIGHTS)


def wait_until(is_true: Any, seconds: float = 10.0) -> bool:
    import time

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_true():
            return True
        time.sleep(0.1)
    return False
