"""Webhooks of an invented shop, in the documented shape of Shopify's and WooCommerce's."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

SHOPIFY_UPDATED = "2026-03-01T12:00:00-05:00"

_SHIRT: dict[str, Any] = {
    "id": 8_100_000_000_001,
    "title": "Harbour Shirt",
    "body_html": "<p>Woven <b>linen</b> &amp; cotton.</p><ul><li>Cool</li><li>Light</li></ul>"
    "<script>track()</script>",
    "vendor": "Northlight",
    "product_type": "Shirts",
    "created_at": "2026-01-10T09:00:00-05:00",
    "handle": "harbour-shirt",
    "updated_at": SHOPIFY_UPDATED,
    "published_at": "2026-01-11T09:00:00-05:00",
    "template_suffix": None,
    "published_scope": "web",
    "tags": "summer, linen",
    "status": "active",
    "admin_graphql_api_id": "gid://shopify/Product/8100000000001",
    "variants": [
        {
            "id": 4_400_000_000_001,
            "product_id": 8_100_000_000_001,
            "title": "S / Blue",
            "price": "39.00",
            "position": 1,
            "inventory_policy": "deny",
            "compare_at_price": "49.00",
            "option1": "S",
            "option2": "Blue",
            "option3": None,
            "barcode": "4006381333931",
            "sku": "HS-S-BL",
            "image_id": 3_300_000_000_002,
            "inventory_quantity": 0,
        },
        {
            "id": 4_400_000_000_002,
            "product_id": 8_100_000_000_001,
            "title": "M / Blue",
            "price": "42.50",
            "position": 2,
            "inventory_policy": "deny",
            "compare_at_price": None,
            "option1": "M",
            "option2": "Blue",
            "option3": None,
            "barcode": None,
            "sku": "HS-M-BL",
            "image_id": None,
            "inventory_quantity": 7,
        },
    ],
    "options": [
        {"id": 1, "product_id": 8_100_000_000_001, "name": "Size", "values": ["S", "M"]},
        {"id": 2, "product_id": 8_100_000_000_001, "name": "Colour", "values": ["Blue"]},
    ],
    "images": [
        {"id": 3_300_000_000_001, "position": 1, "src": "https://cdn.shop.example/front.jpg"},
        {"id": 3_300_000_000_002, "position": 2, "src": "https://cdn.shop.example/blue.jpg"},
    ],
    "image": {"id": 3_300_000_000_001, "src": "https://cdn.shop.example/front.jpg"},
}

_KETTLE: dict[str, Any] = {
    "id": 812,
    "name": "Enamel Kettle &#8211; 2 l",
    "slug": "enamel-kettle",
    "permalink": "https://shop.example/product/enamel-kettle/",
    "date_created": "2026-02-01T10:00:00",
    "date_created_gmt": "2026-02-01T09:00:00",
    "date_modified": "2026-03-01T13:00:00",
    "date_modified_gmt": "2026-03-01T12:00:00",
    "type": "simple",
    "status": "publish",
    "featured": False,
    "catalog_visibility": "visible",
    "description": "<p>Boils two litres.</p>\n<p>For all hobs.</p>\n",
    "short_description": "<p>A kettle of enamel.</p>\n",
    "sku": "EK-2",
    "global_unique_id": "4006381333948",
    "price": "34.9",
    "regular_price": "39.9",
    "sale_price": "34.9",
    "on_sale": True,
    "purchasable": True,
    "total_sales": 51,
    "manage_stock": True,
    "stock_quantity": 3,
    "stock_status": "instock",
    "average_rating": "4.50",
    "rating_count": 8,
    "parent_id": 0,
    "categories": [{"id": 9, "name": "Kettles &amp; Pots", "slug": "kettles"}],
    "tags": [{"id": 4, "name": "enamel", "slug": "enamel"}],
    "images": [{"id": 77, "src": "https://shop.example/kettle.jpg", "name": "", "alt": ""}],
    "attributes": [
        {"id": 1, "name": "Colour", "visible": True, "variation": False, "options": ["Red"]},
        {"id": 2, "name": "Brand", "visible": True, "variation": False, "options": ["Hearth"]},
    ],
    "variations": [],
}


def shopify(**changes: Any) -> dict[str, Any]:
    """A product of Shopify's with two variants."""
    return {**deepcopy(_SHIRT), **changes}


def woocommerce(**changes: Any) -> dict[str, Any]:
    """A simple product of WooCommerce's."""
    return {**deepcopy(_KETTLE), **changes}
