"""WooCommerce's product webhooks: `product.created`, `.updated`, `.restored`, `.deleted`."""

from __future__ import annotations

import re
from collections.abc import Mapping
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

SIGNATURE = SignatureScheme("X-WC-Webhook-Signature")
_CHANGED = ("product.created", "product.updated", "product.restored")
_DELETED = "product.deleted"
_PING = re.compile(rb"webhook_id=\d{1,20}")
_AVAILABILITY = {
    "instock": "in_stock",
    "outofstock": "out_of_stock",
    "onbackorder": "backorder",
}


def is_ping(body: bytes) -> bool:
    """Return whether it is what WooCommerce sends, unsigned, when a webhook is saved."""
    return _PING.fullmatch(body) is not None


def decode(
    body: object,
    headers: Mapping[str, str],
    *,
    variants: Variants,
    currency: str | None,
    now: float,
) -> ShopEvent:
    """Return what a webhook says.

    A variable product's own webhook has its lowest price, its stock and all its options, and
    the ids of its variations; these come by webhooks of their own. `together` takes the former
    alone, `apart` both. now: seconds since 1970; a delete says no time, so it counts as of now.
    Raises InvalidQuery for a body that does not fit its topic: the topic itself is not signed.
    """
    topic = headers.get("x-wc-webhook-topic", "")
    if topic not in (*_CHANGED, _DELETED):
        return ignored(f"topic {topic[:80]!r} is not about products")
    product = require_product(body, topic=topic, name="name", is_delete=topic == _DELETED)
    product_id = require_id(product)
    if topic == _DELETED:
        return ShopEvent(family=product_id, version=version_at(now), is_delete=True)
    version = version_at(product.get("date_modified_gmt"))
    parent_id = product.get("parent_id") or 0
    is_variation = product.get("type") == "variation" and parent_id
    if is_variation and variants == "together":
        return ignored("variations count with their product")
    if product.get("status") != "publish" or product.get("catalog_visibility") == "hidden":
        return ShopEvent(family=product_id, version=version, is_delete=True)
    members = texts_of(product.get("variations"), most=10_000) if variants == "apart" else []
    fields = _fields(product, currency)
    if is_variation:
        fields["parent_id"] = str(parent_id)
    elif members:
        fields["parent_id"] = product_id  # so that it is found as one with its variations
    return ShopEvent(
        [ProductChange("upsert", product_id, fields, version)],
        # A variation's family is itself: of the others it says nothing.
        product_id,
        version,
        is_whole=not is_variation and product.get("type") == "variable",
        members=members,
        overrides=topic == "product.restored",
    )


def _fields(product: Mapping[str, Any], currency: str | None) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "slug": product.get("slug"),
        "permalink": product.get("permalink"),
        "tags": single(_names(product.get("tags"))),
        "average_rating": number_of(product.get("average_rating")),
    }
    for one in objects_of(product.get("attributes")):
        if isinstance(one.get("name"), str) and one["name"].strip():
            values = one["options"] if "options" in one else [one.get("option")]
            attributes[one["name"]] = single(texts_of(values, most=MAX_VALUES))
    price = number_of(product.get("price"))
    regular = number_of(product.get("regular_price"))
    if price is not None and regular is not None and regular > price:
        attributes["regular_price"] = regular
    texts = [text_of(product.get(key), field=key) for key in ("short_description", "description")]
    numbers = [product.get("sku"), product.get("global_unique_id")]
    brands = _names(product.get("brands")) or texts_of(
        [_first(attributes.get(name)) for name in ("Brand", "brand")], most=1
    )
    sales = product.get("total_sales")
    fields = {
        "id": require_id(product),
        "title": text_of(product.get("name"), field="name"),
        "description": "\n".join(dict.fromkeys(text for text in texts if text)),
        "brand": brands[0] if brands else None,
        "categories": _names(product.get("categories"))[:64],
        "price": price,
        "currency": currency if price is not None else None,
        "availability": _AVAILABILITY.get(str(product.get("stock_status"))),
        "identifiers": texts_of(numbers, most=MAX_IDENTIFIERS),
        "images": texts_of(
            [one.get("src") for one in objects_of(product.get("images"))], most=MAX_IMAGES
        ),
        "popularity": sales if isinstance(sales, int) and sales > 0 else None,
        "released_at": product.get("date_created_gmt"),
        "updated_at": product.get("date_modified_gmt"),
        "attributes": without_nothing(attributes),
    }
    return without_nothing(fields)


def _names(values: object) -> list[str]:
    names = [text_of(one.get("name"), field="name") for one in objects_of(values)]
    return texts_of(names, most=MAX_VALUES)


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) else value
