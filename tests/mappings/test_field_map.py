"""Records to products by a declarative map."""

from __future__ import annotations

import json
import re
from itertools import islice
from pathlib import Path

import pytest

from indexer.records import RecordFile
from mappings.errors import MissingSetting, ProductRejected
from mappings.feeds.field_map import IdentityMap, choose_map, parse_map, read_map, shipped_maps
from mappings.product import Product
from mappings.product_changes import ProductChange

PAGE = (Path(__file__).parents[2] / "docs" / "field-maps.md").read_text(encoding="utf-8")
REAL_DATA = Path(__file__).parents[3] / "shared" / "data"
ICECAT = {
    "id": "1",
    "name": "006R90321",
    "title": "Toner",
    "ean": ["0095", "0096"],
    "supplier": "Xerox",
    "price": 4995,
    "date_released": "2009-12-10T00:00:00Z",
    "img_high": "http://a/high.jpg",
    "img_low": "http://a/low.jpg",
    "attr_t_product_type": "Toner cartridge",
    "attr_n_weight": 3.0,
    "attr_b_colour": True,
    "attr_t_colour": "Black",
}
FASHION = {
    "id": 10000,
    "title": "Skirt",
    "brand": "Palm Tree",
    "price": 649.0,
    "discounted_price": 324.0,
    "gender": "Women",
    "master_category": "Apparel",
    "sub_category": "Bottomwear",
    "article_type": "Skirts",
    "base_colour": "White",
    "year": "2011",
    "display_categories": "Sale,Casual Wear",
    "attributes": {"Pattern": "Printed"},
    "description": "-",
    "image": "images/10000.jpg",
}


def mapped(rules: dict, record: dict, **more: object) -> dict:
    """What a map with these field rules makes of a record."""
    raw = {"fields": {"id": {"const": "1"}, "title": {"const": "T"}, **rules}, **more}
    change = parse_map(json.dumps(raw).encode(), where="test.json").apply(record)
    return {name: value for name, value in change.fields.items() if name not in {"id", "title"}}


def test_icecat_record():
    change = choose_map(ICECAT, is_text=False).apply(ICECAT)
    assert change == ProductChange(
        "upsert",
        "1",
        {
            "id": "1",
            "title": "Toner",
            "brand": "Xerox",
            "price": 49.95,
            "currency": "EUR",
            "categories": ["Toner cartridge"],
            "identifiers": ["006R90321", "0095", "0096"],
            "released_at": "2009-12-10T00:00:00Z",
            "images": ["http://a/high.jpg", "http://a/low.jpg"],
            "attributes": {
                "product_type": "Toner cartridge",
                "weight": 3.0,
                # Two columns of one name: neither is lost.
                "colour": ["Black", True],
            },
        },
    )
    Product.parse(change.fields)


def test_fashion_record():
    change = choose_map(FASHION, is_text=False).apply(FASHION)
    assert change.product_id == "10000"
    assert change.fields == {
        "id": "10000",
        "title": "Skirt",
        "brand": "Palm Tree",
        "price": 649.0,
        "currency": "INR",
        "categories": ["Apparel > Bottomwear > Skirts"],
        "images": ["images/10000.jpg"],
        "attributes": {
            "gender": "Women",
            "colour": "White",
            "year": 2011,
            "discounted_price": 324.0,
            "display_categories": ["Sale", "Casual Wear"],
            "Pattern": "Printed",
        },
    }
    Product.parse(change.fields)


@pytest.mark.parametrize("name", ["icecat", "fashion"])
def test_real_records_become_products(name):
    path = REAL_DATA / name / "products.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"left out: 200 records of {name}, which is not beside this checkout")
    with RecordFile(path) as file:
        records = list(islice(file, 200))
    mapping = choose_map(records[0].value or {}, is_text=False)
    assert (mapping.name, mapping.index) == (name, name)
    products = [Product.parse(mapping.apply(record.value or {}).fields) for record in records]
    assert len(products) == 200
    assert all(product.price and product.brand and product.images for product in products)
    assert sum(len(product.attributes) for product in products) > 200


@pytest.mark.parametrize(
    ("rule", "record", "expected"),
    [
        ("a", {"a": "HP"}, "HP"),
        (["a", "b"], {"a": "", "b": "HP"}, "HP"),
        ({"from": ["a", "b"], "drop": ["-"]}, {"a": "-", "b": "HP"}, "HP"),
        ({"template": "{a} {b}"}, {"a": "x", "b": 3}, "x 3"),
        ({"template": "{a} {b}"}, {"a": "x"}, None),
        ({"from": ["a", "b"], "join": "/"}, {"a": "x", "b": "y"}, "x/y"),
        ({"const": "HP"}, {}, "HP"),
        ({"from": "a", "values": {"1": "one", "x": None}}, {"a": 1}, "one"),
        ({"from": "a", "values": {"1": "one", "x": None}}, {"a": "x"}, None),
        ({"from": "a.b"}, {"a": {"b": "deep"}}, "deep"),
        ({"from": "a.b"}, {"a.b": "flat"}, "flat"),
        ("a", {"a": 7}, "7"),
        ("a", {}, None),
    ],
)
def test_text_rules(rule, record, expected):
    assert mapped({"brand": rule}, record).get("brand") == expected


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ({"number": True}, "12.50", 12.5),
        ({"number": True}, "1 299", 1299),
        ({"number": True, "scale": 0.01}, 1999, 19.99),
        ({"number": True, "scale": "0.001"}, "1", 0.001),
        ({"number": {"decimal": ",", "thousands": "."}}, "1.299,50", 1299.5),
        ({"number": True}, "9223372036854775807", 2**63 - 1),
        ({"number": True}, "100000000000000000000", 1e20),
    ],
)
def test_number_rules(rule, value, expected):
    assert mapped({"price": {"from": "p", **rule}}, {"p": value}) == {"price": expected}


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("iso", "2020-01-02", "2020-01-02"),
        ("%d.%m.%Y", "02.01.2020", "2020-01-02T00:00:00"),
        ("unix", 1577934245, "2020-01-02T03:04:05+00:00"),
        ("unix_ms", "1577934245000", "2020-01-02T03:04:05+00:00"),
    ],
)
def test_date_rules(form, value, expected):
    assert mapped({"released_at": {"from": "d", "date": form}}, {"d": value}) == {
        "released_at": expected
    }


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"number": True}, "cheap"),
        ({"number": True}, True),
        ({"number": True}, "NaN"),
        ({"number": True}, "Infinity"),
        ({"number": True}, "1e400"),
        ({"number": True}, "1e999999999"),
        ({"scale": 1e9}, "9e999999"),
        ({"date": "%Y"}, "soon"),
        ({"boolean": True}, "maybe"),
        ({"scale": 2}, "x"),
    ],
)
def test_value_that_cannot_be_read_is_rejected_by_name(rule, value):
    with pytest.raises(ProductRejected, match=r"^price: .*got") as caught:
        mapped({"price": {"from": "p", **rule}}, {"p": value})
    assert caught.value.field == "price"


def test_lists_are_split_gathered_and_freed_of_repetitions():
    assert mapped({"categories": {"from": "c", "split": "|"}}, {"c": "A > B| C ||A > B"}) == {
        "categories": ["A > B", "C"]
    }
    assert mapped({"categories": {"from": "c", "split": "|"}}, {"c": ["A|B", "A > C", "B"]}) == {
        "categories": ["A", "B", "A > C"]
    }
    rule = {"from": ["sku", "ean"], "all": True}
    assert mapped({"identifiers": rule}, {"sku": 5, "ean": ["1", "5"]}) == {
        "identifiers": ["5", "1"]
    }


@pytest.mark.parametrize("value", [[{"src": "a"}, {"src": "a"}], [["a"], 5], {"src": "a"}])
def test_list_of_what_is_no_text_is_left_to_the_product_to_refuse(value):
    fields = mapped({"images": "i"}, {"i": value})
    assert {"src": "a"} in fields["images"] or ["a"] in fields["images"]
    with pytest.raises(ProductRejected, match="images"):
        Product.parse({"id": "1", "title": "T", **fields})


def test_attributes_come_from_prefixes_objects_and_the_rest():
    attributes = [
        {"from": "n_*", "number": True},
        {"from": "facts", "spread": True},
        {"name": "colour", "from": "col", "values": {"rd": "red"}},
        {"from": "*", "guess": True},
    ]
    record = {
        "n_weight": "3",
        "n_": "1",
        "facts": {"size": "L", "colour": "dark"},
        "col": "rd",
        "new": "true",
        "width": "2.5",
        "article": "007",
        "empty": "",
    }
    assert mapped({}, record, attributes=attributes)["attributes"] == {
        "weight": 3,
        "n_": 1,
        "size": "L",
        "colour": ["dark", "red"],
        "new": True,
        "width": 2.5,
        "article": "007",
    }


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"{", "is not JSON"),
        (b"[]", "should be a JSON object"),
        ({"fieldz": {}}, "unknown key 'fieldz'"),
        ({"fields": {"id": "a", "title": "b", "colour": "c"}}, "fields: unknown key 'colour'"),
        ({"fields": {"id": "a"}}, "no rule for title"),
        ({"fields": {"id": "a", "title": {"form": "b"}}}, "fields.title: unknown key 'form'"),
        ({"fields": {"id": "a", "title": {"split": "b"}}}, "exactly one of from"),
        ({"fields": {"id": "a", "title": {"from": "a", "const": "b"}}}, "exactly one of from"),
        ({"fields": {"id": "a", "title": 3}}, "should be a rule, got 3"),
        (
            {"fields": {"id": "a", "title": {"from": "b", "number": {"comma": ","}}}},
            r"fields.title.number: unknown key 'comma'",
        ),
        ({"fields": {"id": "a", "title": {"from": "b", "scale": "x"}}}, "cannot be read"),
        ({"fields": {"id": "a", "title": "b"}, "attributes": [{"const": 1}]}, "needs a name"),
    ],
)
def test_mistake_in_a_map_is_named(raw, message):
    text = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    with pytest.raises(MissingSetting, match=message) as caught:
        parse_map(text, where="shop.json")
    assert caught.value.message.startswith("shop.json")


def test_map_is_found_by_name_file_or_first_record(tmp_path):
    assert set(shipped_maps()) == {"icecat", "fashion", "plain"}
    assert read_map("icecat").name == "icecat"
    assert isinstance(read_map("identity"), IdentityMap)
    own = tmp_path / "own.json"
    own.write_text('{"index": "mine", "fields": {"id": "a", "title": "b"}}')
    assert (read_map(str(own)).name, read_map(str(own)).index) == ("own", "mine")
    with pytest.raises(MissingSetting, match=r"no field map 'nowhere.json'.*fashion"):
        read_map("nowhere.json")
    with pytest.raises(MissingSetting, match=r"recognises.*'sku'"):
        choose_map({"sku": "1"}, is_text=False)


def test_products_of_our_own_shape_pass_unchanged():
    record = {"id": "1", "title": "T", "price": 2.5, "version": 7}
    mapping = choose_map(record, is_text=False)
    assert mapping.apply(record) == ProductChange(
        "upsert", "1", {"id": "1", "title": "T", "price": 2.5}, 7
    )


def test_csv_of_our_own_shape_is_read_by_the_plain_map():
    record = {
        "id": "1",
        "title": "T",
        "price": "2.50",
        "identifiers": "a|b",
        "brand": "",
        "version": "7",
        "attributes.size": "12",
        "colour": "red",
    }
    assert choose_map(record, is_text=True).apply(record) == ProductChange(
        "upsert",
        "1",
        {
            "id": "1",
            "title": "T",
            "price": 2.5,
            "identifiers": ["a", "b"],
            "attributes": {"size": 12, "colour": "red"},
        },
        7,
    )


@pytest.mark.parametrize("record", [{"title": "T"}, {"id": "", "title": "T"}, {"id": 5}])
def test_record_without_an_id_is_rejected(record):
    with pytest.raises(ProductRejected) as caught:
        IdentityMap().apply(record)
    assert caught.value.field == "id"


def test_example_of_the_documents_makes_products(tmp_path):
    feed, raw = re.findall(r"```(?:text|json)\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "velo.csv"
    path.write_text(feed, encoding="utf-8")
    mapping = parse_map(raw.encode(), where="velo.json")
    with RecordFile(path) as records:
        first, second = (mapping.apply(record.value or {}).fields for record in records)
    Product.parse(first)
    Product.parse(second)
    assert (first["price"], len(first["images"])) == (1199.5, 2)
    assert first["attributes"] == {"colour": "red", "weight": 14500}
    assert (second["price"], second["availability"]) == (9.9, "out_of_stock")


def test_the_page_names_every_option_and_field():
    with pytest.raises(MissingSetting) as caught:
        parse_map(b'{"fields": {"id": {"from": "a", "?": 1}, "title": "t"}}', where="x")
    options = caught.value.message.partition("known are ")[2].split(", ")
    assert len(options) > 10
    assert [name for name in options if f'"{name}": ' not in PAGE] == []
    fields = set(Product.model_fields) - {"vectors"}
    assert [name for name in fields if f"`{name}`" not in PAGE] == []
