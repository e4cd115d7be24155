"""Accessibility, phones, size, speed, and markup that must stay text."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.catalogue import NASTY, NASTY_TITLE
from tests.browser.conftest import PHONE
from tests.browser.shop import Shop

pytestmark = pytest.mark.browser

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MAX_BYTES = 150_000
MAX_READY_MILLISECONDS = 1_000


def faults(page: Page) -> list[str]:
    options = {"runOnly": {"type": "tag", "values": STANDARDS}, "resultTypes": ["violations"]}
    page.evaluate("scrollTo(0, 0)")  # what the head of the page covers by chance is no fault
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_is_accessible(page, site, scheme):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    shop = Shop(page, site).open("?q=blue+shirt+under+40&brand=Marloft")
    assert faults(page) == []
    page.locator("#q").fill("")
    page.locator("#q").press_sequentially("mi")
    expect(page.locator("#suggestions [role=option]").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.click("#photo-open")
    assert faults(page) == []
    page.click("#photo-dialog button[value=close]")
    for query in ("?item=P10001", "?brand=Corvexa&category=Clothing"):
        shop.open(query)
        assert faults(page) == [], query


def test_the_page_can_be_used_by_keyboard_alone(shop):
    page = shop.page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("mouse")
    with shop.piece():
        page.keyboard.press("Enter")
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.name || document.activeElement.id"))
    assert {"photo-open", "brand"} <= reached


def test_a_phone_shows_it_without_scrolling_sideways(page, site):
    page.set_viewport_size(PHONE)
    for query in ("", "?q=shirt&brand=Velmora", "?item=P10001", "?q=" + "x" * 300):
        Shop(page, site).open(query)
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0, query
    Shop(page, site).open()
    expect(page.locator("#filters")).to_be_hidden()
    page.click("summary:has-text('Filters')")
    expect(page.locator("#filters")).to_be_visible()
    assert page.locator("#cards .card").first.bounding_box()["width"] < PHONE["width"] / 2


def test_the_page_is_small_and_ready_soon(page, site):
    sizes: dict[str, int] = {}
    page.on(
        "response",
        lambda told: sizes.update(
            {told.url: 0 if told.request.resource_type == "image" else len(told.body())}
        ),
    )
    ready = []
    for _ in range(10):  # the machine may be busy with something else
        sizes.clear()
        page.goto(f"{site}?q=wireless+mouse")
        page.wait_for_selector("html[data-ready]", state="attached")
        entry = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
        ready.append(page.evaluate(entry))
        assert 20_000 < sum(sizes.values()) < MAX_BYTES, sizes
        if ready[-1] < MAX_READY_MILLISECONDS:
            break
    assert min(ready) < MAX_READY_MILLISECONDS
    assert {urlsplit(url).netloc for url in sizes} == {urlsplit(site).netloc}  # no other host


def test_markup_stays_text_everywhere(page, site):
    shop = Shop(page, site)
    words = "<img src=x onerror=alert(6)> \"' \u202e &amp; \U0001f9e6 </script><script>alert(7)"
    shop.open("?q=" + quote(words))
    assert page.input_value("#q") == words
    expect(page.locator("h1")).to_have_text(words)
    shop.search("socks " + words)
    page.locator("#q").fill("")
    page.locator("#q").press_sequentially("img src")
    expect(page.locator("[role=option]", has_text="<img src=x onerror").first).to_be_visible()
    page.locator("#q").press("Escape")
    shop.open("?category=" + quote(NASTY["categories"][0], safe=""))
    assert shop.ids == [NASTY["id"]]
    card = page.locator(".card").first
    expect(card.locator(".title")).to_have_text(NASTY_TITLE)
    expect(card.locator(".maker")).to_have_text(NASTY["brand"])
    with shop.piece():
        card.locator(".card-link").click()
    expect(page.locator("h1")).to_have_text(NASTY_TITLE)
    expect(page.locator("dl")).to_contain_text("<b>name</b>")
    with shop.piece():
        page.click(".maker a")
    assert shop.ids == [NASTY["id"]]
    shop.open("?like=" + quote(NASTY["id"], safe=""))
    assert shop.ids  # an id of any letters can be asked about
    assert page.locator("script:not([src]), [onerror], [onload]").count() == 0


def test_an_unknown_catalogue_is_said(page, site, problems):
    page.goto(site.rsplit("/", 1)[0] + "/no-such-shop")
    expect(page.locator("h1")).to_have_text("There is no such catalogue")
    assert "404" in problems.pop()


def test_the_only_catalogue_is_opened_at_once(page, site):
    page.goto(site.rsplit("/shop", 1)[0] + "/")
    assert page.url == site


def test_of_several_searches_the_last_one_is_shown(shop):
    page = shop.page
    held = []
    page.route("**/results?q=mouse", lambda route: held.append(route))
    page.fill("#q", "mouse")
    page.press("#q", "Enter")
    page.wait_for_timeout(100)
    shop.search("headphones")
    expect(page.locator("h1")).to_have_text("headphones")
    assert len(held) == 1 and shop.state == {"q": ["headphones"]}


def test_a_service_that_is_away_is_said_and_asked_again(shop, problems):
    page = shop.page
    page.route("**/results?*", lambda route: route.abort())
    page.fill("#q", "mouse")
    page.press("#q", "Enter")
    expect(page.locator("#view")).to_contain_text("The service cannot be reached")
    page.unroute("**/results?*")
    with shop.piece():
        page.click("text=Try again")
    assert shop.total
    problems[:] = [one for one in problems if "ERR_FAILED" not in one]


def test_schemes_differ(browser: Browser, site: str):
    grounds = set()
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(site)
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        context.close()
    assert len(grounds) == 2
