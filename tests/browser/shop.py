"""What a visitor does on the shop page, in the words of the tests."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect


class Shop:
    """A tab that shows the shop page."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address

    def open(self, query: str = "") -> Shop:
        self.page.goto(self.address + query)
        self.page.wait_for_selector("html[data-ready]")
        return self

    def search(self, words: str) -> None:
        self.page.fill("#q", words)
        with self.piece():
            self.page.press("#q", "Enter")

    def piece(self) -> _Exchanged:
        """Wait until the piece that an action asks for has been shown."""
        return _Exchanged(self.page)

    def choose(self, facet: str, name: str) -> None:
        with self.piece():
            self.value(facet, name).click()

    def value(self, facet: str, name: str) -> Locator:
        return self.page.locator(f'#filters input[name="{facet}"][value="{name}"]')

    def counts(self, facet: str) -> dict[str, int]:
        """Value to the count beside it."""
        found = self.page.locator(f".facet-{facet} label.value").all()
        return {
            str(one.locator("input").get_attribute("value")): int(
                one.locator(".count").inner_text().replace(",", "")
            )
            for one in found
        }

    def texts(self, selector: str) -> list[str]:
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]

    def chips(self) -> list[str]:
        return [" ".join(text.split()) for text in self.page.locator(".chip").all_text_contents()]

    @property
    def ids(self) -> list[str]:
        return [
            str(card.get_attribute("data-id")) for card in self.page.locator("#cards .card").all()
        ]

    @property
    def total(self) -> int:
        words = self.page.locator(".total").inner_text().split()
        return 0 if words[0] == "Nothing" else int(words[0].replace(",", ""))

    @property
    def state(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.page.url).query)

    def choose_photo(self, path: Path) -> None:
        self.page.click("#photo-open")
        self.page.set_input_files("#photo-file", path)
        expect(self.page.locator("#photo-crop")).to_be_visible()


class _Exchanged:
    """Waits until the view's element is another one than before."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def __enter__(self) -> None:
        self._page.evaluate(
            "document.querySelector('#view').firstElementChild.dataset.old = 'yes'"
        )

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            # No function that polls: the page's policy lets nobody evaluate text.
            fresh = "#view:not(.waiting) > :not([data-old])"
            self._page.wait_for_selector(fresh, state="attached")
