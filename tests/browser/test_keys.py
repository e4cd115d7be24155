"""The shop page and the studio of a service that asks for API keys."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from playwright.sync_api import expect

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from service.access.key_store import KeyStore
from service.access.keys import make_key
from service.judgements.judgement_list import JudgementList
from service.judgements.store import JudgementStore
from tests.browser.catalogue import PRODUCTS, TEMPLATE
from tests.browser.conftest import served
from tests.browser.shop import Shop
from tests.browser.studio import Studio
from tests.service.conftest import running_app

pytestmark = pytest.mark.browser


@pytest.fixture
def admin_key(cluster: Elasticsearch, catalogue: str) -> Iterator[str]:
    """A key for tuning that catalogue alone."""
    made = make_key("studio", ("admin",), (catalogue,), created_by="a test")
    store = KeyStore(cluster)
    store.add(made.key)
    yield made.text
    store.revoke(made.key.id)


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
        with served(app) as address:
            yield f"{address}/shop/{catalogue}"


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


def test_the_studio_asks_for_the_key_of_an_admin(
    page, guarded, key, admin_key, catalogue, problems, cluster
):
    lists, name = JudgementStore(cluster), f"keys-{secrets.token_hex(4)}"
    lists.save(name, JudgementList({"mouse": {PRODUCTS[0]["id"]: 3}}))
    studio = Studio(page, guarded).open("compare", "?q=mouse&b=shipped")
    expect(page.locator("#key-form")).to_be_visible()
    expect(page.locator("#body")).to_be_hidden()
    page.fill("#key", key)  # for searching alone
    page.press("#key", "Enter")
    expect(page.locator("#key-problem")).to_contain_text("admin")
    assert len(problems) == 1 and "(FORBIDDEN)" in problems.pop()
    page.fill("#key", admin_key)
    page.press("#key", "Enter")
    expect(page.locator(".hit h3").first).to_be_visible()
    expect(page.locator(".hit img[src^='blob:']").first).to_be_visible()  # photos need it too
    expect(page.locator("#indexes")).to_have_text(catalogue)  # and no other index is named
    page.reload()
    expect(page.locator(".hit").first).to_be_visible()
    assert admin_key not in page.url and admin_key not in page.content()
    expect(page.locator("#compare-list option")).to_have_text(["none"])  # lists are of all indexes
    refused = page.evaluate(
        "address => import(document.querySelector('script[src*=studio]').src)"
        ".then(studio => studio.ask(address)).catch(error => error.message)",
        f"/studio/{catalogue}/compare/judged?list={name}",
    )
    lists.delete(name)
    assert "judgement lists" in refused and "(FORBIDDEN)" in problems.pop()
    expect(page.locator("#body")).to_be_visible()  # the key is still good for all else
    page.click("#key-forget")
    expect(page.locator("#key-form")).to_be_visible()
    assert studio.problem.count() == 0
