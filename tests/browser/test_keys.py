"""The shop page of a service that asks for API keys."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from playwright.sync_api import expect
from werkzeug.serving import make_server

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from service.access.key_store import KeyStore
from service.access.keys import make_key
from tests.browser.catalogue import PRODUCTS, TEMPLATE
from tests.browser.conftest import Silent
from tests.browser.shop import Shop
from tests.service.conftest import running_app

pytestmark = pytest.mark.browser


@pytest.fixture
def key(cluster: Elasticsearch, catalogue: str) -> Iterator[str]:
    """A key for searching that catalogue alone."""
    made = make_key("shop page", ("search",), (catalogue,), created_by="a test")
    store = KeyStore(cluster)
    store.add(made.key)
    yield made.text
    store.revoke(made.key.id)


@pytest.fixture
def guarded(
    elasticsearch: EmbeddedElasticsearch,
    redis_server: EmbeddedRedis,
    catalogue: str,
    photos,
    key: str,
) -> Iterator[str]:
    settings = {
        "text_template": TEMPLATE,
        "image_encoder": "hashing-image",
        "service_photo_directory": str(photos),
        "service_keys": "required",
        "service_events_key": secrets.token_hex(16),
    }
    with running_app(elasticsearch.url, redis_server.url, **settings) as app:
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/shop/{catalogue}"
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_page_asks_for_a_key_and_keeps_it_in_the_tab(page, guarded, key, problems):
    Shop(page, guarded).open("?q=mouse")
    expect(page.locator("#key-form")).to_be_visible()
    assert page.locator(".card").count() == 0
    page.fill("#key", "sw_000000000000_" + "A" * 43)
    page.press("#key", "Enter")
    expect(page.locator("#key-problem")).to_be_visible()
    assert {one.split(" http")[0][-14:] for one in problems} == {"(UNAUTHORIZED)"}
    problems.clear()
    page.fill("#key", key)
    page.press("#key", "Enter")
    expect(page.locator("h1")).to_have_text("mouse")
    expect(page.locator(".card img[src^='blob:']").first).to_be_visible()  # photos need it too
    page.reload()
    expect(page.locator(".card").first).to_be_visible()  # this tab still has it
    page.locator("#q").fill("")
    page.locator("#q").press_sequentially(PRODUCTS[0]["brand"][:4])
    expect(page.locator("[role=option]").first).to_be_visible()
    assert key not in page.url and key not in page.content()
    other = page.context.new_page()
    other.goto(guarded)
    expect(other.locator("#key-form")).to_be_visible()  # and no other
    problems[:] = [one for one in problems if "events" not in one]  # the key is for searching
