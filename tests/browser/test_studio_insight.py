"""The page of figures: what was searched for, seen, clicked through and taken away as a file."""

from __future__ import annotations

import csv
import io
import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mappings.cluster import connect
from mappings.queue_state import LaneState, QueueState
from mappings.settings import SharedSettings
from service.events.event_store import EventStore
from service.events.stored_event import StoredEvent
from service.insight.log_store import LogStore
from service.insight.recorder import _queue_documents
from service.insight.search_log import LoggedSearch, SearchLog
from tests.browser.studio import Studio
from tests.browser.test_looks import faults

pytestmark = pytest.mark.browser

HOSTILE = ["<img src=x onerror=alert(1)>", "\u202egnp.evil \U0001f45f", "=1+cmd|' /c calc'!a1"]


@pytest.fixture(scope="module")
def figures(elasticsearch, catalogue) -> None:
    """Two hours of searches, of which every third found nothing, and events of one query."""
    now = datetime.now(UTC)
    documents = []
    for minutes in range(1, 120, 6):
        log = SearchLog(clock=lambda at=now - timedelta(minutes=minutes): at.timestamp())
        for number in range(30):
            words = "red shoe" if number % 3 else "unicorn"
            total, took = (7 if number % 3 else 0), 10.0 + number + minutes
            log.note(LoggedSearch(catalogue, "shop", words, total, took, weights="default-2"))
        for words in HOSTILE:
            log.note(LoggedSearch(catalogue, "search", words, 1, 12.0, weights="default-2"))
        documents += log.take()
    state = QueueState({"fast": LaneState(1, 1, 40, 12.5), "bulk": LaneState()}, 2)
    documents += _queue_documents(round(now.timestamp() * 1e3) - 60_000, state)
    with connect(SharedSettings(elasticsearch_url=elasticsearch.url)) as client:
        # Visitors of other tests have been on the page of the same catalogue.
        EventStore(client).purge(now)
        store = LogStore(client)
        store.write(documents)
        store.refresh()
        EventStore(client).add(
            [event for number in range(8) for event in _events(catalogue, number, now)]
        )
        client.indices.refresh(index="shelfwise-events-*")


def _events(index: str, number: int, now: datetime) -> list[StoredEvent]:
    common = {
        "query_id": f"insight-{number}",
        "client": "c" * 64,
        "session": None,
        "at": now - timedelta(minutes=5),
        "index": index,
        "key_id": "k",
    }
    query = "red shoe" if number < 2 else "unicorn"
    shown = StoredEvent(
        id=secrets.token_hex(8),
        action="impression",
        user_query=query,
        shown=tuple((f"p{place}", place) for place in (1, 2, 3)),
        **common,
    )
    click = StoredEvent(
        id=secrets.token_hex(8),
        action="click",
        user_query=None,
        object_id="p1",
        ordinal=1,
        **common,
    )
    return [shown, click] if number == 0 else [shown]


def test_figures_plots_and_tables_of_a_day(studio, figures):
    page = studio.open("insight").page
    expect(page.locator("[data-figure=searches]")).to_have_text("660")  # 20 times 33
    expect(page.locator("[data-figure=zero]")).to_have_text("30.3 %")  # 200 of 660
    expect(page.locator("[data-figure=clicks]")).to_have_text("12.5 %")  # 1 of 8
    names = [plot.get_attribute("aria-label") for plot in page.get_by_role("img").all()]
    assert names == [
        "Searches in 30 minutes",
        "Searches without results",
        "Time of an answer",
        "Clicked and bought by position",
        "Age of the oldest unfinished change",
    ]
    first = page.locator("table.queries[data-only=all] tbody tr").first
    assert "red shoe" in first.inner_text() and "of 2, likely 9 to 91" in first.inner_text()
    none_found = page.locator("table.queries[data-only=no_results] tbody th").all_inner_texts()
    assert none_found == ["unicorn"]
    unclicked = page.locator("table.queries[data-only=no_clicks] tbody th").all_inner_texts()
    assert unclicked == ["unicorn"]
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    expect(page.get_by_role("row").filter(has_text="12.5").first).to_be_visible()
    assert faults(page) == []
    page.emulate_media(color_scheme="dark")
    assert faults(page) == []


def test_queries_are_shown_as_text_and_lead_on(studio, figures):
    page = studio.open("insight").page
    shown = page.locator("table.queries[data-only=all] tbody th").all_inner_texts()
    assert set(HOSTILE) <= set(shown)  # all in lower case
    assert page.locator("table.queries img").count() == 0
    row = page.locator("table.queries[data-only=no_results] tbody tr", has_text="unicorn")
    expect(row.get_by_role("link", name="Search for unicorn")).to_have_attribute(
        "href", f"/shop/{studio.root.rpartition('/')[2]}?q=unicorn"
    )
    row.get_by_role("link", name="Compare unicorn").click()
    expect(page).to_have_url(re.compile(rf"{studio.root}/compare\?q=unicorn"))
    page = studio.open("insight").page
    page.get_by_role("link", name="Make a rule for unicorn").last.click()
    expect(page.locator("#rule-queries")).to_have_value("unicorn")


def test_span_stands_in_the_address_and_tables_sort(studio, figures):
    page = studio.open("insight").page
    page.get_by_role("button", name="hour", exact=True).click()
    studio.settled()
    assert studio.state == {"from": ["1h"]}
    expect(page.locator("[data-figure=searches]")).to_have_text("330")
    page.reload()
    studio.settled()
    expect(page.get_by_role("button", name="hour", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    queries = page.locator("table.queries[data-only=all]")
    queries.get_by_role("button", name="Query").click()
    texts = queries.locator("tbody th").all_inner_texts()
    assert texts.index("red shoe") < texts.index("unicorn")
    page.fill("#insight-from", "2020-01-01T00:00")
    page.fill("#insight-to", "2020-01-02T00:00")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="No searches in this time")).to_be_visible()
    expect(page.get_by_role("heading", name="No clicks are known yet")).to_be_visible()
    page.go_back()
    studio.settled()
    expect(page.locator("[data-figure=searches]")).to_have_text("330")


def test_tables_are_taken_away_as_files_without_formulas(studio, figures, tmp_path):
    page = studio.open("insight").page
    with page.expect_download() as told:
        page.get_by_role("button", name="CSV of the table Top queries").click()
    path: Path = tmp_path / "queries.csv"
    told.value.save_as(path)
    assert told.value.suggested_filename.endswith("-queries-all.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))
    assert {row["query"] for row in rows} == {
        "red shoe",
        "unicorn",
        *HOSTILE[:2],
        f"'{HOSTILE[2]}",
    }


def test_a_span_that_cannot_be_is_said_once(studio, problems):
    studio.open("insight", "?from=soon")
    expect(studio.problem).to_contain_text("from: should be a time")
    assert len(problems) == 1 and "(BAD REQUEST)" in problems.pop()


def test_nothing_recorded_says_how_to_begin(studio: Studio):
    page = studio.open("insight", "?from=2019-01-01&to=2019-01-02").page
    expect(page.locator("#insight-overview .empty")).to_contain_text("No searches in this time")
    expect(page.locator("#insight-positions .empty")).to_contain_text("POST /v1/events")
    assert faults(page) == []
