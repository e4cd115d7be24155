"""Servers that go away and come back while the application stays."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from embedded import ports
from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.encoders.hashing import HashingEncoder
from mappings.index_lifecycle import create_index
from service.services import EXTENSION
from tests.service.catalogue import PRODUCTS
from tests.service.conftest import TEMPLATE, fill, running_app

pytestmark = pytest.mark.stack


def eventually(ask, status: int, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while (response := ask()).status_code != status:
        assert time.monotonic() < deadline, response.text
        time.sleep(0.1)


def assert_unavailable(response, code: str) -> None:
    assert response.status_code == 503, response.text
    assert response.json["error"]["code"] == code
    assert int(response.headers["Retry-After"]) > 0


def test_search_survives_a_restart_of_elasticsearch(tmp_path: Path, request, redis_server):
    (port,) = ports.pick_free(1)
    version = request.config.getoption("--es-version")
    server = EmbeddedElasticsearch(tmp_path / "node", version=version, http_port=port, heap="384m")
    with server, running_app(server.url, redis_server.url) as app:
        client, cluster = app.test_client(), app.extensions[EXTENSION].client
        spec = HashingEncoder(template=TEMPLATE).spec
        create_index(cluster, "shop", {"text_vector": spec})
        fill(cluster, "shop", PRODUCTS[:5])

        def search():
            return client.post("/v1/indexes/shop/search", json={"q": "model"})

        before = search().json["hits"]
        assert len(before) == 5
        assert client.get("/readyz").status_code == 200
        server.stop()
        started = time.monotonic()
        assert_unavailable(search(), "cluster_unavailable")
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json["checks"]["redis"] == "ok"
        assert "Retry-After" in ready.headers
        assert client.get("/healthz").status_code == 200
        assert_unavailable(
            client.post("/v1/indexes/shop/products", json=PRODUCTS[0]), "cluster_unavailable"
        )
        assert time.monotonic() - started < 5
        server.start()
        eventually(search, 200)
        eventually(lambda: client.get("/readyz"), 200)
        assert [hit["id"] for hit in search().json["hits"]] == [hit["id"] for hit in before]


def test_writes_survive_a_restart_of_redis(tmp_path: Path, elasticsearch, small_shop):
    (port,) = ports.pick_free(1)
    server = EmbeddedRedis(tmp_path / "redis", port=port, append_only=False)
    with server, running_app(elasticsearch.url, server.url) as app:
        client = app.test_client()

        def write():
            return client.post(f"/v1/indexes/{small_shop}/products", json=PRODUCTS[0])

        accepted = write()
        assert accepted.status_code == 202
        task = client.get(f"/v1/tasks/{accepted.json['task_id']}").json
        assert (task["state"], task["total"]) == ("queued", 1)
        server.stop()
        started = time.monotonic()
        assert_unavailable(write(), "queue_unavailable")
        assert_unavailable(client.get("/v1/tasks/abc"), "queue_unavailable")
        ready = client.get("/readyz")
        # A service that said no would be taken out of the way, and nobody could search.
        assert (ready.status_code, ready.json["status"]) == (200, "degraded")
        assert ready.json["checks"]["elasticsearch"] == "ok"
        assert ready.json["checks"]["redis"] != "ok"
        metrics = client.get("/metrics").text
        assert "shelfwise_queue_up 0.0" in metrics and "queue_messages" not in metrics
        searched = client.post(f"/v1/indexes/{small_shop}/search", json={"q": "model"})
        assert searched.status_code == 200, "searching needs no queue"
        assert time.monotonic() - started < 15
        server.start()
        eventually(write, 202)
        assert client.get("/readyz").json["status"] == "ok"
        assert client.get("/v1/tasks/abc").status_code == 404
