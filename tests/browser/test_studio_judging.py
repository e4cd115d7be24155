"""Judging in a real Chromium: by the keyboard alone, and with a service that goes away."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from playwright.sync_api import BrowserContext, Page, expect

from service.judgements.store import JudgementStore
from tests.browser.studio import Studio
from tests.browser.test_looks import faults

pytestmark = pytest.mark.browser


@pytest.fixture
def list_name(cluster: Elasticsearch) -> Iterator[str]:
    """A name that no list has; what a test makes of it is deleted."""
    name = f"judged-{secrets.token_hex(4)}"
    yield name
    store = JudgementStore(cluster)
    if store.has(name):
        store.delete(name)


def shown(page: Page) -> tuple[str, str]:
    """The query and the product that are to be judged."""
    pair = page.locator("#pair .pair")
    return str(pair.get_attribute("data-query")), str(pair.get_attribute("data-id"))


def begin(studio: Studio, name: str, queries: str) -> Page:
    page = studio.open("judging").page
    page.click("#new-open")
    page.fill("#new-name", name)
    page.press("#new-name", "Enter")
    expect(page.locator("#list")).to_have_value(name)
    page.click("summary:has-text('Queries and rankings')")
    page.uncheck("input[name=source][value=events]")
    page.fill("#queries", queries)
    page.click("#find button[type=submit]")
    expect(page.locator("#pair .pair")).to_be_visible()
    return page


def test_three_are_graded_one_is_taken_back_and_the_export_has_the_rest(
    studio: Studio, cluster: Elasticsearch, list_name, tmp_path: Path
):
    page = begin(studio, list_name, "red shirt\nwireless mouse")
    expect(page.locator("#pair")).to_be_focused()
    assert page.locator("#next-pair .pair").count() == 1  # its photo is on its way
    pairs = []
    for key in "310":
        pairs.append(shown(page))
        page.keyboard.press(key)
    page.keyboard.press("s")
    skipped = shown(page)
    assert skipped not in pairs
    expect(page.locator("#progress-text")).to_contain_text("3 judged")
    page.keyboard.press("u")  # the one that was skipped
    page.keyboard.press("u")
    expect(page.locator("#progress-text")).to_contain_text("2 judged")
    assert shown(page) == pairs[2]
    expect(page.locator("#saving")).to_have_text("All saved")
    assert faults(page) == []
    expected = {query: {} for query, _ in pairs[:2]}
    for (query, product_id), grade in zip(pairs[:2], (3, 1), strict=True):
        expected[query][product_id] = grade
    assert JudgementStore(cluster).read(list_name).judgements == expected
    page.click("text=Progress by query")
    judged = page.locator("#by-query-rows tr[aria-current] td").first
    assert judged.inner_text() == str(len(expected[pairs[2][0]]))
    page.click("#files-open")
    with page.expect_download() as told:
        page.click(".export[data-format=csv]")
    told.value.save_as(tmp_path / "list.csv")
    lines = (tmp_path / "list.csv").read_text().splitlines()
    assert sorted(lines[1:]) == sorted(
        f"{query},{product_id},{grade}"
        for query, grades in expected.items()
        for product_id, grade in grades.items()
    )
    page.set_input_files("#file", tmp_path / "list.csv")
    page.click("text=Import into the list")
    expect(page.locator("#import-said")).to_contain_text("The list has 2 grades")


def test_a_grade_that_cannot_be_saved_waits_and_outlives_the_tab(
    studio: Studio, context: BrowserContext, site, cluster: Elasticsearch, list_name, problems
):
    page = begin(studio, list_name, "red shirt")
    page.route("**/judgements/*", lambda route: route.abort())
    first = shown(page)
    page.keyboard.press("2")
    expect(page.locator("#saving")).to_contain_text("1 not saved yet, trying again")
    assert shown(page) != first  # nobody has to wait for it
    page.keyboard.press("1")
    expect(page.locator("#saving")).to_contain_text("2 not saved yet")
    assert JudgementStore(cluster).read(list_name).judgements == {}
    problems.clear()  # the console tells of requests that failed
    page.close()
    later = Studio(context.new_page(), site).open("judging").page
    deadline = time.monotonic() + 8
    while len(grades := JudgementStore(cluster).read(list_name).judgements.get(first[0], {})) < 2:
        assert time.monotonic() < deadline, grades
        later.wait_for_timeout(50)
    assert grades[first[1]] == 2
    expect(later.locator("#saving")).not_to_contain_text("Saving")
    assert later.evaluate("Object.keys(localStorage).length") == 0


def test_hostile_words_are_shown_as_text(studio: Studio, list_name):
    page = begin(studio, list_name, "<img src=x onerror=alert(1)> socks \u202e{{ 7 * 7 }}")
    assert "<img src=x onerror=alert(1)>" in page.locator("#pair .asked").inner_text()
    assert page.locator("#pair .asked img").count() == 0
