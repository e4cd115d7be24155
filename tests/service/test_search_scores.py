"""Leg scores are the true ones, and every score is the sum of what is shown of it."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.encoders.hashing import HashingEncoder
from service.calibration import Calibration
from service.ranking.weights import load_default
from service.retrieval.lexical import lexical_clause
from tests.service.catalogue import BY_ID, COUNT
from tests.service.conftest import TEMPLATE

pytestmark = pytest.mark.cluster
QUERY = "wireless gaming mouse"
INT8 = 0.04
"""Error of a cosine between 8-bit vectors whose few large components are cut, as hashed ones."""


def cosine(text: str, vector: np.ndarray) -> float:
    return float(HashingEncoder(template=TEMPLATE).encode([text])[0] @ vector)


@pytest.fixture(scope="module")
def hits(search) -> list[dict]:
    answer = search(q=QUERY, limit=200, explain=True)
    assert answer["total"]["value"] > 120  # more than the neighbours, so some had to be asked for
    return answer["hits"]


def test_vector_score_is_the_cosine_for_every_hit(hits, vectors):
    for hit in hits:
        score = hit["legs"]["text_vector"]["score"]
        assert score == pytest.approx(cosine(QUERY, vectors[hit["id"]]), abs=INT8), hit["id"]


def test_lexical_score_is_the_one_that_elasticsearch_explains(hits, cluster, shop):
    clause = lexical_clause({QUERY: 1.0})
    for hit in [*hits[:3], *hits[-3:], hits[len(hits) // 2]]:
        explained = cluster.explain(index=shop, id=hit["id"], query=clause)
        score = hit["legs"]["lexical"]["score"]
        if score is None:
            assert not explained["matched"]
        else:
            assert score == pytest.approx(explained["explanation"]["value"], rel=1e-4)


def test_product_without_common_words_has_no_lexical_score_and_no_contribution(search):
    hits = search(q="wireless gaming", weights={"lexical": 1, "text_vector": 1}, limit=200)["hits"]
    wordless = [hit for hit in hits if hit["legs"]["lexical"]["score"] is None]
    assert wordless
    for hit in wordless:
        share = hit["legs"]["lexical"]
        assert (share["rank"], share["contribution"]) == (None, 0.0)


@pytest.mark.parametrize("mode", ["precise", "fast"])
@pytest.mark.parametrize("fusion", ["weighted_sum", "reciprocal_rank"])
def test_contributions_add_up_to_the_score(search, fusion, mode):
    answer = search(q=QUERY, fusion=fusion, mode=mode, rank_window_size=20, limit=60)
    assert len(answer["hits"]) == 60
    for hit in answer["hits"]:
        parts = [share["contribution"] for share in hit["legs"].values()]
        assert hit["score"] == pytest.approx(sum(parts), abs=1e-9)


def test_weighted_sum_is_the_calibrated_scores_times_the_weights(hits):
    ranking = load_default()
    calibrations = {
        "lexical": ranking.lexical,
        "text_vector": Calibration("linear", low=0.0, high=1.0),
    }
    given = ranking.weights_of("weighted_sum")
    both = given["lexical"] + given["text_vector"]
    for hit in hits[:50]:
        for leg, share in hit["legs"].items():
            assert share["weight"] == pytest.approx(given[leg] / both)
            score = np.array([np.nan if share["score"] is None else share["score"]])
            calibrated = calibrations[leg].apply(score)[0]
            assert share["contribution"] == pytest.approx(share["weight"] * calibrated)


def test_reciprocal_rank_is_the_weights_over_the_ranks_shown(search):
    answer = search(q=QUERY, fusion="reciprocal_rank", rank_constant=7, limit=100)
    for hit in answer["hits"]:
        for share in hit["legs"].values():
            expected = share["weight"] / (7 + share["rank"]) if share["rank"] else 0.0
            assert share["contribution"] == pytest.approx(expected)


@pytest.mark.parametrize("leg", ["lexical", "text_vector"])
def test_ranks_follow_the_scores_of_their_leg(search, leg):
    hits = search(q=QUERY, limit=200, rank_window_size=200)["hits"]
    found = [
        (share["rank"], -share["score"], hit["id"])
        for hit in hits
        if (share := hit["legs"][leg])["score"] is not None
    ]
    assert sorted(found) == sorted(found, key=lambda entry: entry[1:])
    assert sorted(rank for rank, _, _ in found) == list(range(1, len(found) + 1))


def test_one_leg_has_the_whole_weight(search, vectors):
    for leg in ("lexical", "text_vector"):
        hits = search(q=QUERY, weights={leg: 0.2}, limit=20)["hits"]
        assert {tuple(hit["legs"]) for hit in hits} == {(leg,)}
        assert {hit["legs"][leg]["weight"] for hit in hits} == {1.0}
        scores = [hit["legs"][leg]["score"] for hit in hits]
        assert scores == sorted(scores, reverse=True)


def test_weights_count_by_their_proportion(search):
    def ranked(**weights):
        return [
            (hit["id"], pytest.approx(hit["score"]))
            for hit in search(q=QUERY, weights=weights, limit=50)["hits"]
        ]

    assert ranked(lexical=1, text_vector=3) == ranked(lexical=0.25, text_vector=0.75)


def test_weights_of_the_request_are_said_to_be_so(search):
    assert search(q=QUERY, weights={"lexical": 1})["weights_version"] == "request"
    assert search(q=QUERY)["weights_version"] == load_default().version


def test_weight_of_a_leg_that_the_request_does_not_have_is_a_warning(search):
    answer = search(q=QUERY, weights={"lexical": 1, "image_vector": 1})
    assert [text.split(":")[0] for text in answer["warnings"]] == ["weights.image_vector"]
    assert search(q=QUERY, weights={"lexical": 1, "text_vector": 1})["warnings"] == []


def test_weights_that_leave_no_leg_are_a_400(client, shop):
    body = {"q": QUERY, "weights": {"image_vector": 1}}
    response = client.post(f"/v1/indexes/{shop}/search", json=body)
    assert response.status_code == 400
    assert response.json["error"]["field"] == "weights"


def test_brought_vector_takes_the_place_of_ours(search, vectors):
    wanted = "p042"
    vector = vectors[wanted].astype(float)
    hits = search(vectors={"text_vector": (3 * vector).tolist()}, limit=5)["hits"]
    best = hits[0]["legs"]["text_vector"]["score"]
    assert best == pytest.approx(1.0, abs=INT8)
    assert float(vectors[hits[0]["id"]] @ vector) == pytest.approx(1.0, abs=INT8)
    assert set(hits[0]["legs"]) == {"text_vector"}
    both = search(q=QUERY, vectors={"text_vector": vector.tolist()}, limit=100)["hits"]
    for hit in both:
        expected = float(vectors[hit["id"]] @ vector)
        assert hit["legs"]["text_vector"]["score"] == pytest.approx(expected, abs=INT8)
        assert "lexical" in hit["legs"]


@pytest.mark.parametrize(
    ("vectors_of_request", "field", "words"),
    [
        ({"text_vector": [1.0, 2.0]}, "vectors.text_vector", "256 components, got 2"),
        ({"text_vector": [1.0] * 257}, "vectors.text_vector", "256 components, got 257"),
        ({"image_vector": [1.0]}, "vectors.image_vector", "no such vectors"),
        ({"text_vector": [1e308] * 256}, "vectors.text_vector", "length"),
        ({"text_vector": [1e-320] * 256}, "vectors.text_vector", "length"),
    ],
    ids=["short", "long", "absent", "overflow", "underflow"],
)
def test_vector_that_does_not_fit_is_a_400_by_name(client, shop, vectors_of_request, field, words):
    response = client.post(f"/v1/indexes/{shop}/search", json={"vectors": vectors_of_request})
    assert response.status_code == 400
    assert response.json["error"]["field"] == field
    assert words in response.json["error"]["message"]


def position_of(answer: dict, test) -> float:
    places = [place for place, hit in enumerate(answer["hits"]) if test(BY_ID[hit["id"]])]
    return sum(places) / len(places)


def test_negative_term_lowers_a_product_but_does_not_take_it_out(search):
    plain = search(q={"mouse": 1}, limit=200)
    avoiding = search(q={"mouse": 1, "gaming": -0.8}, limit=200)

    def is_gaming(product):
        return product["title"].startswith("gaming mouse")

    assert position_of(avoiding, is_gaming) > position_of(plain, is_gaming)
    assert any(is_gaming(BY_ID[hit["id"]]) for hit in avoiding["hits"])


def test_terms_with_weights_find_what_either_finds(search):
    found = {
        hit["id"]
        for hit in search(q={"headset": 2, "monitor": 0.5}, weights={"lexical": 1}, limit=200)[
            "hits"
        ]
    }
    expected = {
        name
        for name, product in BY_ID.items()
        if {"headset", "monitor"} & set(product["title"].split())
        or {"Audio > Headsets", "Computers > Screens"} & set(product["categories"])
    }
    assert found == expected


@pytest.mark.parametrize("sku", ["SKU-00142", "sku-00142", "sku00142", " SKU-00142 "])
@pytest.mark.parametrize("mode", ["precise", "fast"])
def test_article_number_ranks_its_product_first(search, sku, mode):
    assert search(q=sku, mode=mode, limit=3)["hits"][0]["id"] == "p142"


def test_article_number_among_words_ranks_its_product_first(search):
    assert search(q="wireless mouse SKU-00142", limit=3)["hits"][0]["id"] == "p142"


def test_explanation_says_place_and_legs(hits, search):
    for place, hit in enumerate(hits[:5], start=1):
        assert hit["explanation"].startswith(f"Number {place} with {hit['score']:.3f}: ")
    second = search(q=QUERY, limit=3, offset=3, explain=True)["hits"]
    assert second[0]["explanation"].startswith("Number 4 with ")
    behind = search(q=QUERY, limit=3, offset=12, rank_window_size=5, explain=True)["hits"]
    assert behind[0]["explanation"].startswith("Number 13 with ")
    assert "explanation" not in search(q=QUERY)["hits"][0]


def test_hit_carries_the_product_as_it_was_sent(search):
    for hit in search(q="model", limit=200)["hits"]:
        sent = dict(BY_ID[hit["id"]])
        shown = dict(hit["product"])
        sent.pop("id")
        if "released_at" in sent:
            sent["released_at"] = sent["released_at"].replace("+00:00", "Z")
        assert shown == sent


def test_only_the_fields_asked_for_are_returned(search):
    hits = search(q="model", fields=["title", "attributes.colour"], limit=5)["hits"]
    assert {frozenset(hit["product"]) for hit in hits} == {frozenset({"title", "attributes"})}
    assert {frozenset(hit["product"]["attributes"]) for hit in hits} == {frozenset({"colour"})}


def test_whole_shop_is_found_by_a_word_in_every_title(search):
    assert search(q="model", weights={"lexical": 1}, limit=0)["total"] == {
        "value": COUNT,
        "relation": "eq",
    }


@pytest.mark.parametrize(
    "q",
    [
        "!!!",
        "()[]{}\"'\\/~^*?:+-&|",
        "AND OR NOT",
        "title:mouse",
        "日本語 العربية",
        "\u0000",
        "\u202e mouse",
        "a " * 400,
        {("x " * 400)[:990] + str(n): 1 for n in range(16)},
        {"mouse": 1, "cable": -100},
        {"mouse": 1e-300},
    ],
    ids=lambda q: str(q)[:12],
)
def test_any_words_are_answered_or_refused(client, shop, q):
    response = client.post(f"/v1/indexes/{shop}/search", json={"q": q})
    assert response.status_code in (200, 400), response.text


def test_leg_of_next_to_no_weight_is_left_out_and_said_so(search):
    answer = search(q=QUERY, weights={"lexical": 1, "text_vector": 1e-300}, limit=5)
    assert {tuple(hit["legs"]) for hit in answer["hits"]} == {("lexical",)}
    assert [text.split(":")[0] for text in answer["warnings"]] == ["weights.text_vector"]


def test_small_weight_does_not_falsify_the_scores(search, vectors):
    hits = search(q=QUERY, weights={"lexical": 1, "text_vector": 2e-6}, limit=20)["hits"]
    for hit in hits:
        expected = cosine(QUERY, vectors[hit["id"]])
        assert hit["legs"]["text_vector"]["score"] == pytest.approx(expected, abs=INT8)
