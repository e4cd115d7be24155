"""Shopify's product webhooks: `products/create`, `products/update`, `products/delete`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mappings.feeds.versions import version_at
from mappings.product_changes import ProductChange
from service.webhooks.html_text import text_of
from service.webhooks.shop_event import (
    MAX_IDENTIFIERS,
    MAX_IMAGES,
    MAX_VALUES,
    ShopEvent,
    Variants,
    ignored,
    number_of,
    objects_of,
    require_id,
    require_product,
    single,
    texts_of,
    without_nothing,
)
from service.webhooks.signatures import SignatureScheme

SIGNATURE = SignatureScheme("X-Shopify-Hmac-Sha256")
_CHANGED = ("products/create", "products/update")
_DELETED = "products/delete"
_NO_OPTION = "Default Title"
"""What Shopify calls the one variant of a product without variants."""


def decode(
    body: object, headers: Mapping[str, str], *, variants: Variants, currency: str | None
) -> ShopEvent:
    """Return what a webhook says.

    variants: `together` makes one product of a shop's product with all its variants, `apart`
    one of each variant, with the shop's product as `parent_id`. headers: names in lower case.
    Raises InvalidQuery for a body that does not fit its topic: the topic itself is not signed.
    """
    topic = headers.get("x-shopify-topic", "")
    if topic not in (*_CHANGED, _DELETED):
        return ignored(f"topic {topic[:80]!r} is not about products")
    product = require_product(body, topic=topic, name="title", is_delete=topic == _DELETED)
    product_id = require_id(product)
    if topic == _DELETED:
        at = version_at(headers.get("x-shopify-triggered-at"))
        return ShopEvent(family=product_id, version=at, is_delete=True)
    version = version_at(product.get("updated_at"))
    if product.get("status", "active") != "active" or _is_hidden(product):
        return ShopEvent(family=product_id, version=version, is_delete=True)
    found = objects_of(product.get("variants"))
    if variants == "apart" and found:
        products = [_variant(product, one, currency) for one in found]
    else:
        products = [_whole(product, found, currency)]
    changes = [ProductChange("upsert", one["id"], one, version) for one in products]
    return ShopEvent(changes, product_id, version, is_whole=True)


def _is_hidden(product: Mapping[str, Any]) -> bool:
    """Return whether it was taken off the online shop."""
    return "published_at" in product and product["published_at"] is None


def _whole(
    product: Mapping[str, Any], variants: Sequence[Mapping[str, Any]], currency: str | None
) -> dict[str, Any]:
    """Return a shop's product as one of ours: its lowest price, available if any variant is."""
    prices = [price for one in variants if (price := number_of(one.get("price"))) is not None]
    before = [
        price for one in variants if (price := number_of(one.get("compare_at_price"))) is not None
    ]
    attributes = _common_attributes(product)
    for option in _options(product):
        attributes[option["name"]] = single(texts_of(option.get("values"), most=MAX_VALUES))
    if prices and max(prices) > min(prices):
        attributes["price_max"] = max(prices)
    if before:
        attributes["compare_at_price"] = max(before)
    numbers = [one.get(key) for one in variants for key in ("sku", "barcode")]
    fields = {
        "id": require_id(product),
        **_common(product, currency if prices else None),
        "title": product.get("title"),
        "price": min(prices, default=None),
        "availability": _availability(variants),
        "identifiers": texts_of(numbers, most=MAX_IDENTIFIERS),
        "images": _images(objects_of(product.get("images"))),
        "attributes": without_nothing(attributes),
    }
    return without_nothing(fields)


def _variant(
    product: Mapping[str, Any], variant: Mapping[str, Any], currency: str | None
) -> dict[str, Any]:
    title, own = product.get("title"), variant.get("title")
    attributes = _common_attributes(product)
    for place, option in enumerate(_options(product), start=1):
        attributes[option["name"]] = variant.get(f"option{place}")
    attributes["compare_at_price"] = number_of(variant.get("compare_at_price"))
    images = objects_of(product.get("images"))
    shown = [one for one in images if one.get("id") == variant.get("image_id")]
    price = number_of(variant.get("price"))
    fields = {
        "id": require_id(variant),
        "parent_id": require_id(product),
        **_common(product, currency if price is not None else None),
        "title": title if own in (None, "", _NO_OPTION) else f"{title} - {own}",
        "price": price,
        "availability": _availability([variant]),
        "identifiers": texts_of([variant.get("sku"), variant.get("barcode")], most=2),
        "images": _images([*shown, *images]),
        "attributes": without_nothing(attributes),
    }
    return without_nothing(fields)


def _common(product: Mapping[str, Any], currency: str | None) -> dict[str, Any]:
    return {
        "description": text_of(product.get("body_html"), field="body_html"),
        "brand": product.get("vendor"),
        "categories": texts_of([product.get("product_type")], most=1),
        "currency": currency,
        "released_at": product.get("published_at"),
        "updated_at": product.get("updated_at"),
    }


def _common_attributes(product: Mapping[str, Any]) -> dict[str, Any]:
    tags = product.get("tags")
    tags = tags.split(",") if isinstance(tags, str) else tags
    return {"handle": product.get("handle"), "tags": single(texts_of(tags, most=MAX_VALUES))}


def _options(product: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what the variants differ by, in order; none for a product without variants."""
    found = objects_of(product.get("options"))
    named = [one for one in found if isinstance(one.get("name"), str) and one["name"].strip()]
    return [] if [one.get("values") for one in named] == [[_NO_OPTION]] else named


def _availability(variants: Sequence[Mapping[str, Any]]) -> str | None:
    states = {_state(one) for one in variants}
    order = ("in_stock", "backorder", "out_of_stock")
    return next((state for state in order if state in states), None)


def _state(variant: Mapping[str, Any]) -> str:
    is_tracked = variant.get("inventory_management", "shopify") is not None
    quantity = variant.get("inventory_quantity")
    if not is_tracked or quantity is None or quantity > 0:
        return "in_stock"
    return "backorder" if variant.get("inventory_policy") == "continue" else "out_of_stock"


def _images(images: Sequence[Mapping[str, Any]]) -> list[str]:
    return texts_of([one.get("src") for one in images], most=MAX_IMAGES)
