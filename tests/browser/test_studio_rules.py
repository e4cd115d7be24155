"""The page of rules: what a search manager does there, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from playwright.sync_api import Page, expect

from service.rules.rule import RuleSet
from service.rules.store import RulesStore
from tests.browser.conftest import PHONE
from tests.browser.studio import Studio
from tests.browser.test_looks import faults

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)> \"'` \u202eevil\u202c \U0001f9e8"
QUERQY = "lamp =>\n  SYNONYM: light\n  DECORATE: <b>x</b>\n"


@pytest.fixture
def rules_page(studio: Studio, cluster: Elasticsearch, catalogue: str) -> Iterator[Page]:
    """The page, of an index without rules; what a test leaves in force is ended."""
    yield studio.open("rules").page
    RulesStore(cluster).deactivate(catalogue)


def first_hit(page: Page, catalogue: str, q: str) -> str:
    script = """([name, q]) => fetch(`/v1/indexes/${name}/search?q=${encodeURIComponent(q)}`)
        .then((answer) => answer.json()).then((answer) => answer.hits[0].id)"""
    found: str = page.evaluate(script, [catalogue, q])
    return found


def test_rule_is_made_previewed_saved_changed_and_taken_back(rules_page, catalogue):
    page, words = rules_page, "mouse"
    before = first_hit(page, catalogue, words)
    page.get_by_role("button", name="Add a rule").click()
    expect(page.locator("#rule-head")).to_be_focused()
    page.get_by_label("Name").first.fill("summer")
    page.get_by_label("Note").fill(HOSTILE)
    page.get_by_label("Words of the query").fill(words)
    page.get_by_label("Find a product to pin").fill(words)
    page.get_by_label("Find a product to pin").press("Enter")
    page.locator("#pin-found button").nth(2).click()
    pinned = page.locator("#pins li").get_attribute("data-id")
    assert pinned != before
    page.get_by_role("button", name="Add products").click()
    page.get_by_label("What is done").select_option("bury")
    page.get_by_label("To which products").select_option("ids")
    page.get_by_label("Products", exact=True).fill(before)
    page.locator("#rule [data-try]").click()
    sides = page.locator("#preview .previewed")
    expect(sides).to_have_count(2)
    expect(sides.nth(1).locator("li").first).to_have_attribute("data-id", pinned)
    expect(sides.nth(1).locator("li").first).to_contain_text("pinned by")
    assert faults(page) == []
    assert first_hit(page, catalogue, words) == before, "a preview keeps nothing"
    page.get_by_role("button", name="Save the rule").click()
    expect(page.locator("#in-force")).to_be_focused()
    expect(page.locator(".rules .note-of")).to_have_text(HOSTILE)
    assert first_hit(page, catalogue, words) == pinned

    page.get_by_role("button", name="Change summer").click()
    expect(page.locator("#pins li")).to_have_count(1)
    expect(page.get_by_label("Products", exact=True)).to_have_value(before)
    page.locator("#pins button", has_text="Remove").click()
    page.get_by_role("button", name="Save the rule").click()
    expect(page.locator(".rules tbody")).not_to_contain_text("pin ")
    page.locator("#versions-panel summary").click()
    page.get_by_role("button", name="Go back to").click()
    page.locator("dialog button.solid").click()
    expect(page.locator(".rules tbody")).to_contain_text(f"pin {pinned}")
    page.get_by_role("button", name="Delete summer").click()
    page.locator("dialog button.solid").click()
    expect(page.locator("#list .empty")).to_be_visible()
    assert first_hit(page, catalogue, words) == before
    page.set_viewport_size(PHONE)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0


def test_file_of_querqy_is_checked_and_taken_in_with_a_report(rules_page):
    page = rules_page
    page.locator("#import-panel summary").click()
    page.get_by_label("or its text").fill(QUERQY)
    page.get_by_role("button", name="Check").click()
    report = page.locator("#import-report")
    expect(report).to_contain_text("0 rules and 1 synonyms would be taken in; 1 lines left out")
    expect(report.locator("tbody tr")).to_contain_text("DECORATE: <b>x</b>")
    expect(page.locator(".synonyms")).to_have_count(0)
    page.get_by_role("button", name="Take it in").click()
    expect(page.locator(".synonyms tbody")).to_contain_text("lamp → light")
    page.get_by_label("Find", exact=True).fill("nothing like it")
    expect(page.locator("#list .empty")).to_be_visible()
    page.get_by_label("Find", exact=True).fill("light")
    page.get_by_role("button", name="Change", exact=False).click()
    expect(page.get_by_label("What they find as well")).to_have_value("light")
    page.get_by_label("Another word counts").fill("0.5")
    page.get_by_role("button", name="Save the synonym").click()
    expect(page.locator(".synonyms tbody")).to_contain_text("counts 0.5")


def test_rule_that_changed_meanwhile_is_not_written_over(rules_page, cluster, catalogue, problems):
    page = rules_page
    page.get_by_role("button", name="Add a synonym").click()
    page.get_by_label("Words, a line each").fill("telly\ntv")
    other = RuleSet.parse({"synonyms": [{"id": "s", "words": ["a", "b"]}]})
    RulesStore(cluster).replace(catalogue, other)
    page.get_by_role("button", name="Save the synonym").click()
    expect(page.locator("#problem-text")).to_contain_text("read the rules again")
    assert "(CONFLICT)" in problems.pop()
    assert not problems
