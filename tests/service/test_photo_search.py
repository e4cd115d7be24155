"""Searches by photo, by words that find photos, and by both, on a real Elasticsearch."""

from __future__ import annotations

import base64
import io
import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from flask import Flask
from flask.testing import FlaskClient

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.image_hashing import HashingImageEncoder
from mappings.encoder_spec import external
from mappings.index_lifecycle import create_index
from service.ranking.weights import load_default
from tests.service.conftest import running_app
from tests.service.photo_catalogue import (
    BY_ID,
    COUNT,
    MOST_PHOTOS,
    PRODUCTS,
    SIDE,
    TEMPLATE,
    WITH_PHOTOS,
    cosines,
    fill,
    photo_vector,
    picture,
    png,
    shown_address,
    text_vector,
)

pytestmark = pytest.mark.cluster
EXACT = 1e-3
"""Error of a cosine between vectors of floats, of whose query six decimals are sent."""
FLOOR = load_default().scales["image_vector"]["hashing-image"].floor
NONE = np.array([-1.0])


@pytest.fixture(scope="module")
def photo_shop(cluster: Elasticsearch) -> Iterator[str]:
    name = f"photos-{secrets.token_hex(4)}"
    live = fill(cluster, name, PRODUCTS)
    yield name
    cluster.indices.delete(index=live.index)


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


@pytest.fixture
def find(shopper: FlaskClient, photo_shop: str):
    """Search the shop with photos, which must go well, and return the answer."""

    def ask(**body: Any) -> dict[str, Any]:
        response = shopper.post(f"/v1/indexes/{photo_shop}/search", json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json
        return answer

    return ask


def image(colours: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"base64": base64.b64encode(png(picture(colours))).decode(), **more}


QUERY = ("red", "green")


def test_photo_alone_is_scored_exactly_by_the_nearest_photo_which_is_named(find):
    answer = find(image=image(QUERY), limit=COUNT)
    truth = cosines(photo_vector(picture(QUERY)))
    hits = {hit["id"]: hit for hit in answer["hits"]}
    near = {product_id for product_id, each in truth.items() if each.max() > FLOOR + EXACT}
    assert set(hits) >= near and len(near) > 20
    for product_id in near:
        hit, each = hits[product_id], truth[product_id]
        assert set(hit["legs"]) == {"image_vector", "image_to_text"}
        assert hit["legs"]["image_vector"]["score"] == pytest.approx(each.max(), abs=EXACT)
        photo = hit["photo"]
        assert photo["leg"] in ("image_vector", "image_to_text")
        assert each[photo["position"]] == pytest.approx(each.max(), abs=EXACT)
        assert photo["score"] == pytest.approx(each.max(), abs=EXACT)
        assert photo["address"] == shown_address(product_id, photo["position"])


@pytest.mark.parametrize("mode", ["precise", "fast"])
def test_best_of_ten_photos_decides(find, mode):
    many = BY_ID["p00"]["photos"]
    assert len(many) == MOST_PHOTOS
    for position, colours in enumerate(many):
        if many.index(colours) != position:
            continue
        (hit,) = find(
            image=image(colours), mode=mode, filter={"id": "p00"}, weights={"image_vector": 1}
        )["hits"]
        assert hit["photo"]["position"] == position
        assert hit["photo"]["score"] == pytest.approx(1.0, abs=EXACT)
        assert hit["photo"]["leg"] == "image_vector"


def test_products_own_photo_comes_first(find):
    for product in WITH_PHOTOS[1:12]:
        answer = find(image=image(product["photos"][0]), weights={"image_vector": 1}, limit=3)
        best = answer["hits"][0]
        assert best["legs"]["image_vector"]["score"] == pytest.approx(1.0, abs=EXACT)
        same = [one["id"] for one in WITH_PHOTOS if product["photos"][0] in one["photos"]]
        assert best["id"] in same


def test_words_find_photos_that_no_title_speaks_of(find):
    answer = find(q="turquoise", limit=COUNT)
    assert set(answer["hits"][0]["legs"]) == {"lexical", "text_vector", "text_to_image"}
    truth = cosines(text_vector("turquoise"))
    first = answer["hits"][0]
    assert first["legs"]["lexical"]["score"] is None
    position = first["photo"]["position"]
    assert "turquoise" in BY_ID[first["id"]]["photos"][position]
    assert first["photo"]["leg"] == "text_to_image"
    for hit in answer["hits"]:
        score = hit["legs"]["text_to_image"]["score"]
        if hit["id"] in truth:
            assert score == pytest.approx(truth[hit["id"]].max(), abs=EXACT)
        else:
            assert score is None
            assert "photo" not in hit


def test_photo_finds_the_text_that_names_what_it_shows(find, cluster, photo_shop, shopper):
    name = f"{photo_shop}-titles"
    titled = {**PRODUCTS[6], "id": "red-one", "title": "red thing", "photos": []}
    live = fill(cluster, name, [titled, *PRODUCTS[6:7]])
    try:
        body = {"image": image(("red", "red")), "weights": {"image_to_text": 1}}
        answer = shopper.post(f"/v1/indexes/{name}/search", json=body).json
        assert answer["hits"][0]["id"] == "red-one"
        expected = float(photo_vector(picture(("red", "red"))) @ text_vector("red thing"))
        leg = answer["hits"][0]["legs"]["image_to_text"]
        assert leg["score"] == pytest.approx(expected, abs=EXACT)
        assert "photo" not in answer["hits"][0]
    finally:
        cluster.indices.delete(index=live.index)


@pytest.mark.parametrize("mode", ["precise", "fast"])
def test_words_and_photo_together_have_all_five_legs_that_add_up(find, mode):
    answer = find(q="lamp", image=image(QUERY), mode=mode, limit=20)
    legs = ["lexical", "text_vector", "text_to_image", "image_vector", "image_to_text"]
    for hit in answer["hits"]:
        assert list(hit["legs"]) == legs
        parts = [share["contribution"] for share in hit["legs"].values()]
        assert hit["score"] == pytest.approx(sum(parts), abs=1e-6)
    shares = [share["weight"] for share in answer["hits"][0]["legs"].values()]
    assert sum(shares) == pytest.approx(1.0)


def test_weight_of_the_photo_moves_the_order_from_the_words_to_the_photo(find):
    wanted = BY_ID["p09"]  # a vase
    body = {"q": "lamp", "limit": 3}
    words = find(**body, image=image(wanted["photos"][0], weight=0.01))
    photo = find(**body, image=image(wanted["photos"][0], weight=100))
    assert words["hits"][0]["product"]["title"].startswith("lamp")
    assert wanted["photos"][0] in BY_ID[photo["hits"][0]["id"]]["photos"]
    weights = [answer["hits"][0]["legs"]["image_vector"]["weight"] for answer in (words, photo)]
    assert weights[0] < 0.02 < 0.8 < weights[1]


def test_photo_that_weighs_nothing_beside_words_is_left_alone(find):
    unreadable = {"base64": "bm90IGEgcGhvdG8=", "weight": 0}
    assert find(q="lamp", image=unreadable)["hits"] == find(q="lamp")["hits"]


@pytest.mark.parametrize(
    "query", [{"image": image(QUERY)}, {"q": "red"}, {"q": "lamp", "image": image(QUERY)}],
    ids=["photo", "words", "both"],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["precise", "fast"])
def test_filters_bind_the_legs_of_photos_and_products_are_counted_not_photos(find, query, mode):
    wanted = {"brand": "Bolt", "price": {"lt": 30}}
    answer = find(**query, filter=wanted, facets={"brand": 5}, mode=mode, limit=COUNT)
    ids = [hit["id"] for hit in answer["hits"]]
    kept = [one["id"] for one in PRODUCTS if one["brand"] == "Bolt" and one["price"] < 30]
    assert set(ids) <= set(kept)
    assert len(ids) == len(set(ids)) == answer["total"]["value"] > 0
    assert answer["facets"]["brand"] == [{"value": "Bolt", "count": len(ids)}]
    if "image" in query:  # however narrow the filter, every photo under it is a neighbour
        truth = cosines(photo_vector(picture(QUERY)))
        assert set(ids) >= {one for one in kept if truth.get(one, NONE).max() > FLOOR + EXACT}


@pytest.mark.parametrize("mode", ["precise", "fast"])
@pytest.mark.parametrize("window", [10, 200])
def test_pages_by_photo_repeat_and_drop_nothing(find, mode, window):
    body = {"image": image(QUERY), "mode": mode, "rank_window_size": window}
    whole = find(**body, limit=COUNT)
    ids, cursor = [], None
    while True:
        page = find(**body, limit=7, **({"cursor": cursor} if cursor else {}))
        assert page["total"] == whole["total"]
        ids += [hit["id"] for hit in page["hits"]]
        if not (cursor := page["cursor"]):
            break
    assert ids == [hit["id"] for hit in whole["hits"]]
    assert len(set(ids)) == whole["total"]["value"]


def test_cursor_belongs_to_its_photo_and_part(find, shopper, photo_shop):
    cursor = find(image=image(QUERY), limit=5)["cursor"]
    again = io.BytesIO(png(picture(QUERY)))
    same = shopper.post(
        f"/v1/indexes/{photo_shop}/search",
        data={
            "request": json.dumps({"image": {"upload": "p"}, "cursor": cursor, "limit": 5}),
            "p": (again, "a.png"),
        },
    )
    assert same.status_code == 200, same.text  # the same file, sent another way
    for other in (image(("blue", "pink")), image(QUERY, crop=[0, 0, 0.5, 1])):
        response = shopper.post(
            f"/v1/indexes/{photo_shop}/search", json={"image": other, "cursor": cursor}
        )
        assert response.status_code == 400
        assert response.json["error"]["field"] == "cursor"


def test_negative_words_push_photos_away(find):
    away = find(q={"red": 1.0, "blue": -0.9}, weights={"text_to_image": 1}, limit=COUNT)
    query = text_vector("red") - 0.9 * text_vector("blue")
    truth = cosines(query / np.linalg.norm(query))
    first = away["hits"][0]["id"]
    assert "red" in str(BY_ID[first]["photos"])
    for hit in away["hits"]:
        score = hit["legs"]["text_to_image"]["score"]
        assert score == pytest.approx(truth[hit["id"]].max(), abs=EXACT)


def test_crop_is_the_part_of_the_photo_that_counts(find):
    left = find(image=image(QUERY, crop=[0, 0, 0.5, 1]), weights={"image_vector": 1}, limit=5)
    whole = find(image=image(("red", "red")), weights={"image_vector": 1}, limit=5)
    assert [hit["id"] for hit in left["hits"]] == [hit["id"] for hit in whole["hits"]]
    assert left["hits"][0]["score"] == pytest.approx(whole["hits"][0]["score"], abs=1e-3)


def test_photo_comes_in_a_part_of_a_multipart_body(find, shopper, photo_shop):
    expected = find(image=image(QUERY), limit=5)["hits"]
    for as_file in (False, True):
        text = json.dumps({"image": {"upload": "photo"}, "limit": 5}).encode()
        response = shopper.post(
            f"/v1/indexes/{photo_shop}/search",
            data={
                "request": (io.BytesIO(text), "request.json") if as_file else text.decode(),
                "photo": (io.BytesIO(png(picture(QUERY))), "mine.png"),
            },
        )
        assert response.status_code == 200, response.text
        assert response.json["hits"] == expected


def test_embedding_of_the_request_stands_for_a_photo(find):
    vector = [float(value) for value in photo_vector(picture(QUERY))]
    brought = find(vectors={"image_vector": vector}, limit=5)
    assert [hit["id"] for hit in brought["hits"]] == [
        hit["id"] for hit in find(image=image(QUERY), limit=5)["hits"]
    ]
    assert brought["hits"][0]["photo"]


def test_fields_of_the_answer_are_those_that_were_asked_for(find):
    answer = find(image=image(QUERY), fields=["title"], limit=COUNT)
    assert all(set(hit["product"]) == {"title"} for hit in answer["hits"])
    assert any(hit.get("photo") for hit in answer["hits"])
    shown = find(image=image(QUERY), filter={"id": "p00"})["hits"][0]["product"]["images"]
    assert shown == [shown_address("p00", place) for place in range(MOST_PHOTOS)]


def test_sorted_by_price_a_photo_search_still_filters_by_what_it_finds(find):
    answer = find(image=image(QUERY), sort=[{"price": "desc"}], limit=5)
    prices = [hit["product"]["price"] for hit in answer["hits"]]
    assert prices == sorted(prices, reverse=True)
    assert all(hit["score"] is None for hit in answer["hits"])


def test_explanation_speaks_of_photos(find):
    hit = find(q="lamp", image=image(QUERY), explain=True, limit=1)["hits"][0]
    assert "its photo gave" in hit["explanation"]


def test_known_photo_is_not_decoded_again(find, monkeypatch):
    find(image=image(("beige", "brown")))

    def decode(*_: object, **__: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr("service.query_photos.decode", decode)
    assert find(image=image(("beige", "brown")))["hits"]


@pytest.mark.parametrize(
    ("encoders", "hint"),
    [({}, "no photos"), ({"image_vector": external(3)}, "send vectors.image_vector")],
    ids=["no-photos", "the-shops-own-vectors"],
)
def test_photo_on_an_index_without_photos_of_ours_is_a_400(
    shopper, cluster, index_name, encoders, hint
):
    create_index(cluster, index_name, encoders)
    for body in ({"image": image(QUERY)}, {"q": "lamp", "image": {"url": "http://x.test/a.jpg"}}):
        response = shopper.post(f"/v1/indexes/{index_name}/search", json=body)
        assert response.status_code == 400
        assert response.json["error"]["field"] == "image"
        assert hint in response.json["error"]["message"]


def test_index_whose_encoder_of_photos_is_not_here_is_searched_by_words(
    shopper, cluster, index_name
):
    other = replace(HashingImageEncoder().spec, revision="of another day")
    text = HashingEncoder(template=TEMPLATE).spec
    create_index(cluster, index_name, {"text_vector": text, "image_vector": other})
    path = f"/v1/indexes/{index_name}/search"
    assert shopper.post(path, json={"q": "lamp"}).json["warnings"] == []
    response = shopper.post(path, json={"q": "lamp", "image": image(QUERY)})
    assert response.status_code == 200, response.text
    assert response.json["warnings"] == [
        "image_vector, image_to_text: the encoder of photos is not available"
    ]
    response = shopper.post(path, json={"image": image(QUERY)})
    assert response.status_code == 503
    error = response.json["error"]
    assert (error["code"], error["field"]) == ("encoder_failed", "image")


def test_wide_photo_of_a_large_jpeg_is_the_same_photo(find):
    colours = ("purple", "yellow")
    large = picture(colours, width=SIDE).resize((3_000, 3_000))
    body = {"base64": base64.b64encode(png(large, "JPEG")).decode()}
    small = find(image=image(colours), weights={"image_vector": 1}, limit=5)
    found = find(image=body, weights={"image_vector": 1}, limit=5)
    assert [hit["id"] for hit in found["hits"]] == [hit["id"] for hit in small["hits"]]
    assert found["hits"][0]["score"] == pytest.approx(small["hits"][0]["score"], abs=0.02)
