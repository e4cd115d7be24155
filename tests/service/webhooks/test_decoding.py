"""What webhooks of Shopify, WooCommerce and others say of products."""

from __future__ import annotations

import json

import pytest

from mappings.errors import InvalidQuery
from mappings.feeds.field_map import parse_map
from mappings.feeds.versions import version_at
from mappings.product import Product
from service.webhooks import shopify, woocommerce
from service.webhooks.generic import DeleteRule, GenericDecoder
from service.webhooks.html_text import text_of
from service.webhooks.shop_event import number_of
from tests.service.webhooks import payloads

SHIRT, S, M = "8100000000001", "4400000000001", "4400000000002"
NOON = version_at("2026-03-01T17:00:00Z")


def from_shopify(body, topic="products/update", *, variants="together", **headers):
    return shopify.decode(
        body, {"x-shopify-topic": topic, **headers}, variants=variants, currency="EUR"
    )


def from_woocommerce(body, topic="product.updated", *, variants="together"):
    headers = {"x-wc-webhook-topic": topic}
    return woocommerce.decode(body, headers, variants=variants, currency="EUR", now=1_800_000_000)


def test_shopify_product_is_one_with_its_variants():
    event = from_shopify(payloads.shopify())
    (change,) = event.changes
    assert (change.operation, change.product_id, change.version) == ("upsert", SHIRT, NOON)
    assert change.fields == {
        "id": SHIRT,
        "title": "Harbour Shirt",
        "description": "Woven linen & cotton.\nCool\nLight",
        "brand": "Northlight",
        "categories": ["Shirts"],
        "price": 39.0,
        "currency": "EUR",
        "availability": "in_stock",
        "identifiers": ["HS-S-BL", "4006381333931", "HS-M-BL"],
        "images": ["https://cdn.shop.example/front.jpg", "https://cdn.shop.example/blue.jpg"],
        "released_at": "2026-01-11T09:00:00-05:00",
        "updated_at": "2026-03-01T12:00:00-05:00",
        "attributes": {
            "handle": "harbour-shirt",
            "tags": ["summer", "linen"],
            "Size": ["S", "M"],
            "Colour": "Blue",
            "price_max": 42.5,
            "compare_at_price": 49.0,
        },
    }
    assert (event.family, event.is_whole, event.is_delete) == (SHIRT, True, False)


def test_shopify_variants_are_products_of_their_own_when_they_should_be():
    event = from_shopify(payloads.shopify(), "products/create", variants="apart")
    small, medium = (change.fields for change in event.changes)
    assert (small["id"], small["parent_id"], medium["parent_id"]) == (S, SHIRT, SHIRT)
    assert small["title"] == "Harbour Shirt - S / Blue"
    assert (small["price"], small["availability"]) == (39.0, "out_of_stock")
    assert (medium["price"], medium["availability"]) == (42.5, "in_stock")
    assert small["identifiers"] == ["HS-S-BL", "4006381333931"]
    assert small["images"][0] == "https://cdn.shop.example/blue.jpg"
    assert len(small["images"]) == 2
    assert small["attributes"]["Size"] == "S"
    assert small["attributes"]["compare_at_price"] == 49.0
    assert "compare_at_price" not in medium["attributes"]
    assert [change.version for change in event.changes] == [NOON, NOON]


@pytest.mark.parametrize("variants", ["together", "apart"])
def test_shopify_product_without_variants_has_no_option(variants):
    only = {**payloads.shopify()["variants"][0], "title": "Default Title"}
    only |= {"option1": "Default Title", "option2": None}
    body = payloads.shopify(
        variants=[only], options=[{"name": "Title", "values": ["Default Title"]}]
    )
    (change,) = from_shopify(body, variants=variants).changes
    assert change.fields["title"] == "Harbour Shirt"
    assert "Title" not in change.fields["attributes"]


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ({"inventory_quantity": 0, "inventory_policy": "continue"}, "backorder"),
        ({"inventory_quantity": 0, "inventory_management": None}, "in_stock"),
        ({"inventory_quantity": -2}, "out_of_stock"),
        ({"inventory_quantity": 1}, "in_stock"),
    ],
    ids=str,
)
def test_shopify_stock(variant, expected):
    (change,) = from_shopify(payloads.shopify(variants=[{"id": 1, **variant}])).changes
    assert change.fields["availability"] == expected


@pytest.mark.parametrize(
    "changes", [{"status": "draft"}, {"status": "archived"}, {"published_at": None}]
)
def test_shopify_product_that_is_not_for_sale_is_taken_away(changes):
    event = from_shopify(payloads.shopify(**changes))
    assert (event.is_delete, event.family, event.version) == (True, SHIRT, NOON)


def test_shopify_delete_names_the_product_alone():
    at = "2026-03-01T17:00:00.123456789Z"
    event = from_shopify({"id": int(SHIRT)}, "products/delete", **{"x-shopify-triggered-at": at})
    assert (event.is_delete, event.family) == (True, SHIRT)
    assert event.version == NOON + 123_456
    assert from_shopify({"id": 5}, "products/delete").version is None


@pytest.mark.parametrize(
    ("body", "topic"),
    [
        (payloads.shopify(), "products/delete"),  # the topic is not signed
        ({"id": 1}, "products/update"),
        ([], "products/update"),
        ({"title": "x"}, "products/update"),
        ({"id": True, "title": "x"}, "products/update"),
    ],
)
def test_shopify_body_that_does_not_fit_its_topic_is_refused(body, topic):
    with pytest.raises(InvalidQuery):
        from_shopify(body, topic)


def test_topics_that_are_not_about_products_are_ignored():
    assert from_shopify({"id": 1}, "orders/create").ignored
    assert from_woocommerce({"id": 1}, "order.created").ignored


def test_woocommerce_product():
    event = from_woocommerce(payloads.woocommerce())
    (change,) = event.changes
    assert change.version == version_at("2026-03-01T12:00:00Z")
    assert change.fields == {
        "id": "812",
        "title": "Enamel Kettle \u2013 2 l",
        "description": "A kettle of enamel.\nBoils two litres.\nFor all hobs.",
        "brand": "Hearth",
        "categories": ["Kettles & Pots"],
        "price": 34.9,
        "currency": "EUR",
        "availability": "in_stock",
        "identifiers": ["EK-2", "4006381333948"],
        "images": ["https://shop.example/kettle.jpg"],
        "popularity": 51,
        "released_at": "2026-02-01T09:00:00",
        "updated_at": "2026-03-01T12:00:00",
        "attributes": {
            "slug": "enamel-kettle",
            "permalink": "https://shop.example/product/enamel-kettle/",
            "tags": "enamel",
            "average_rating": 4.5,
            "Colour": "Red",
            "Brand": "Hearth",
            "regular_price": 39.9,
        },
    }


@pytest.mark.parametrize(
    "change",
    [{"status": "draft"}, {"status": "private"}, {"catalog_visibility": "hidden"}],
    ids=str,
)
def test_woocommerce_product_that_is_not_shown_is_taken_away(change):
    assert from_woocommerce(payloads.woocommerce(**change)).is_delete


def test_woocommerce_delete_counts_as_of_now():
    event = from_woocommerce({"id": 812}, "product.deleted")
    assert (event.is_delete, event.family) == (True, "812")
    assert event.version == 1_800_000_000 * 1_000_000
    assert from_woocommerce(payloads.woocommerce(), "product.restored").overrides


def test_woocommerce_variations():
    parent = payloads.woocommerce(type="variable", variations=[901, 902])
    variation = payloads.woocommerce(
        id=901, type="variation", parent_id=812, attributes=[{"name": "Colour", "option": "Red"}]
    )
    together = from_woocommerce(parent)
    assert "parent_id" not in together.changes[0].fields
    assert from_woocommerce(variation).ignored
    apart = from_woocommerce(parent, variants="apart")
    assert apart.changes[0].fields["parent_id"] == "812"
    assert (apart.is_whole, list(apart.members)) == (True, ["901", "902"])
    (change,) = from_woocommerce(variation, variants="apart").changes
    assert (change.product_id, change.fields["parent_id"]) == ("901", "812")
    assert change.fields["attributes"]["Colour"] == "Red"


def test_woocommerce_ping_is_known_by_its_whole_body():
    assert woocommerce.is_ping(b"webhook_id=17")
    assert not woocommerce.is_ping(b"webhook_id=17&x=1")
    assert not woocommerce.is_ping(b"{}")


@pytest.mark.parametrize("variants", ["together", "apart"])
def test_products_of_both_are_products_of_ours(variants):
    events = [
        from_shopify(payloads.shopify(), variants=variants),
        from_woocommerce(payloads.woocommerce(), variants=variants),
    ]
    for event in events:
        for change in event.changes:
            Product.parse(json.loads(json.dumps(change.fields)))


MAP = parse_map(
    b'{"fields": {"id": "sku", "title": "name", "price": {"from": "cents", "scale": 0.01},'
    b' "updated_at": "at"}}',
    where="m.json",
)


def test_generic_webhook_takes_one_product_or_many_from_their_path():
    decoder = GenericDecoder(MAP, items="data.items")
    body = {"data": {"items": [{"sku": "a", "name": "A", "cents": 150}, {"sku": "b"}]}}
    first, second = decoder.decode(body).changes
    assert first.fields == {"id": "a", "title": "A", "price": 1.5}
    assert second.product_id == "b"  # the worker says what it lacks, and keeps it
    assert len(GenericDecoder(MAP).decode({"sku": "a", "name": "A"}).changes) == 1
    assert decoder.decode({"data": {"items": []}}).ignored


def test_generic_delete_is_told_in_the_item_or_in_the_body():
    rule = DeleteRule("event", ("removed",))
    decoder = GenericDecoder(MAP, items="data", delete=rule)
    (change,) = decoder.decode({"event": "removed", "data": {"sku": "a"}}).changes
    assert (change.operation, change.product_id) == ("delete", "a")
    flag = GenericDecoder(MAP, delete=DeleteRule("gone", ("true",)))
    assert flag.decode({"sku": "a", "gone": True}).changes[0].operation == "delete"
    assert flag.decode({"sku": "a", "name": "A", "gone": False}).changes[0].operation == "upsert"


def test_generic_version_is_a_time_a_counter_or_the_products_own_time():
    item = {"sku": "a", "name": "A", "at": "2026-03-01T12:00:00Z", "rev": 7}
    at = version_at(item["at"])
    assert GenericDecoder(MAP).decode(item).changes[0].version == at
    assert GenericDecoder(MAP, version="rev").decode(item).changes[0].version == 7
    assert GenericDecoder(MAP, version="at").decode(item).changes[0].version == at
    with pytest.raises(InvalidQuery, match="rev: should be a time or a counter"):
        GenericDecoder(MAP, version="rev").decode({**item, "rev": "soon"})


def test_generic_patch_sends_what_it_has():
    prices = parse_map(
        b'{"fields": {"id": "sku", "price": "price"}}', where="p.json", needed=("id",)
    )
    (change,) = GenericDecoder(prices, operation="patch").decode({"sku": "a", "price": 5}).changes
    assert (change.operation, change.fields) == ("patch", {"id": "a", "price": 5})


@pytest.mark.parametrize(
    ("body", "said"),
    [({}, "nothing at 'data'"), ([], "JSON object"), ({"data": [5]}, "JSON object")],
)
def test_generic_body_that_cannot_be_read_says_why(body, said):
    with pytest.raises(InvalidQuery, match=said):
        GenericDecoder(MAP, items="data").decode(body)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Plain  text &amp; more", "Plain text & more"),
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("a<br/>b<br>c", "a\nb\nc"),
        ("<style>p{}</style>x<script>alert('<p>')</script>y", "xy"),
        ("<b>bo</b>ld", "bold"),
        ("<table><tr><td>Size</td><td>M</td></tr></table>", "Size\nM"),
        ("<p>broken <b>tag", "broken tag"),
        ("5 < 6", "5 < 6"),
        ("a\0b\n\n  c", "ab c"),
        ("", ""),
        (None, ""),
    ],
)
def test_html_becomes_what_a_reader_sees(html, text):
    assert text_of(html, field="body_html") == text


@pytest.mark.parametrize("html", [5, True, ["<p>One</p>"], {"en": "One"}])
def test_html_that_is_no_text_is_refused_by_its_field(html):
    with pytest.raises(InvalidQuery, match="body_html: should be text"):
        text_of(html, field="body_html")


@pytest.mark.parametrize("text", ["NaN", "inf", "1e400", "free", True, None, [1]])
def test_price_that_is_no_number_is_none(text):
    assert number_of(text) is None
