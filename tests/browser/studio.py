"""What a search manager does in the studio, in the words of the tests."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect


class Studio:
    """A tab that shows a page of the studio. site: address of the shop page."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.root = site.replace("/shop/", "/studio/")

    def open(self, name: str, query: str = "") -> Studio:
        """Open a page and wait until its script has begun and nothing waits for the service."""
        self.page.goto(f"{self.root}/{name}{query}")
        self.page.wait_for_selector("html[data-ready]", state="attached")
        return self.settled()

    def settled(self) -> Studio:
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)
        return self

    @property
    def problem(self) -> Locator:
        """What the page complains of to its reader."""
        return self.page.locator("#problem:not([hidden]) #problem-text")

    @property
    def state(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.page.url).query)
