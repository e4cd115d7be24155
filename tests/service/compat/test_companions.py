"""A companion index with photos, and attached indexes that are not ready."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from flask import Flask
from flask.testing import FlaskClient

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.image_hashing import HashingImageEncoder
from mappings.attachments import Attachment, Attachments
from service.ranking.weights import load_default
from tests.service.compat.recorded import ids_of
from tests.service.conftest import running_app
from tests.service.photo_catalogue import (
    PRODUCTS,
    TEMPLATE,
    cosines,
    photo_vector,
    picture,
    png,
    text_vector,
    vectors_of,
)

pytestmark = pytest.mark.cluster

COLOURS = ("red", "green")
FIELDS = {"label": {"type": "text"}, "maker": {"type": "keyword"}}
SCALE = load_default().scales["image_vector"]["hashing-image"]


def _vector(dims: int) -> dict[str, Any]:
    # Floats: 8 bits are wrong by 0.1 for hashed vectors, of few large components.
    options = {"index": True, "similarity": "cosine", "index_options": {"type": "hnsw"}}
    return {"type": "dense_vector", "dims": dims, **options}


@pytest.fixture(scope="module")
def gallery(cluster: Elasticsearch) -> Iterator[Attachment]:
    """A shop's index and its companion, which has vectors of texts and of photos."""
    name = f"gallery-{secrets.token_hex(4)}"
    companion = f"{name}-with-vectors"
    text, photos = HashingEncoder(template=TEMPLATE).spec, HashingImageEncoder().spec
    own = {
        "text_vector": _vector(text.dims),
        "photos": {"type": "nested", "properties": {"vector": _vector(photos.dims)}},
    }
    cluster.indices.create(index=name, mappings={"properties": FIELDS})
    cluster.indices.create(
        index=companion, mappings={"properties": {**FIELDS, "shelfwise": {"properties": own}}}
    )
    for index in (name, companion):
        bulk(cluster, [_document(one, index, companion) for one in PRODUCTS], refresh=True)
    attachment = Attachment(
        index=name,
        mode="companion",
        target=companion,
        fields={"title": ("label",), "brand": ("maker",)},
        encoders={"text_vector": text, "image_vector": photos},
        state="following",
    )
    Attachments(cluster).put(attachment)
    yield attachment
    Attachments(cluster).remove(name)
    cluster.indices.delete(index=name)
    cluster.indices.delete(index=companion)


def _document(product: dict[str, Any], index: str, companion: str) -> dict[str, Any]:
    document = {"label": product["title"], "maker": product["brand"]}
    if index == companion:
        nested = (
            [{"vector": row.tolist()} for row in vectors_of(product["id"])]
            if product["photos"]
            else []
        )
        vector = text_vector(product["title"]).tolist()
        document["shelfwise"] = {"text_vector": vector, "photos": nested}
    return {"_index": index, "_id": product["id"], **document}


@pytest.fixture(scope="module")
def photo_app(
    elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis
) -> Iterator[Flask]:
    settings = {"text_template": TEMPLATE, "image_encoder": "hashing-image"}
    with running_app(elasticsearch.url, redis_server.url, **settings) as app:
        yield app


@pytest.fixture
def shopper(photo_app: Flask) -> FlaskClient:
    return photo_app.test_client()


def ask(shopper: FlaskClient, index: str, body: dict[str, Any], note: str) -> Any:
    response = shopper.post(f"/{index}/_search", json=body)
    assert response.status_code == 200, response.text
    assert response.headers["Shelfwise-Search"].startswith(note)
    return response.json


def photo(**more: Any) -> dict[str, Any]:
    return {"base64": base64.b64encode(png(picture(COLOURS))).decode(), **more}


def test_photo_alone_finds_the_nearest_photos_under_the_filter(
    shopper: FlaskClient, gallery: Attachment
) -> None:
    body = {
        "query": {"bool": {"filter": {"term": {"maker": "Acme"}}}},
        "ext": {"shelfwise": {"image": photo(), "weights": {"image_vector": 1.0}}},
        "size": 40,
    }
    answer = ask(shopper, gallery.index, body, "hybrid; legs=image_vector; mode=precise")
    best = {
        key: float(rows.max()) for key, rows in cosines(photo_vector(picture(COLOURS))).items()
    }
    makers = {one["id"]: one["brand"] for one in PRODUCTS}
    wanted = [key for key in best if makers[key] == "Acme" and best[key] >= SCALE.floor]
    # What is no nearer than the scale begins is all the same, and then ordered by id.
    assert ids_of(answer) == sorted(wanted, key=lambda key: (-max(best[key], SCALE.low), key))
    assert answer["hits"]["total"]["value"] == len(wanted)


def test_words_and_photo_are_searched_together(shopper: FlaskClient, gallery: Attachment) -> None:
    body = {"query": {"match": {"label": "vase"}}, "ext": {"shelfwise": {"image": photo()}}}
    answer = ask(shopper, gallery.index, {**body, "size": 40}, "hybrid; legs=lexical,text_vector")
    found = set(ids_of(answer))
    assert {one["id"] for one in PRODUCTS if one["title"].startswith("vase")} <= found
    assert any(not one["title"].startswith("vase") for one in PRODUCTS if one["id"] in found)


def test_hits_of_a_companion_show_the_shops_own_index(
    shopper: FlaskClient, gallery: Attachment
) -> None:
    query = {"query": {"match": {"label": "lamp"}}}
    for mode in ("precise", "fast"):
        body = {**query, "ext": {"shelfwise": {"mode": mode}}}
        answer = ask(shopper, gallery.index, body, "hybrid")
        assert {hit["_index"] for hit in answer["hits"]["hits"]} == {gallery.index}
        assert "shelfwise" not in str(answer)


def test_a_sorted_list_asks_the_shops_own_index(
    shopper: FlaskClient, gallery: Attachment, cluster: Elasticsearch
) -> None:
    cluster.index(index=gallery.index, id="new", document={"maker": "New"}, refresh=True)
    body = {"query": {"term": {"maker": "New"}}, "sort": ["maker"]}
    assert ids_of(ask(shopper, gallery.index, body, "passed")) == ["new"]
    cluster.delete(index=gallery.index, id="new", refresh=True)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": "backfilling"}, "the companion index is being filled"),
        ({"state": "detaching"}, "the index is being detached"),
        ({"encoders": "another"}, "index"),
    ],
)
def test_an_index_that_is_not_ready_is_searched_as_before(
    shopper: FlaskClient,
    gallery: Attachment,
    cluster: Elasticsearch,
    change: dict[str, Any],
    reason: str,
) -> None:
    if "encoders" in change:
        other = replace(gallery.encoders["text_vector"], revision="0" * 64)
        change = {"encoders": {**gallery.encoders, "text_vector": other}}
    Attachments(cluster).put(replace(gallery, **change))
    try:
        body = {"query": {"match": {"label": "lamp"}}}
        answer = ask(shopper, gallery.index, body, f"passed; reason={reason}")
        assert answer["hits"]["total"]["value"] == 10
        photo_body = {**body, "ext": {"shelfwise": {"image": photo()}}}
        refused = shopper.post(f"/{gallery.index}/_search", json=photo_body)
        assert refused.status_code == 400
    finally:
        Attachments(cluster).put(gallery)


def test_an_index_that_an_alias_was_just_moved_to_is_searched_as_before(
    shopper: FlaskClient, gallery: Attachment, cluster: Elasticsearch
) -> None:
    name, fresh = f"{gallery.index}-name", f"{gallery.index}-fresh"
    aliases = {name: {}}
    cluster.indices.create(index=fresh, mappings={"properties": FIELDS}, aliases=aliases)
    cluster.index(index=fresh, id="new", document={"label": "red lamp"}, refresh=True)
    Attachments(cluster).put(replace(gallery, index=name, mode="in_place", target=name))
    try:
        body = {"query": {"match": {"label": "lamp"}}}
        answer = ask(shopper, name, body, f"passed; reason='{fresh}' has no vectors yet")
        assert ids_of(answer) == ["new"]
    finally:
        Attachments(cluster).remove(name)
        cluster.indices.delete(index=fresh)
