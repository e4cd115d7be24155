"""Words, suggestions, facets, chips and pages, as a visitor uses them."""

from __future__ import annotations

import contextlib

import pytest
from elasticsearch import Elasticsearch
from playwright.sync_api import BrowserContext, Error, Route, expect

from tests.browser.catalogue import PRODUCTS
from tests.browser.shop import Shop

pytestmark = pytest.mark.browser

MICE = [one["id"] for one in PRODUCTS if one["categories"] == ["Computers > Mice"]]


def test_words_find_products_and_stand_in_the_address(shop):
    shop.search("wireless mouse")
    assert shop.state == {"q": ["wireless mouse"]}
    assert set(shop.ids[:3]) <= set(MICE)
    assert shop.page.title().startswith("wireless mouse")
    expect(shop.page.locator("#status")).to_contain_text("products found")
    found = shop.ids
    shop.page.reload()
    assert shop.ids == found
    with shop.piece():
        shop.page.go_back()
    assert shop.page.input_value("#q") == "" and shop.total == len(PRODUCTS) + 1


def test_suggestions_are_chosen_by_keyboard(shop):
    page = shop.page
    page.locator("#q").press_sequentially("mic")
    option = page.locator("[role=option]", has_text="Computers > Mice")
    expect(option).to_be_visible()
    assert page.get_attribute("#q", "aria-expanded") == "true"
    while option.get_attribute("aria-selected") == "false":
        page.press("#q", "ArrowDown")
    assert page.get_attribute("#q", "aria-activedescendant") == option.get_attribute("id")
    with shop.piece():
        page.press("#q", "Enter")
    assert shop.state == {"category": ["Computers > Mice"]} and shop.total == len(MICE)
    expect(page.locator("#suggestions")).to_be_hidden()


def test_an_older_suggestion_never_replaces_a_newer_one(shop):
    page = shop.page
    held: list[Route] = []
    # Aborting is not enough: an answer may be on its way. Here it comes although it was aborted.
    page.evaluate(
        "const real = window.fetch;"
        "window.fetch = (address, options) => real(address, {...options, signal: null});"
        "null"
    )
    page.route("**/suggest?q=m&*", lambda route: held.append(route))
    page.locator("#q").press_sequentially("m")
    page.wait_for_timeout(200)
    page.locator("#q").press_sequentially("iravue")
    option = page.locator("[role=option]", has_text="Miravue").first
    expect(option).to_be_visible()
    newer = page.locator("#suggestions").inner_text()
    assert len(held) == 1
    with contextlib.suppress(Error):
        held[0].continue_()
    page.wait_for_timeout(300)
    assert page.locator("#suggestions").inner_text() == newer


def test_facets_stay_right_while_filtering(shop):
    before = shop.counts("brand")
    shop.choose("brand", "Velmora")
    assert shop.total == before["Velmora"]
    # A second brand can be added: the first one does not narrow the list of brands.
    assert shop.counts("brand") == before
    shop.choose("brand", "Marloft")
    assert shop.total == before["Velmora"] + before["Marloft"]
    shop.choose("category", "Clothing > T-Shirts")
    narrowed = shop.counts("brand")
    both = narrowed["Velmora"] + narrowed.get("Marloft", 0)
    assert shop.total == both < before["Velmora"] + before["Marloft"]
    assert shop.state["brand"] == ["Velmora", "Marloft"]
    assert "Remove: Brand: Velmora×" in shop.chips()
    with shop.piece():
        shop.page.click("text=Clear filters")
    assert shop.total == len(PRODUCTS) + 1


def test_the_focus_stays_on_the_filter_that_was_changed(shop):
    shop.value("brand", "Corvexa").focus()
    with shop.piece():
        shop.page.keyboard.press("Space")
    assert shop.page.evaluate("document.activeElement.value") == "Corvexa"


def test_the_price_slider_works_by_keyboard_and_limits(shop):
    thumb = shop.page.locator(".slider .high")
    thumb.focus()
    for _ in range(4):
        with shop.piece():
            shop.page.keyboard.press("ArrowLeft")
    limit = float(shop.state["to"][0])
    expected = [one for one in PRODUCTS if one["price"] <= limit]
    assert 0 < len(expected) < len(PRODUCTS)
    assert shop.total == len(expected) + 1  # the odd one costs 5
    assert shop.page.evaluate("document.activeElement.className") == "high"


def test_sorting_by_price(shop):
    with shop.piece():
        shop.page.select_option("select[name=sort]", "price-desc")
    assert shop.state == {"sort": ["price-desc"]}
    prices = {one["id"]: one["price"] for one in PRODUCTS}
    found = [prices[product_id] for product_id in shop.ids]
    assert found == sorted(prices.values(), reverse=True)[: len(found)]


def test_what_was_understood_can_be_taken_back(shop):
    prices = {one["id"]: one["price"] for one in PRODUCTS if one["brand"] == "Velmora"}
    limit = int(sorted(prices.values())[len(prices) // 2])
    shop.search(f"velmora shirt under {limit}")
    chips = shop.chips()
    assert any("Brand: Velmora" in chip for chip in chips), chips
    assert any(f"Price: up to {limit}.00" in chip for chip in chips), chips
    allowed = {product_id for product_id, price in prices.items() if price <= limit}
    assert shop.ids and set(shop.ids) <= allowed
    with shop.piece():
        shop.page.click(".chip.read >> text=Price")
    assert shop.state["skip"] == ["price"]
    assert set(shop.ids) - allowed and set(shop.ids) <= set(prices)
    assert any("Brand: Velmora" in chip for chip in shop.chips())


def test_a_misspelt_word_is_corrected_and_can_be_kept(shop):
    shop.search("headfones")
    correction = shop.page.locator(".correction")
    expect(correction).to_contain_text("headphones")
    with shop.piece():
        shop.page.click("text=Search for headfones instead")
    assert shop.state == {"q": ["headfones"], "exact": ["1"]}
    expect(shop.page.locator(".correction")).to_contain_text("exactly as typed")


def test_an_empty_page_says_what_stands_in_the_way(shop):
    shop.open("?brand=Corvexa&category=Clothing&to=4000")
    assert shop.total == 0
    ways = shop.texts(".nothing li")
    assert [way for way in ways if "Without the category Clothing" in way]
    assert [way for way in ways if "Without the brand Corvexa" in way]
    assert not [way for way in ways if "price" in way]  # it alone hides nothing
    assert shop.ids  # what is there without one of them is shown below
    with shop.piece():
        shop.page.click("text=Without the category Clothing")
    assert shop.total == sum(one["brand"] == "Corvexa" for one in PRODUCTS)


def test_more_is_shown_without_repeating_and_a_reload_shows_as_much(shop):
    shop.search("shirt")
    total = shop.total
    assert total > 24
    shop.page.click("#more")
    expect(shop.page.locator("#cards .card")).to_have_count(min(48, total))
    found = shop.ids
    assert len(set(found)) == len(found)
    assert shop.state["shown"] == ["48"]
    shop.page.reload()
    assert shop.ids == found


def test_a_product_shows_itself_and_its_like(shop):
    shop.search("wireless mouse")
    card = shop.page.locator("#cards .card").first
    title = card.locator(".title").inner_text()
    with shop.piece():
        card.locator(".card-link").click()
    expect(shop.page.locator("h1")).to_have_text(title)
    expect(shop.page.locator("#alike")).to_be_visible()
    with shop.piece():
        shop.page.click("text=Back to the results")
    with shop.piece():
        shop.page.locator("#cards .like").first.click()
    expect(shop.page.locator("h1")).to_have_text(f"More like {title}")
    assert shop.ids[0] in MICE


def test_clicks_are_told_with_their_places(shop, catalogue, cluster: Elasticsearch):
    shop.search("usb receiver mouse")
    second = shop.ids[1]
    with shop.page.expect_response("**/v1/events") as told, shop.piece():
        shop.page.locator("#cards .card-link").nth(1).click()
    assert told.value.status == 202
    cluster.indices.refresh(index="shelfwise-events-*")
    hits = cluster.search(
        index="shelfwise-events-*", query={"term": {"index": catalogue}}, size=1_000
    )["hits"]["hits"]
    events = [hit["_source"] for hit in hits]
    (search,) = (e for e in events if e.get("user_query") == "usb receiver mouse"
                 and e["action_name"] == "search")  # fmt: skip
    (click,) = (e for e in events if e["action_name"] == "click"
                and e["query_id"] == search["query_id"])  # fmt: skip
    assert click["event_attributes"]["object"]["object_id"] == second
    assert click["event_attributes"]["position"]["ordinal"] == 2


def test_without_scripts_the_page_searches_filters_and_goes_on(browser, site, problems):
    context: BrowserContext = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site)
    page.fill("#q", "shirt")
    page.press("#q", "Enter")
    page.check('#filters input[name="category"][value="Clothing > T-Shirts"]')
    page.click("text=Apply")
    assert "category=Clothing" in page.url and "q=shirt" in page.url
    shop = Shop(page, site)
    assert shop.total == 24
    page.goto(site)
    page.click("text=Show more")
    assert len(shop.ids) == 48
    context.close()
