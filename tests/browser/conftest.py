"""A real service in a thread, and a real Chromium that looks at its pages."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from tests.browser.catalogue import TEMPLATE, draw, fill
from tests.browser.shop import Shop
from tests.browser.studio import Studio
from tests.service.conftest import running_app, services_of

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
]
PHONE = {"width": 390, "height": 780}
DESKTOP = {"width": 1280, "height": 860}


class Silent(WSGIRequestHandler):
    """Serves without telling of it."""

    protocol_version = "HTTP/1.1"  # connections are kept, as by gunicorn

    def log_request(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application on a free port, and say at which address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="package")
def chromium() -> str:
    """The path of Chromium."""
    path = os.environ.get("SHELFWISE_TEST_CHROMIUM") or shutil.which("chromium")
    if path is None:
        reason = "no chromium on the PATH, and SHELFWISE_TEST_CHROMIUM names none"
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="package")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the products' photos."""
    directory = tmp_path_factory.mktemp("shop") / "photos"
    draw(directory)
    return directory


@pytest.fixture(scope="package")
def catalogue(cluster: Elasticsearch, photos: Path) -> Iterator[str]:
    """Name of a filled index, which no test may change."""
    name = f"sample-{secrets.token_hex(4)}"
    live = fill(cluster, name, photos)
    yield name
    cluster.indices.delete(index=live.index)


@pytest.fixture(scope="package")
def site(
    elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis, catalogue: str, photos: Path
) -> Iterator[str]:
    """The address of the shop page."""
    settings = {
        "text_template": TEMPLATE,
        "image_encoder": "hashing-image",
        "service_photo_directory": str(photos),
        "service_indexes": catalogue,
        "service_events_key": "0123456789abcdef0123456789abcdef",
    }
    with running_app(elasticsearch.url, redis_server.url, **settings) as app:
        searcher, deadline = services_of(app).searcher, time.monotonic() + 30
        while not searcher.understand(catalogue, "velmora").matches:  # learned in the background
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with served(app) as address:
            yield f"{address}/shop/{catalogue}"


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    # Not for the whole run: its event loop would be in the way of other tests' own.
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
    context.set_default_timeout(8_000)
    yield context
    context.close()


@pytest.fixture
def problems() -> list[str]:
    """What a page complained of; empty at the end, unless a test says otherwise."""
    return []


@pytest.fixture
def page(context: BrowserContext, problems: list[str]) -> Iterator[Page]:
    """A tab that lets no error of the console pass."""
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))

    def hear(told: ConsoleMessage) -> None:
        if told.type in ("error", "warning"):
            problems.append(f"{told.text} {told.location['url']}")

    page.on("console", hear)
    page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
    yield page
    assert problems == []


@pytest.fixture
def shop(page: Page, site: str) -> Shop:
    """The shop page, opened."""
    return Shop(page, site).open()


@pytest.fixture
def studio(page: Page, site: str) -> Studio:
    """The studio, which asks for no key here; no page of it is open yet."""
    return Studio(page, site)
