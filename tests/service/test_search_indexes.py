"""Several indexes, unknown and foreign ones, and products that vanish meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

import service.searcher
from indexer.encoders.hashing import HashingEncoder
from indexer.pipeline import Pipeline
from mappings.encoder_spec import EncoderSpec, external
from mappings.index_lifecycle import create_index
from mappings.product_changes import ProductChange
from tests.service.catalogue import PRODUCTS
from tests.service.conftest import TEMPLATE, running_app

pytestmark = pytest.mark.cluster
SPEC = HashingEncoder(template=TEMPLATE).spec


def error_of(response) -> dict:
    assert set(response.json) == {"error"}
    assert set(response.json["error"]) == {"code", "message", "field", "request_id"}
    return response.json["error"]


def test_unknown_index_is_a_404(client):
    response = client.post("/v1/indexes/no-such-index/search", json={})
    assert response.status_code == 404
    assert error_of(response)["code"] == "unknown_index"
    assert "'no-such-index'" in error_of(response)["message"]


@pytest.mark.parametrize("name", ["_all", "*", "a,b", "UPPER", "x-write", "x-v1", "é"])
def test_index_name_that_could_reach_others_is_a_400(client, name):
    response = client.post(f"/v1/indexes/{name}/search", json={})
    assert response.status_code == 400
    assert error_of(response)["field"] == "index"


@pytest.mark.parametrize("name", ["%2e%2e", ".security", "shelfwise-keys"])
def test_index_that_is_no_shops_is_refused_to_all(client, name):
    response = client.post(f"/v1/indexes/{name}/search", json={})
    assert (response.status_code, error_of(response)["field"]) == (403, "index")


@pytest.mark.parametrize("change", [{"revision": "2"}, {"dims": 8}, {"name": "minilm"}], ids=str)
def test_index_of_another_encoder_is_searched_by_words_and_says_so(
    cluster, elasticsearch, redis_server, shop, index_name, change
):
    create_index(cluster, index_name, {"text_vector": replace(SPEC, **change)})
    served = f"{shop},{index_name}"
    with running_app(elasticsearch.url, redis_server.url, service_indexes=served) as app:
        client = app.test_client()
        response = client.post(f"/v1/indexes/{index_name}/search", json={"q": "mouse"})
        assert response.status_code == 200
        assert response.json["warnings"] == [
            "text_vector: the encoder is not available; words alone were searched"
        ]
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json["status"]) == (200, "degraded")
        assert ready.json["checks"]["elasticsearch"] == "ok"
        assert index_name in ready.json["checks"]["encoders"]
        assert next(iter(change)) in ready.json["checks"]["encoders"]
        # The other index is served as ever.
        other = client.post(f"/v1/indexes/{shop}/search", json={"q": "mouse"}).json
        assert other["hits"] and other["warnings"] == []


def test_index_that_is_not_served_is_unknown(elasticsearch, redis_server, shop, small_shop):
    with running_app(elasticsearch.url, redis_server.url, service_indexes=shop) as app:
        client = app.test_client()
        assert client.get("/readyz").json["status"] == "ok"
        assert client.post(f"/v1/indexes/{shop}/search", json={}).status_code == 200
        assert client.post(f"/v1/indexes/{small_shop}/search", json={}).status_code == 404


def test_index_that_shelfwise_did_not_make_is_a_503(client, cluster, index_name):
    cluster.indices.create(index=f"{index_name}-v1", aliases={index_name: {}})
    response = client.post(f"/v1/indexes/{index_name}/search", json={})
    assert response.status_code == 503
    assert error_of(response)["code"] == "mapping_mismatch"


def test_index_of_the_shops_own_vectors_is_served_beside_ours(
    client, search, cluster, shop, index_name
):
    create_index(cluster, index_name, {"text_vector": external(4), "image_vector": external(3)})
    axes = [[0.8, 0.6, 0, 0], [0, 1.0, 0, 0], [0.6, 0.8, 0, 0]]
    changes = [
        ProductChange(
            "upsert",
            str(number),
            {
                "title": f"mouse {number}",
                "vectors": {"text_vector": axis, "image_vector": axis[:3]},
            },
        )
        for number, axis in enumerate(axes)
    ]
    assert Pipeline(cluster, HashingEncoder(template=TEMPLATE)).process(
        index_name, changes
    ).indexed == len(axes)
    cluster.indices.refresh(index=index_name)
    brought = search(index_name, vectors={"text_vector": [0, 2.0, 0, 0]}, limit=3)
    scores = {hit["id"]: hit["legs"]["text_vector"]["score"] for hit in brought["hits"]}
    assert scores == {
        key: pytest.approx(v, abs=0.02) for key, v in (("0", 0.6), ("1", 1), ("2", 0.8))
    }
    words = search(index_name, q="mouse 2")
    assert words["hits"][0]["id"] == "2"
    assert list(words["hits"][0]["legs"]) == ["lexical"]
    two = search(
        index_name,
        q="mouse",
        vectors={"text_vector": [1.0, 0, 0, 0], "image_vector": [0, 1.0, 0]},
        weights={"lexical": 1, "text_vector": 1, "image_vector": 2},
    )
    for hit in two["hits"]:
        assert set(hit["legs"]) == {"lexical", "text_vector", "image_vector"}
        parts = [share["contribution"] for share in hit["legs"].values()]
        assert hit["score"] == pytest.approx(sum(parts))
    refused = client.post(
        f"/v1/indexes/{index_name}/search", json={"vectors": {"text_vector": [1.0] * 256}}
    )
    assert error_of(refused)["field"] == "vectors.text_vector"
    assert search(shop, q="mouse")["hits"][0]["legs"]["text_vector"]["score"]


def test_index_without_vectors_is_searched_by_words(search, cluster, index_name):
    create_index(cluster, index_name, {})
    cluster.index(
        index=index_name,
        id="1",
        document={"product_id": "1", "parent_id": "1", "title": "Mouse"},
        refresh=True,
    )
    answer = search(index_name, q="mouse")
    assert [(hit["id"], list(hit["legs"])) for hit in answer["hits"]] == [("1", ["lexical"])]


def test_product_without_a_vector_is_found_by_its_words(search, cluster, small_shop):
    document = {"product_id": "bare", "parent_id": "bare", "title": "model without a vector"}
    cluster.index(index=small_shop, id="bare", document=document, refresh=True)
    hits = search(small_shop, q="model without vector", limit=20)["hits"]
    (bare,) = [hit for hit in hits if hit["id"] == "bare"]
    assert bare["legs"]["text_vector"] == {
        "score": None,
        "rank": None,
        "weight": pytest.approx(bare["legs"]["text_vector"]["weight"]),
        "contribution": 0.0,
    }
    assert len(hits) == 13


def test_product_deleted_between_the_passes_is_left_out(search, cluster, small_shop, monkeypatch):
    body = {"q": "model", "limit": 5}
    before = [hit["id"] for hit in search(small_shop, **body)["hits"]]
    original = service.searcher.fetch_products

    def fetch_after_deletion(*args, **options):
        if cluster.exists(index=small_shop, id=before[1]):
            cluster.delete(index=small_shop, id=before[1], refresh=True)
        return original(*args, **options)

    monkeypatch.setattr(service.searcher, "fetch_products", fetch_after_deletion)
    answer = search(small_shop, **body)
    assert [hit["id"] for hit in answer["hits"]] == [before[0], *before[2:]]
    rest = search(small_shop, **body, cursor=answer["cursor"])
    assert not set(before) & {hit["id"] for hit in rest["hits"]}


@pytest.mark.parametrize(
    "body",
    [
        {"q": "model"},
        {"q": "model", "rank_window_size": 4},
        {"q": "model", "mode": "fast"},
        {"sort": [{"price": "asc"}]},
        {},
    ],
    ids=str,
)
def test_product_deleted_between_two_pages_shifts_nothing(search, cluster, small_shop, body):
    whole = [hit["id"] for hit in search(small_shop, **body, limit=20)["hits"]]
    first = search(small_shop, **body, limit=3)
    cluster.delete(index=small_shop, id=whole[1], refresh=True)
    second = search(small_shop, **body, limit=20, cursor=first["cursor"])
    expected = {*whole[3:]}
    found = [hit["id"] for hit in second["hits"]]
    assert set(found) == expected
    assert len(found) == len(expected)


def test_index_that_is_dropped_meanwhile_is_a_404(client, cluster, small_shop):
    assert client.post(f"/v1/indexes/{small_shop}/search", json={}).status_code == 200
    for index in cluster.indices.get(index=f"{small_shop}-v*"):
        cluster.indices.delete(index=index)
    assert client.post(f"/v1/indexes/{small_shop}/search", json={}).status_code == 404


def test_product_is_read_by_its_id_before_it_is_searchable(client, cluster, small_shop):
    sent = PRODUCTS[20]
    change = ProductChange("upsert", "a/b c?é", {k: v for k, v in sent.items() if k != "id"})
    Pipeline(cluster, HashingEncoder(template=TEMPLATE)).process(small_shop, [change])
    assert client.get(f"/v1/indexes/{small_shop}/products/p003").json["id"] == "p003"
    listed = client.get(f"/v1/indexes/{small_shop}/products/p003").json["product"]
    assert listed["title"] == PRODUCTS[3]["title"]
    for name in ("nobody", "..", "%2e%2e", "_search", "x" * 512):
        response = client.get(f"/v1/indexes/{small_shop}/products/{name}")
        assert (response.status_code, error_of(response)["code"]) == (404, "unknown_product")


def test_vectors_of_another_length_are_not_searched_either(
    cluster, elasticsearch, redis_server, index_name
):
    create_index(cluster, index_name, {"text_vector": EncoderSpec("hashing", "1", 8)})
    with running_app(elasticsearch.url, redis_server.url, service_indexes=index_name) as app:
        response = app.test_client().post(f"/v1/indexes/{index_name}/search", json={"q": "x"})
        assert response.status_code == 200 and response.json["warnings"]
