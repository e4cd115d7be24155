"""Photos as queries: chosen, dropped, pasted, taken, cropped; and those of products."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.catalogue import PRODUCTS

pytestmark = pytest.mark.browser

PRODUCT = next(one for one in PRODUCTS if one["categories"] == ["Computers > Mice"])


@pytest.fixture
def picture(photos: Path) -> Path:
    """A product's own photo."""
    return photos / PRODUCT["images"][0].removeprefix("file:")


def hand_over(page, kind: str, picture: Path) -> None:
    """Paste the file, or drop it on the page."""
    page.evaluate(
        """([kind, text]) => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], "photo.jpg", { type: "image/jpeg" }));
            const event = kind === "paste"
                ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true })
                : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
            document.body.dispatchEvent(event);
        }""",
        [kind, base64.b64encode(picture.read_bytes()).decode()],
    )


def test_a_photo_finds_its_product_and_stays_for_words(shop, picture):
    page = shop.page
    shop.choose_photo(picture)
    with shop.piece():
        page.click("#photo-whole")
    assert PRODUCT["id"] in shop.ids[:3]
    expect(page.locator("#photo-chip")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Found by your photo")
    assert shop.state == {}  # no part of the address
    with page.expect_request("**/results?*") as sent:
        shop.search("mouse")
    assert sent.value.method == "POST"
    assert shop.state == {"q": ["mouse"]} and PRODUCT["id"] in shop.ids
    with page.expect_request("**/results?*") as sent:
        shop.choose("brand", PRODUCT["brand"])
    assert sent.value.method == "POST"
    with page.expect_request("**/results?*") as sent, shop.piece():
        page.click("#photo-remove")
    assert sent.value.method == "GET"
    expect(page.locator("#photo-chip")).to_be_hidden()


def test_the_box_is_moved_and_sized_by_pointer_and_keyboard(shop, picture):
    page = shop.page
    shop.choose_photo(picture)
    stage = page.locator("#crop-stage").bounding_box()
    grip = page.locator("[data-grip=se]").bounding_box()
    page.mouse.move(grip["x"] + 11, grip["y"] + 11)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.5, stage["y"] + stage["height"] * 0.6)
    page.mouse.up()
    page.locator("#crop-box").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.evaluate(
        "const real = window.fetch;"
        "window.fetch = (address, options) => {"
        "  if (options.body?.get) window.sentBox = options.body.get('crop');"
        "  return real(address, options);"
        "};"
        "null"
    )
    with shop.piece():
        page.click("#photo-go")
    x0, y0, x1, y1 = map(float, page.evaluate("window.sentBox").split(","))
    assert (x0, y0) == pytest.approx((0.12, 0.1), abs=0.01)
    assert (x1, y1) == pytest.approx((0.52, 0.62), abs=0.03)
    assert shop.ids


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_photo_is_handed_over(shop, picture, kind):
    hand_over(shop.page, kind, picture)
    expect(shop.page.locator("#photo-crop")).to_be_visible()
    with shop.piece():
        shop.page.click("#photo-whole")
    assert PRODUCT["id"] in shop.ids[:3]


def test_the_camera_takes_a_photo_and_is_let_go(shop):
    page = shop.page
    page.click("#photo-open")
    page.click("#photo-camera")
    expect(page.locator("#photo-video")).to_be_visible()
    page.click("#photo-shoot")
    expect(page.locator("#photo-crop")).to_be_visible()
    assert page.evaluate("document.querySelector('#photo-video').srcObject") is None
    with shop.piece():
        page.click("#photo-whole")
    expect(page.locator("#photo-chip")).to_be_visible()


def test_a_file_that_is_no_photo_is_said(shop, tmp_path):
    page = shop.page
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"no photo at all")
    page.click("#photo-open")
    page.set_input_files("#photo-file", path)
    expect(page.locator("#photo-problem")).to_contain_text("no photo that this browser can read")


def test_photos_of_products_are_shown(shop):
    page = shop.page
    shown = "[...document.querySelectorAll('.card img')].filter(i => i.complete && i.naturalWidth)"
    page.wait_for_load_state("networkidle")
    assert page.evaluate(f"{shown}.length") >= 6
