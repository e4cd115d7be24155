"""The studio's pages of weights and experiments, from the first version to the winner."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from flask import Flask
from playwright.sync_api import Page, expect

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.encoders.hashing import HashingEncoder
from mappings.index_lifecycle import create_index
from service.events.event_store import EventStore
from service.events.pseudonyms import Pseudonyms
from service.events.stored_event import StoredEvent
from service.weights.experiments import Experiment, Team
from service.weights.query_ids import QueryIds, is_signed
from service.weights.store import WeightsStore
from service.weights.switching import start_experiment
from tests.browser.conftest import PHONE, served
from tests.browser.shop import Shop
from tests.browser.studio import Studio
from tests.browser.test_looks import faults
from tests.service.catalogue import PRODUCTS
from tests.service.conftest import TEMPLATE, fill, running_app, services_of
from tests.service.test_experiments_search import A, B, document

pytestmark = pytest.mark.browser
KEY = "a key that only the tests have"
MARKUP = "<img src=x onerror=alert(1)> \u202e"


@pytest.fixture
def index(cluster: Elasticsearch) -> Iterator[str]:
    """An index of its own: what ranks it would change other tests."""
    name = f"tuned-{secrets.token_hex(4)}"
    live = create_index(cluster, name, {"text_vector": HashingEncoder(template=TEMPLATE).spec})
    fill(cluster, name, PRODUCTS[:12])
    yield name
    cluster.indices.delete(index=live.index)


@pytest.fixture
def app(
    elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis, index: str
) -> Iterator[Flask]:
    with running_app(elasticsearch.url, redis_server.url, service_events_key=KEY) as app:
        services_of(app).searcher._preparer.rankings._ttl_seconds = 0.05  # type: ignore[attr-defined]
        yield app


@pytest.fixture
def studio(app: Flask, index: str, page: Page) -> Iterator[Studio]:
    with served(app) as address:
        yield Studio(page, f"{address}/shop/{index}")


@pytest.fixture
def store(cluster: Elasticsearch) -> WeightsStore:
    return WeightsStore(cluster)


def agree(page: Page) -> None:
    page.locator("dialog.confirm button[value=yes]").click()
    expect(page.locator("dialog.confirm")).to_have_count(0)


def test_versions_are_imported_activated_compared_and_rolled_back(
    studio: Studio, app: Flask, store: WeightsStore, index: str, tmp_path: Path
) -> None:
    page = studio.open("weights").page
    answering = page.locator("#answering")
    expect(answering).to_contain_text("(shipped)")
    expect(page.locator("[data-action=rollback]")).to_be_disabled()
    file = tmp_path / "weights.json"
    file.write_text(json.dumps(document("elsewhere", A, note=MARKUP)), encoding="utf-8")
    page.set_input_files("#file", file)
    page.click("#import button")
    first = f"{index}-1"
    row = page.locator(f"tr[data-version='{first}']")
    expect(row.locator(".words")).to_have_text(MARKUP)  # as text
    interval = {"value": 0.8, "low": 0.76, "high": 0.84}
    gain = {"value": 0.03, "low": -0.01, "high": 0.07}
    metrics = {"ndcg@10": interval, "gain_over_shipped": gain}
    second = store.save(document(index, B, metrics=metrics))

    studio.open("weights").settled()
    row = page.locator(f"tr[data-version='{second}']")
    expect(row.locator(".figures").first).to_contain_text("0.800 0.760 to 0.840")
    expect(row.locator(".figures").last).to_contain_text("+0.030 -0.010 to +0.070")
    assert row.locator("svg .range").count() == 2 and row.locator("svg .zero").count() == 1

    button = row.locator("[data-action=activate]")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog.confirm")).to_contain_text(f"by {second} from now on?")
    page.keyboard.press("Escape")
    expect(page.locator("dialog.confirm")).to_have_count(0)
    assert store.state(index).active is None, "Escape changes nothing"
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # the first button of the dialog has the focus
    expect(answering).to_have_text(f"Searches are ranked by {second}")
    expect(answering).to_be_focused()
    expect(page.locator("#status")).to_have_text(f"{second} ranks from now on.")
    page.wait_for_timeout(100)  # a service looks every two seconds, this one more often
    answer = app.test_client().post(f"/v1/indexes/{index}/search", json={"q": "mouse"})
    assert answer.get_json()["weights_version"] == second
    expect(row.locator("[data-action=delete]")).to_be_disabled()

    page.locator(f"tr[data-version='{first}'] [data-action=activate]").click()
    agree(page)
    expect(answering).to_contain_text(first)
    page.click("[data-action=rollback]")
    agree(page)
    expect(answering).to_contain_text(second)
    page.click("#compare button")
    expect(page.locator("#difference tbody")).to_contain_text("text_vector")
    row.locator("[data-action=shares]").click()
    expect(page.locator("#shares h3")).to_have_text(second)
    expect(page.locator("#shares table").first.locator("tbody tr").first).to_contain_text("0.9")
    assert studio.state["version"] == [second]
    page.click("summary:has-text('History')")
    expect(page.locator(".history tbody tr")).to_have_count(3)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert faults(page) == []
    page.click("[data-action=deactivate]")
    agree(page)
    expect(answering).to_contain_text("(shipped)")
    page.locator(f"tr[data-version='{first}'] [data-action=delete]").click()
    agree(page)
    expect(page.locator(f"tr[data-version='{first}']")).to_have_count(0)
    with page.expect_download() as saved:
        page.locator(f"tr[data-version='{second}'] [data-action=export]").click()
    exported = json.loads(Path(saved.value.path()).read_text("utf-8"))
    assert exported["model"] == store.get(index, second)["model"]
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0


def test_experiment_is_started_counted_and_settled_by_its_winner(
    studio: Studio, cluster: Elasticsearch, store: WeightsStore, index: str
) -> None:
    page = studio.open("experiments").page
    expect(page.locator("#running")).to_contain_text("It takes two versions")
    first, second = (store.save(document(index, one)) for one in (A, B))
    studio.open("experiments").settled()
    assert (page.input_value("#a"), page.input_value("#b")) == (first, second)
    page.check("input[name=kind][value=ab]")
    page.fill("#share", "50")
    page.click("#start button")
    agree(page)
    expect(page.locator("#running-head")).to_have_text("An experiment runs")
    running = store.state(index).experiment
    assert running is not None and (running.kind, running.share) == ("ab", 0.5)
    expect(page.locator("#report .verdicts")).to_contain_text("Too few clients")

    events = [*pages(running, index, "A", 100, 20), *pages(running, index, "B", 100, 27)]
    EventStore(cluster).add(events)
    cluster.indices.refresh(index="shelfwise-events-*")
    page.click("#count")
    verdict = page.locator("#report .verdicts li").first
    expect(verdict).to_contain_text("Clicks: B is ahead, but p = 0.24: chance alone may well")
    expect(verdict).to_contain_text("more clients should show it")
    row = page.locator("#report tbody tr").first
    expect(row).to_contain_text("20.0 %")
    expect(row).to_contain_text("+7.0")
    assert row.locator("svg").count() == 3
    expect(page.locator("#report")).to_contain_text("divided as the share says")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert faults(page) == []

    EventStore(cluster).add([*pages(running, index, "B", 100, 90, first=100)])
    cluster.indices.refresh(index="shelfwise-events-*")
    page.click("#count")
    expect(page.locator("#report .problem")).to_contain_text("trust none of these numbers")
    EventStore(cluster).add([*pages(running, index, "A", 100, 20, first=100)])
    cluster.indices.refresh(index="shelfwise-events-*")
    page.click("#count")
    expect(page.locator("#report .verdicts li").first).to_contain_text(
        "Clicks: B leads; p < 0.001"
    )
    page.locator("[data-action=settle]").last.click()
    agree(page)
    expect(page.locator("#running-head")).to_have_text("No experiment runs")
    expect(page.locator("#status")).to_have_text(
        f"The experiment has ended; {second} ranks from now on."
    )
    state = store.state(index)
    assert (state.active, state.experiment) == (second, None)
    assert studio.state["experiment"] == [running.id]  # its report can still be read
    expect(page.locator("#report caption")).to_contain_text(running.id)
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0


def pages(
    experiment: Experiment, index: str, arm: Team, clients: int, clicking: int, first: int = 0
) -> Iterator[StoredEvent]:
    """What clients of one arm did, as the intake stores it: a page each, some with a click."""
    ids, pseudonyms = QueryIds(KEY.encode()), Pseudonyms(KEY.encode())
    for number in range(first, first + clients):
        client = f"{arm}-{number}"
        query_id = ids.sign(index, experiment, client, arm)
        for action in ("impression", "click")[: 1 + (number - first < clicking)]:
            yield StoredEvent(
                id=secrets.token_hex(8),
                action=action,
                query_id=query_id,
                client=pseudonyms.client(client),
                session=None,
                at=datetime.now(UTC),
                user_query=f"mouse {number}",
                index=index,
                key_id=pseudonyms.key_id,
                object_id="p1" if action == "click" else None,
                ordinal=None,
                shown=() if action == "click" else (("p1", 1), ("p2", 2)),
            )


def test_the_shop_page_takes_part_and_its_clicks_are_counted(
    studio: Studio, cluster: Elasticsearch, store: WeightsStore, index: str
) -> None:
    first, second = (store.save(document(index, one)) for one in (A, B))
    start_experiment(store, index, "ab", (first, second), 1.0)
    shop = Shop(studio.page, studio.root.replace("/studio/", "/shop/"))
    shop.open("?q=mouse")
    expect(shop.page.locator("#view > main:not([data-trial])")).to_be_visible()
    assert is_signed(query_of(shop)), "the page that came without an id was asked for again"
    shop.search("wireless mouse")
    assert is_signed(query_of(shop))
    with shop.page.expect_response("**/v1/events") as told, shop.piece():
        shop.page.locator("#cards .card-link").first.click()
    assert told.value.status == 202
    cluster.indices.refresh(index="shelfwise-events-*")
    studio.open("experiments").settled()
    row = shop.page.locator("#report tbody tr").first
    expect(row.locator("td").nth(1)).to_contain_text("of 1 clients")
    expect(row.locator("td").nth(1)).to_contain_text("100.0 %")

    shop.page.add_init_script(
        "Object.defineProperty(navigator, 'globalPrivacyControl', {get: () => true});"
        "localStorage.removeItem('shelfwise-client');"
    )
    shop.open("?q=mouse")
    shop.search("wireless mouse")
    assert not is_signed(query_of(shop)), "who does not want to be followed is in no experiment"
    assert shop.page.evaluate("localStorage.getItem('shelfwise-client')") is None


def query_of(shop: Shop) -> str:
    return str(shop.page.locator("#view > main").get_attribute("data-query-id"))
