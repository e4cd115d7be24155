"""Every page of the studio: accessibility, size, phones, and a quiet console."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from service.studio.registry import PAGES
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.studio import Studio
from tests.browser.test_looks import MAX_BYTES, faults

pytestmark = pytest.mark.browser

NAMES = [page.name for page in PAGES]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_accessible_small_and_fits_a_phone(page, site, name):
    sizes: dict[str, int] = {}
    page.on(
        "response",
        lambda told: sizes.update(
            {told.url: 0 if told.request.resource_type == "image" else len(told.body())}
        ),
    )
    studio = Studio(page, site).open(name)
    expect(page.locator(".pages [aria-current=page]")).to_have_attribute(
        "href", f"/studio/{studio.root.rpartition('/')[2]}/{name}"
    )
    expect(page.locator("#body")).to_be_visible()
    assert studio.problem.count() == 0
    assert sum(sizes.values()) < MAX_BYTES
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert faults(page) == [], scheme
    page.set_viewport_size(PHONE)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    page.set_viewport_size(DESKTOP)


def test_pages_are_reached_by_keyboard(studio):
    page = studio.open("compare").page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_an_index_that_is_not_there_is_said(studio, problems):
    studio.root = studio.root.rpartition("/")[0] + "/nothing"
    studio.open("compare")
    expect(studio.problem).to_contain_text("nothing")
    assert len(problems) == 1 and "(NOT FOUND)" in problems.pop()
