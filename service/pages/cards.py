"""Products as the page shows them: text, a price to read, and an address for each photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from service.pages.prices import format_price
from service.search_results import Hit

_AVAILABILITY = {
    "out_of_stock": "Out of stock",
    "preorder": "Pre-order",
    "backorder": "On backorder",
    "discontinued": "Discontinued",
}
"""What is worth saying; that a product is there is not."""

_MAX_DETAILS = 60
_MAX_DETAIL_CHARACTERS = 400


@dataclass(frozen=True)
class Photo:
    """A photo of a product. address: what the browser asks for. ours: whether it asks us."""

    address: str
    ours: bool


@dataclass(frozen=True)
class Card:
    """A product among others. place: in the list, from 1."""

    id: str
    title: str
    place: int
    brand: str = ""
    price: str = ""
    note: str = ""
    photo: Photo | None = None


@dataclass(frozen=True)
class ProductView:
    """A product alone."""

    card: Card
    description: str
    category: str
    photos: tuple[Photo, ...]
    details: tuple[tuple[str, str], ...]


def card_of(index: str, hit: Hit, place: int) -> Card:
    """Return the card of a hit, with the photo by which it was found where that is known."""
    position = hit.photo.position if hit.photo is not None else 0
    return make_card(index, hit.id, hit.product, place, position=position)


def make_card(
    index: str, product_id: str, product: Mapping[str, Any], place: int, *, position: int = 0
) -> Card:
    """Return the card of a product. position: of the photo that is shown."""
    images: Sequence[str] = product.get("images") or ()
    if position >= len(images):
        position = 0
    return Card(
        id=product_id,
        title=str(product.get("title", "")),
        place=place,
        brand=str(product.get("brand") or ""),
        price=format_price(product.get("price"), product.get("currency")),
        note=_AVAILABILITY.get(str(product.get("availability")), ""),
        photo=photo_of(index, product_id, images[position], position) if images else None,
    )


def view_of(index: str, product_id: str, product: Mapping[str, Any]) -> ProductView:
    """Return a product with all that is known of it."""
    images: Sequence[str] = product.get("images") or ()
    photos = (photo_of(index, product_id, one, place) for place, one in enumerate(images))
    categories: Sequence[str] = product.get("categories") or ()
    attributes: Mapping[str, Any] = product.get("attributes") or {}
    details = [(_label(name), _detail(value)) for name, value in sorted(attributes.items())]
    details += [("Number", _detail(list(product.get("identifiers") or ())))]
    return ProductView(
        card=make_card(index, product_id, product, 1),
        description=str(product.get("description") or ""),
        category=categories[0] if categories else "",
        photos=tuple(photo for photo in photos if photo),
        details=tuple((name, text) for name, text in details if text)[:_MAX_DETAILS],
    )


def photo_of(index: str, product_id: str, address: str, position: int) -> Photo | None:
    """Return where the browser finds a photo; None for an address that it should not ask.

    What lies on our disk or in the document itself is asked of us, all else of the shop.
    """
    scheme = urlsplit(address).scheme if len(address) < 4_096 else "data"
    if scheme.lower() in ("file", "data"):
        query = urlencode({"id": product_id, "position": position})
        return Photo(f"/shop/{quote(index, safe='')}/photo?{query}", ours=True)
    if scheme.lower() in ("https", "http"):
        return Photo(address, ours=False)
    return None


def _label(name: str) -> str:
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _detail(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    values = value if isinstance(value, list | tuple) else [value]
    return ", ".join(map(str, values))[:_MAX_DETAIL_CHARACTERS]
