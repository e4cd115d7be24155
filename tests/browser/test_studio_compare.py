"""The side-by-side page in a real browser."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from elasticsearch import Elasticsearch
from playwright.sync_api import expect

from service.evaluation.means import ndcg
from service.judgements.judgement_list import JudgementList
from service.judgements.store import JudgementStore
from tests.browser.catalogue import NASTY_TITLE, PRODUCTS
from tests.browser.test_looks import faults

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def judged(cluster: Elasticsearch) -> Iterator[str]:
    """Name of a stored list: what a title says is right, other products of its brand are not."""
    name = f"browser-{secrets.token_hex(4)}"
    judgements = {
        one["title"].lower(): {
            **{other["id"]: 0 for other in PRODUCTS if other["brand"] == one["brand"]},
            one["id"]: 3,
        }
        for one in PRODUCTS[:12]
    }
    store = JudgementStore(cluster)
    store.save(name, JudgementList(judgements))
    yield name
    store.delete(name)


def hits(page, side: str) -> list[tuple[str, str]]:
    """Product id, and what is said of where it went: nothing for the same place."""
    # All at once: each question to the browser takes a while.
    read = "all => all.map(one => [one.dataset.id, one.querySelector('.move')?.innerText ?? ''])"
    shown = page.locator(f"section[aria-labelledby=side-{side}] .hit")
    return [(product_id, said) for product_id, said in shown.evaluate_all(read)]


def ids(page, side: str) -> list[str]:
    return [product_id for product_id, _ in hits(page, side)]


def test_a_query_is_shown_under_two_configurations_and_what_moved_is_marked(studio):
    page = studio.open("compare").page
    expect(page.locator("#compare-empty")).to_be_visible()
    page.fill("#compare-q", "mouse with cable")
    page.keyboard.press("Enter")
    expect(page.locator(".side")).to_have_count(2)
    assert studio.state == {
        "q": ["mouse with cable"],
        "list": ["none"],
        "a": ["keyword"],
        "b": ["active"],
    }
    before, after = ids(page, "A"), ids(page, "B")
    assert before != after
    for product_id, said in hits(page, "B"):
        now = after.index(product_id)
        if product_id not in before:
            assert said.startswith("new") or "from" in said  # from behind what A shows
            continue
        then = before.index(product_id)
        expected = {0: ""}.get(then - now, f"{'up' if now < then else 'down'} {abs(then - now)}")
        assert expected in said and bool(expected) is bool(said)
    bar = page.locator(".legs-bar").first
    assert "words" in str(bar.get_attribute("aria-label"))
    page.locator(".why summary").first.click()
    expect(page.locator(".why[open] p").first).to_contain_text("Number 1 with")
    expect(page.locator(".facts-line").first).to_contain_text("ms")
    assert faults(page) == []


def test_sliders_answer_at_once_and_stand_in_the_address(studio):
    page = studio.open("compare", "?q=mouse&a=shipped&b=shipped").page
    expect(page.locator(".side")).to_have_count(2)
    assert ids(page, "A") == ids(page, "B")
    side = page.locator("[data-side=b]")
    side.locator(".side-choice").select_option("own")
    for leg, value in (("lexical", "0"), ("text_vector", "1"), ("text_to_image", "0")):
        side.locator(f"[data-leg={leg}]").fill(value)
    own = {"lexical=0", "text_vector=1", "text_to_image=0"}
    expect(page.locator("#side-B")).to_contain_text("Weights of your own")
    # Each slider asks by itself, a moment later: it is the answer to the last that counts.
    page.wait_for_url(lambda url: own <= set(re.split("[:,&]", unquote(url))))
    studio.settled()
    assert ids(page, "A") != ids(page, "B")
    kept = ids(page, "B")
    page.reload()
    expect(page.locator(".side")).to_have_count(2)
    assert ids(page, "B") == kept
    expect(side.locator("[data-leg=text_vector]")).to_have_value("1")
    page.click("#compare-swap")
    expect(page.locator("#side-A")).to_contain_text("Weights of your own")
    studio.settled()
    assert ids(page, "A") == kept


def test_what_is_wrong_is_said_and_what_was_shown_stays(studio, problems):
    page = studio.open("compare", "?q=mouse").page
    expect(page.locator(".side")).to_have_count(2)
    page.click("summary:has-text('Filter')")
    page.fill("#compare-filter", '{"colour": ')
    page.press("#compare-filter", "Tab")
    expect(studio.problem).to_contain_text("filter")
    assert page.locator(".side").count() == 2
    page.fill("#compare-filter", '{"brand": ["Velmora"]}')
    page.press("#compare-filter", "Tab")
    expect(studio.problem).to_have_count(0)
    assert {one.split(" http")[0][-13:] for one in problems} == {"(BAD REQUEST)"}
    problems.clear()
    brands = {one["id"]: one["brand"] for one in PRODUCTS}
    shown = {brands.get(product_id) for side in "AB" for product_id in ids(page, side)}
    assert shown == {"Velmora"}


def test_a_change_is_measured_on_the_judged_queries(studio, judged, cluster):
    words = PRODUCTS[0]["title"].lower()
    page = studio.open("compare", f"?q={words}&list={judged}").page
    expect(page.locator(".grade", has_text="grade 3 of 3").first).to_be_visible()
    grades = JudgementStore(cluster).read(judged).judgements[words]
    value = ndcg(grades, ids(page, "A"))
    expect(page.locator(".facts-line").first).to_contain_text(f"NDCG@10 {value:.3f}")
    page.click("#compare-measure")
    expect(page.locator("#effect-title")).to_be_visible(timeout=30_000)  # 24 searches
    expect(page.locator("#effect .tile")).to_have_count(4)
    wins, losses = page.locator("#effect .figure").nth(3).inner_text().split(" : ")
    changed = page.locator("#effect .try")
    assert changed.count() == int(wins) + int(losses) <= 12
    assert faults(page) == []
    if changed.count():
        query = changed.first.inner_text()
        changed.first.click()
        expect(page.locator("#compare-q")).to_have_value(query)


def test_hostile_words_stay_text(studio):
    words = "\"quoted\" <b>socks</b> & 'single' \u202e\U0001f9e6"
    page = studio.open("compare").page
    page.fill("#compare-q", words)
    page.keyboard.press("Enter")
    expect(page.locator(".side")).to_have_count(2)
    expect(page.locator(".hit h3", has_text="onerror").first).to_contain_text(NASTY_TITLE[:30])
    assert page.locator("#sides img[src=x], #sides b, #sides script").count() == 0
    assert studio.state["q"] == [words]
