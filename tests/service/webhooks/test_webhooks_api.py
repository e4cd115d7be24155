"""Webhooks over HTTP, on the real Elasticsearch and Redis: what comes out is what the shop has."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from indexer.encoders.hashing import HashingEncoder
from indexer.pipeline import Pipeline
from mappings.errors import MissingSetting
from mappings.index_lifecycle import create_index
from mappings.product_changes import LANES, ProductChange, queue_of
from mappings.task_records import connect
from service.webhooks.config import read_webhooks
from tests.service.conftest import TEMPLATE, running_app
from tests.service.webhooks import payloads

pytestmark = pytest.mark.cluster

SECRET, OLD_SECRET = "a secret of the shop's", "the secret before"
SHIRT, S, M = "8100000000001", "4400000000001", "4400000000002"
TOML = """
[webhooks.shop]
kind = "shopify"
index = "INDEX"
secret = ["env:NEW_SECRET", "env:OLD_SECRET"]
currency = "EUR"

[webhooks.apart]
kind = "shopify"
index = "INDEX"
secret = "env:NEW_SECRET"
variants = "apart"

[webhooks.woo]
kind = "woocommerce"
index = "INDEX"
secret = "env:NEW_SECRET"

[webhooks.pim]
kind = "generic"
index = "INDEX"
secret = "env:NEW_SECRET"
map = "pim.json"
items = "items"
version = "changed"
signature = { header = "X-Signature", prefix = "sha256=" }
delete = { path = "event", values = ["deleted"] }
"""


class Shop:
    """The service with its webhooks, and what the worker makes of the queue."""

    def __init__(self, client: FlaskClient, queue: Any, pipeline: Pipeline, index: str) -> None:
        self.client, self.queue, self.pipeline, self.index = client, queue, pipeline, index

    def send(self, name: str, body: object, *, secret: str = SECRET, **headers: str):
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        digest = hmac.new(secret.encode(), raw, hashlib.sha256)
        text = base64.b64encode(digest.digest()).decode()
        signature = {
            "shop": {"X-Shopify-Hmac-Sha256": text},
            "apart": {"X-Shopify-Hmac-Sha256": text},
            "woo": {"X-WC-Webhook-Signature": text},
            "pim": {"X-Signature": f"sha256={digest.hexdigest()}"},
        }[name]
        return self.client.post(
            f"/v1/webhooks/{name}",
            data=raw,
            headers={"Content-Type": "application/json", **signature, **headers},
        )

    def shopify(self, body: object, topic: str = "products/update", *, name: str = "shop", **more):
        return self.send(name, body, **{"X-Shopify-Topic": topic}, **more)

    def woocommerce(self, body: object, topic: str = "product.updated"):
        return self.send("woo", body, **{"X-WC-Webhook-Topic": topic})

    def changes(self) -> list[ProductChange]:
        """The changes that were queued since the last call."""
        found = []
        for lane in LANES:
            for raw in self.queue.lrange(queue_of(lane), 0, -1):
                sent = orjson.loads(base64.b64decode(orjson.loads(raw)["body"]))[1]
                key = f"shelfwise:batch:{sent['task_id']}:{sent['batch']}"
                kept = orjson.loads(self.queue.hget(key, "payload"))
                found += [ProductChange.from_message(message) for _, message in kept]
            self.queue.delete(queue_of(lane))
        return sorted(found, key=lambda change: change.arrival)

    def work(self) -> dict[str, Any]:
        """Do what a worker does with what is queued, and return the products there are."""
        changes = self.changes()
        if changes:
            self.pipeline.process(self.index, changes)
        return self.products()

    def products(self) -> dict[str, Any]:
        cluster = self.pipeline._client
        cluster.indices.refresh(index=self.index)
        query = {"bool": {"must_not": {"exists": {"field": "deleted_at"}}}}
        found = cluster.search(index=self.index, query=query, size=100)
        return {hit["_id"]: hit["_source"] for hit in found["hits"]["hits"]}


@pytest.fixture
def shop(
    elasticsearch, redis_server, cluster, index_name, tmp_path, monkeypatch
) -> Iterator[Shop]:
    monkeypatch.setenv("NEW_SECRET", SECRET)
    monkeypatch.setenv("OLD_SECRET", OLD_SECRET)
    (tmp_path / "hooks.toml").write_text(TOML.replace("INDEX", index_name))
    (tmp_path / "pim.json").write_text('{"fields": {"id": "sku", "title": "name"}}')
    encoder = HashingEncoder(template=TEMPLATE)
    create_index(cluster, index_name, {"text_vector": encoder.spec})
    with (
        running_app(
            elasticsearch.url,
            redis_server.url,
            service_webhooks=str(tmp_path / "hooks.toml"),
            service_max_body_bytes=100_000,
        ) as app,
        connect(redis_server.url) as queue,
    ):
        queue.delete(*map(queue_of, LANES))
        yield Shop(app.test_client(), queue, Pipeline(cluster, encoder), index_name)


def test_product_is_created_updated_and_deleted(shop):
    answer = shop.shopify(payloads.shopify(), "products/create")
    assert (answer.status_code, answer.json["accepted"]) == (202, 1), answer.text
    task = shop.client.get(f"/v1/tasks/{answer.json['task_id']}").json
    assert (task["index"], task["total"]) == (shop.index, 1)
    assert shop.work()[SHIRT]["title"] == "Harbour Shirt"
    shop.shopify(payloads.shopify(title="Bay Shirt", updated_at="2026-03-01T12:00:01-05:00"))
    assert shop.work()[SHIRT]["title"] == "Bay Shirt"
    shop.shopify({"id": int(SHIRT)}, "products/delete")
    assert shop.work() == {}


def test_variants_that_are_no_longer_there_are_deleted(shop):
    shop.shopify(payloads.shopify(), name="apart")
    assert set(shop.work()) == {S, M}
    only = payloads.shopify(updated_at="2026-03-01T12:00:01-05:00")
    only["variants"] = only["variants"][:1]
    answer = shop.shopify(only, name="apart")
    assert answer.json["accepted"] == 2
    assert set(shop.work()) == {S}
    shop.shopify({"id": int(SHIRT)}, "products/delete", name="apart")
    assert shop.work() == {}


def test_variants_are_known_before_any_worker_has_seen_them(shop):
    shop.shopify(payloads.shopify(), "products/create", name="apart")
    shop.shopify({"id": int(SHIRT)}, "products/delete", name="apart")
    assert shop.work() == {}


def test_variants_of_a_feed_are_found_in_the_index(shop):
    fields = {"title": "Old", "parent_id": SHIRT}
    shop.pipeline.process(shop.index, [ProductChange("upsert", "old", fields, 5)])
    shop.products()
    shop.shopify(payloads.shopify(), name="apart")
    assert set(shop.work()) == {S, M}


@pytest.mark.parametrize("name", ["shop", "apart"])
def test_replayed_and_late_webhooks_change_nothing(shop, name):
    first = payloads.shopify(title="First")
    second = payloads.shopify(title="Second", updated_at="2026-03-01T12:00:05-05:00")
    for body in (second, first, second):
        assert shop.shopify(body, name=name).status_code == 202
    shirts = shop.work()
    assert {one["title"].partition(" ")[0] for one in shirts.values()} == {"Second"}
    shop.shopify({"id": int(SHIRT)}, "products/delete", name=name)
    assert shop.work() == {}
    for body in (first, second):  # who has caught a webhook may send it again, but no other
        answer = shop.shopify(body, name=name)
        assert (answer.status_code, answer.json["accepted"]) == (202, 0)
    assert shop.work() == {}


def test_woocommerce_product_comes_goes_and_comes_back(shop):
    assert shop.send("woo", b"webhook_id=5").status_code == 200
    shop.woocommerce(payloads.woocommerce(), "product.created")
    assert shop.work()["812"]["price"] == 34.9
    shop.woocommerce({"id": 812}, "product.deleted")
    assert shop.work() == {}
    assert shop.woocommerce(payloads.woocommerce()).json["accepted"] == 0
    shop.woocommerce(payloads.woocommerce(), "product.restored")
    assert set(shop.work()) == {"812"}


def test_generic_webhook_brings_what_its_map_says(shop):
    at = "2026-03-01T12:00:00Z"
    body = {"event": "saved", "changed": at, "items": [{"sku": "a", "name": "A"}]}
    assert shop.send("pim", body).json["accepted"] == 1
    assert shop.work()["a"]["title"] == "A"
    shop.send("pim", {**body, "event": "deleted", "changed": "2026-03-01T12:00:01Z"})
    assert shop.work() == {}


def test_secret_may_be_replaced_while_the_old_one_still_counts(shop):
    assert shop.shopify(payloads.shopify(), secret=OLD_SECRET).status_code == 202


@pytest.mark.parametrize("name", ["shop", "woo", "pim"])
def test_wrong_signature_is_a_401_without_a_reason(shop, name):
    topics = {"X-Shopify-Topic": "products/delete", "X-WC-Webhook-Topic": "product.deleted"}
    answer = shop.send(name, {"id": 1}, secret="guessed", **topics)
    assert answer.status_code == 401
    assert answer.json["error"]["message"] == "the signature is missing or wrong"
    assert shop.changes() == []


def test_body_that_was_changed_on_the_way_is_a_401(shop):
    raw = orjson.dumps(payloads.shopify())
    text = base64.b64encode(hmac.digest(SECRET.encode(), raw, "sha256")).decode()
    answer = shop.client.post(
        "/v1/webhooks/shop",
        data=raw.replace(b"39.00", b" 1.00"),
        headers={"X-Shopify-Hmac-Sha256": text, "X-Shopify-Topic": "products/update"},
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b"", 400), (b'{"id": 1}', 400), (b" " * 100_001, 413)],
)
def test_signed_body_that_cannot_be_used_is_a_4xx(shop, body, status):
    assert shop.shopify(body).status_code == status


def test_unknown_webhook_is_a_404(shop):
    assert shop.client.post("/v1/webhooks/other", data=b"{}").status_code == 404


def test_redis_away_is_a_503_so_that_the_shop_sends_again(
    elasticsearch, shop, tmp_path, monkeypatch
):
    with running_app(
        elasticsearch.url,
        "redis://127.0.0.1:9/0",
        service_webhooks=str(tmp_path / "hooks.toml"),
    ) as app:
        away = Shop(app.test_client(), None, shop.pipeline, shop.index)
        answer = away.shopify(payloads.shopify())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_webhook_is_answered_fast(shop):
    """Shopify waits 5 s; what is done before the answer should be far from that."""
    times = []
    for second in range(20):
        body = payloads.shopify(updated_at=f"2026-03-01T12:00:{second:02}-05:00")
        started = time.perf_counter()
        assert shop.shopify(body).status_code == 202
        times.append(time.perf_counter() - started)
    assert sorted(times)[10] < 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('"shopify"', '"magento"', 1), r"webhooks\.shop\.kind"),
        (lambda text: text.replace("env:NEW_SECRET", "hunter2"), r"webhooks\.shop\.secret"),
        (lambda text: text.replace("env:NEW_SECRET", "env:NONE"), "env:NONE: is not set"),
        (lambda text: text.replace("pim.json", "no.json"), r"webhooks\.pim: no field map"),
        (lambda text: text.replace('"EUR"', '"euro"'), r"webhooks\.shop\.currency"),
        (lambda text: text.replace("header =", "heder ="), r"webhooks\.pim\.signature\.heder"),
        (
            lambda text: text.replace("header =", 'timestamp_header = "X-Time", header ='),
            r"webhooks\.pim\.signature.*timestamp_header: goes with",
        ),
        (
            lambda text: text.replace("header =", 'signed = "{timestamp}.{body}", header ='),
            r"webhooks\.pim\.signature.*timestamp_header: goes with",
        ),
    ],
)
def test_service_does_not_start_with_a_webhook_that_cannot_work(
    tmp_path, monkeypatch, change: Callable[[str], str], said
):
    monkeypatch.setenv("NEW_SECRET", SECRET)
    monkeypatch.setenv("OLD_SECRET", OLD_SECRET)
    (tmp_path / "pim.json").write_text('{"fields": {"id": "sku", "title": "name"}}')
    path = tmp_path / "hooks.toml"
    path.write_text(TOML.replace("INDEX", f"shop-{secrets.token_hex(2)}"))
    assert set(read_webhooks(path)) == {"shop", "apart", "woo", "pim"}
    path.write_text(change(path.read_text()))
    with pytest.raises(MissingSetting, match=said) as caught:
        read_webhooks(path)
    assert "hunter2" not in str(caught.value)
