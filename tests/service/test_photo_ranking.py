"""Learned weights where an index has photos: features of its legs, and versions from before."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from flask import Flask

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.image_hashing import HashingImageEncoder
from mappings.index_lifecycle import LiveIndex
from service.bootstrap import build_searcher
from service.feature_ranking import LearnedRanking, encoders_of, read_ranking
from service.fusion.linear import CalibratedFeatures, LinearModel
from service.ranking.features import DEFAULT_CALIBRATIONS, NAMES
from service.ranking.weights import load_default
from service.search_request import SearchRequest
from service.weights.store import WeightsStore
from tests.service.conftest import running_app, services_of
from tests.service.photo_catalogue import PRODUCTS, TEMPLATE, fill, picture, png

pytestmark = pytest.mark.cluster

OLDER = ("lexical", "text_vector", "rank_lexical", "words_in_title", "age")
"""Features that a version from before photos had."""


def linear(weights: dict[str, float], names: tuple[str, ...] = NAMES) -> LinearModel:
    scale = CalibratedFeatures({name: DEFAULT_CALIBRATIONS[name] for name in names})
    return LinearModel(scale, np.array([weights.get(name, 0.0) for name in names]))


def document(index: str, model: LinearModel, encoders: Any = None) -> dict[str, Any]:
    training = {"source": "hand", **({"encoders": encoders} if encoders else {})}
    return {
        "index": index,
        "fusion": "weighted_sum",
        "model": model.to_json(),
        "training": training,
    }


@pytest.fixture(scope="module")
def photo_shop(cluster: Elasticsearch) -> Iterator[str]:
    name = f"ranked-{secrets.token_hex(4)}"
    live = fill(cluster, name, PRODUCTS)
    yield name
    cluster.indices.delete(index=live.index)


@pytest.fixture(scope="module")
def photo_app(
    elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis
) -> Iterator[Flask]:
    with running_app(elasticsearch.url, redis_server.url, text_template=TEMPLATE) as app:
        yield app


@pytest.fixture
def ask(photo_app: Flask, photo_shop: str):
    def search(status: int = 200, **body: Any) -> dict[str, Any]:
        path = f"/v1/indexes/{photo_shop}/search"
        response = photo_app.test_client().post(path, json=body)
        assert response.status_code == status, response.text
        answer: dict[str, Any] = response.json
        return answer

    return search


@pytest.fixture
def save(cluster: Elasticsearch, photo_shop: str):
    store = WeightsStore(cluster)
    saved: list[str] = []

    def keep(model: LinearModel, encoders: Any = None) -> str:
        saved.append(store.save(document(photo_shop, model, encoders)))
        return saved[-1]

    yield keep
    for version in saved:
        store.delete(photo_shop, version)


WITH_PHOTOS = {"lexical": 0.3, "text_vector": 0.2, "text_to_image": 0.4, "rank_text_to_image": 0.1}


def test_training_and_serving_see_the_same_features_of_photos(photo_app, photo_shop, save):
    version = save(linear(WITH_PHOTOS))
    searcher = build_searcher(services_of(photo_app).settings)
    body = {"q": "red lamp", "weights_version": version, "explain": True, "limit": 200}
    answer = searcher.search(photo_shop, SearchRequest.parse(body)).to_json()
    matrix, found = searcher.score_features(photo_shop, SearchRequest.parse({"q": "red lamp"}), [])
    assert {hit["id"] for hit in answer["hits"]} == set(matrix.product_ids[:found])
    rows = {product_id: row for row, product_id in enumerate(matrix.product_ids)}
    totals = linear(WITH_PHOTOS).fuse(matrix).total
    seen = 0
    for hit in answer["hits"]:
        row = rows[hit["id"]]
        assert totals[row] == pytest.approx(hit["score"], abs=1e-9)
        share = hit.get("features", {}).get("text_to_image")
        if share is not None:
            trained = matrix.values[row, NAMES.index("text_to_image")]
            assert share["value"] == pytest.approx(float(trained), abs=1e-9)
            seen += 1
    assert seen > 10


def test_learned_weights_of_photos_count_and_a_photo_of_the_query_goes_by_the_shipped_ones(
    ask, save, cluster, photo_shop
):
    version = save(linear(WITH_PHOTOS))
    found = ask(q="red", weights_version=version)
    assert found["hits"][0]["legs"]["text_to_image"]["weight"] == pytest.approx(0.5)
    assert found["hits"][0]["photo"]["leg"] == "text_to_image"
    photo = {"base64": base64.b64encode(png(picture(("red", "red")))).decode()}
    assert ask(q="red", image=photo)["weights_version"] == load_default().version
    refused = ask(400, q="red", image=photo, weights_version=version)
    assert refused["error"]["field"] == "weights_version"


@pytest.mark.parametrize("mode", ["precise", "fast"])
def test_version_from_before_photos_still_serves_without_their_leg(ask, save, mode):
    older = linear({"lexical": 0.6, "text_vector": 0.4}, OLDER)
    spec = HashingEncoder(template=TEMPLATE).spec.to_meta()
    del spec["text_space"]  # as such a version had it
    version = save(older, {"text_vector": spec})
    answer = ask(q="lamp", weights_version=version, mode=mode)
    assert answer["weights_version"] == version
    assert answer["hits"]
    assert "text_to_image" not in answer["hits"][0]["legs"]
    assert all("photo" not in hit for hit in answer["hits"])


TEXT = HashingEncoder(template=TEMPLATE).spec
PHOTOS = HashingImageEncoder().spec
BOTH = LiveIndex("shop", "shop-v1", {"text_vector": TEXT, "image_vector": PHOTOS})
ALONE = LiveIndex("shop", "shop-v1", {"text_vector": TEXT})


@pytest.mark.parametrize(
    ("trained", "live", "fits"),
    [
        ({}, BOTH, True),
        (encoders_of(ALONE), BOTH, True),
        (encoders_of(BOTH), BOTH, True),
        (encoders_of(BOTH), ALONE, False),
        ({"text_vector": {**TEXT.to_meta(), "revision": "2"}}, BOTH, False),
        ({"text_vector": {"name": "hashing"}}, BOTH, False),
        ({"text_vector": "hashing"}, BOTH, False),
    ],
    ids=["unknown", "text-alone", "both", "photos-gone", "other-revision", "broken", "no-object"],
)
def test_version_fits_where_the_vectors_of_its_training_are_the_same(trained, live, fits):
    ranking = LearnedRanking("v", linear({"lexical": 1.0}), trained)
    assert ranking.fits(live) is fits


def test_version_of_older_features_is_read_and_knows_no_photos():
    older = linear({"lexical": 0.6, "text_vector": 0.4}, OLDER)
    ranking = read_ranking({**document("shop", older), "version": "old-1"})
    assert not ranking.knows("text_to_image")
    assert ranking.knows("text_vector")
    assert LearnedRanking("v", linear(WITH_PHOTOS)).knows("text_to_image")
