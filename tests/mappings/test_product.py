"""The product record: what is taken, and what is refused by name."""

from __future__ import annotations

import math

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.errors import ProductRejected
from mappings.product import MAX_ID_BYTES, Product, merge_changes

SOUND = {"id": "1", "title": "Mouse"}

BAD = [
    ("id missing", {"id": ...}, "id", "is missing"),
    ("id number", {"id": 7}, "id", "should be text"),
    ("id empty", {"id": ""}, "id", "at least 1"),
    ("id too long", {"id": "é" * (MAX_ID_BYTES // 2 + 1)}, "id", f"{MAX_ID_BYTES} bytes"),
    ("id null byte", {"id": "a\0b"}, "id", "null character"),
    ("id surrogate", {"id": "\ud800"}, "id", "surrogate"),
    ("title missing", {"title": ...}, "title", "is missing"),
    ("title blank", {"title": " \n"}, "title", "at least 1"),
    ("title null", {"title": None}, "title", "should be text"),
    ("title too long", {"title": "x" * 2_001}, "title", "at most 2000"),
    ("title surrogate", {"title": "half \udc00"}, "title", "surrogate"),
    ("description null byte", {"description": "a\0"}, "description", "null character"),
    ("description too long", {"description": "x" * 100_001}, "description", "at most 100000"),
    ("brand list", {"brand": ["HP"]}, "brand", "should be text"),
    ("brand empty", {"brand": ""}, "brand", "at least 1"),
    ("categories text", {"categories": "Mice"}, "categories", "should be a list"),
    ("categories item", {"categories": ["Mice", 4]}, "categories.1", "should be text"),
    ("categories too many", {"categories": ["x"] * 65}, "categories", "at most 64"),
    ("price negative", {"price": -0.01}, "price", "greater than or equal to 0"),
    ("price text", {"price": "12.50"}, "price", "should be a number"),
    ("price bool", {"price": True}, "price", "should be a number"),
    ("price NaN", {"price": math.nan}, "price", "finite"),
    ("price infinite", {"price": math.inf}, "price", "finite"),
    ("price beyond all reason", {"price": 1e13}, "price", "1000000000000"),
    ("price beyond a double", {"price": 10**400}, "price", "should be a number"),
    ("currency lower case", {"currency": "eur"}, "currency", "pattern"),
    ("currency with newline", {"currency": "EUR\n"}, "currency", "pattern"),
    ("availability unknown", {"availability": "soon"}, "availability", "in_stock"),
    ("attributes list", {"attributes": []}, "attributes", "should be an object"),
    ("attribute null", {"attributes": {"a": None}}, "attributes.a", "a number, text or a list"),
    ("attribute nested", {"attributes": {"a": {"b": 1}}}, "attributes.a", "text or a list"),
    ("attribute list in list", {"attributes": {"a": [1, [2]]}}, "attributes.a.1", "or text"),
    ("attribute NaN", {"attributes": {"a": math.nan}}, "attributes.a", "finite"),
    ("attribute NaN in list", {"attributes": {"a": [math.inf]}}, "attributes.a.0", "finite"),
    ("attribute huge", {"attributes": {"a": 10**400}}, "attributes.a", "9007199254740992"),
    ("attribute null byte", {"attributes": {"a": "x\0"}}, "attributes.a", "null character"),
    ("attribute too long", {"attributes": {"a": "x" * 8_193}}, "attributes.a", "at most 8192"),
    ("attribute too many values", {"attributes": {"a": [1] * 257}}, "attributes.a", "most 256"),
    ("attribute named like a type", {"attributes": {"int": {}}}, "attributes.int", "or a list"),
    ("attribute name with brackets", {"attributes": {"w[g]": {}}}, "attributes.w[g]", "list"),
    ("attribute name empty", {"attributes": {"": 1}}, "attributes.", "at least 1"),
    (
        "attributes too many",
        {"attributes": {str(number): 1 for number in range(2_001)}},
        "attributes",
        "at most 2000",
    ),
    ("identifiers number", {"identifiers": [4006381333931]}, "identifiers.0", "should be text"),
    ("images empty", {"images": [""]}, "images.0", "at least 1"),
    ("images too many", {"images": ["x"] * 33}, "images", "at most 32"),
    ("image address too long", {"images": ["h" * 2_049]}, "images.0", "at most 2048 char"),
    ("image data too long", {"images": ["DATA:" + "x" * 10**6]}, "images.0", "at most 1000000"),
    ("parent too long", {"parent_id": "é" * 257}, "parent_id", "at most 256"),
    ("popularity negative", {"popularity": -1}, "popularity", "greater than or equal to 0"),
    ("date number", {"released_at": 1_700_000_000}, "released_at", "ISO 8601"),
    ("date number as text", {"released_at": "1700000000"}, "released_at", "ISO 8601"),
    ("date digits alone", {"released_at": "20200101"}, "released_at", "ISO 8601"),
    ("date nonsense", {"updated_at": "yesterday"}, "updated_at", "datetime"),
    (
        "date before all time in UTC",
        {"released_at": "0001-01-01T00:00:00+05:00"},
        "released_at",
        "before the year 1",
    ),
    (
        "date after all time in UTC",
        {"released_at": "9999-12-31T23:59:59-05:00"},
        "released_at",
        "after the year 9999",
    ),
    ("vector zero", {"vectors": {"text_vector": [0.0, 0]}}, "vectors.text_vector", "all zeros"),
    ("vector empty", {"vectors": {"text_vector": []}}, "vectors.text_vector", "at least 1"),
    ("vector null", {"vectors": {"text_vector": None}}, "vectors.text_vector", "a list"),
    (
        "vector of text",
        {"vectors": {"text_vector": ["1.5"]}},
        "vectors.text_vector.0",
        "should be a number",
    ),
    (
        "vector of flags",
        {"vectors": {"text_vector": [1.0, True]}},
        "vectors.text_vector.1",
        "should be a number",
    ),
    (
        "vector NaN",
        {"vectors": {"text_vector": [1.0, math.nan]}},
        "vectors.text_vector.1",
        "finite",
    ),
    (
        "vector too long",
        {"vectors": {"image_vector": [1.0] * 4_097}},
        "vectors.image_vector",
        "4096",
    ),
    ("vector unknown", {"vectors": {"sound": [1.0]}}, "vectors.sound", "text_vector"),
    ("unknown field", {"colour": "red"}, "colour", "there is no such field"),
]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [pytest.param(fields, field, words, id=name) for name, fields, field, words in BAD],
)
def test_bad_product_is_refused_by_field_with_its_value(fields, field, words):
    raw = {name: value for name, value in (SOUND | fields).items() if value is not ...}
    with pytest.raises(ProductRejected) as caught:
        Product.parse(raw)
    assert caught.value.field == field
    message = str(caught.value)
    assert message.startswith(f"{field}: ")
    assert words in message
    assert len(message) < 400
    assert "union" not in message


@pytest.mark.parametrize("raw", [None, [], "x", 5, True, [SOUND]], ids=repr)
def test_what_is_no_object_is_refused(raw):
    with pytest.raises(ProductRejected, match="JSON object") as caught:
        Product.parse(raw)
    assert caught.value.field == "product"


def test_name_that_is_no_text_is_refused():
    with pytest.raises(ProductRejected, match="surrogate|unicode"):
        Product.parse({**SOUND, "\ud800": 1})
    with pytest.raises(ProductRejected):
        Product.parse({**SOUND, 1: 2})


def test_error_names_the_product():
    with pytest.raises(ProductRejected) as caught:
        Product.parse({"id": "p-9", "title": ""})
    assert caught.value.product_id == "p-9"


@pytest.mark.parametrize(
    "text", [b'{"price": NaN}', b'{"price": 1e400}', b'{"price": Infinity}', b'{"price": -1e999}']
)
def test_numbers_outside_json_never_get_past_the_reader(text):
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(text)


def test_whole_numbers_beyond_64_bits_arrive_as_floats_and_are_judged_as_such():
    raw = orjson.loads(b'{"id": "1", "title": "t", "price": 1' + b"0" * 30 + b"}")
    with pytest.raises(ProductRejected, match="price"):
        Product.parse(raw)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-01-02", "2020-01-02T00:00:00Z"),
        ("2020-01-02T03:04:05+02:00", "2020-01-02T01:04:05Z"),
        ("2020-01-02T03:04", "2020-01-02T03:04:00Z"),
        ("2020-01-02T03:04:05.123456Z", "2020-01-02T03:04:05.123456Z"),
        ("0999-12-31T00:00:00Z", "0999-12-31T00:00:00Z"),
    ],
)
def test_dates_are_kept_in_utc(text, expected):
    assert Product.parse({**SOUND, "released_at": text}).to_json()["released_at"] == expected


def test_photo_in_the_address_itself_may_be_long():
    address = "data:image/jpeg;base64," + "A" * 900_000
    assert Product.parse({"id": "1", "title": "Mouse", "images": [address]}).images == (address,)


def test_what_is_not_given_is_not_in_the_json():
    assert Product.parse({**SOUND, "brand": None, "categories": []}).to_json() == SOUND


def test_kinds_of_attribute_values_are_kept():
    attributes = {"n": 3, "f": 2.5, "flag": True, "text": "x", "many": [1, "a", False]}
    kept = Product.parse({**SOUND, "attributes": attributes}).to_json()["attributes"]
    assert kept == attributes
    assert [type(kept[name]) for name in attributes] == [int, float, bool, str, list]


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
name = text.filter(str.strip)
number = st.floats(0, 1e12)
scalar = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e300, 1e300) | text
products = st.fixed_dictionaries(
    {"id": name, "title": name},
    optional={
        "description": text,
        "brand": name,
        "categories": st.lists(name, max_size=3),
        "price": number,
        "currency": st.sampled_from(["EUR", "USD"]),
        "availability": st.sampled_from(["in_stock", "preorder"]),
        "attributes": st.dictionaries(name, scalar | st.lists(scalar, max_size=3), max_size=4),
        "identifiers": st.lists(name, max_size=3),
        "parent_id": name,
        "popularity": number,
        "released_at": st.datetimes(timezones=st.timezones() | st.none()).map(
            lambda moment: moment.isoformat()
        ),
        "vectors": st.fixed_dictionaries({"text_vector": st.just([0.6, -0.8])}),
    },
)


@settings(max_examples=60, deadline=None)
@given(products)
def test_parse_and_to_json_are_each_others_inverse(raw):
    try:
        product = Product.parse(raw)
    except ProductRejected as error:  # offsets beyond the calendar's ends
        assert error.field == "released_at"
        return
    through_the_wire = orjson.loads(orjson.dumps(product.to_json()))
    again = Product.parse(through_the_wire)
    assert again == product
    assert again.to_json() == product.to_json()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*Product.model_fields, "x"]), json_values, max_size=6)
    | json_values
)
def test_any_json_is_a_product_or_rejected(raw):
    try:
        assert isinstance(Product.parse(raw), Product)
    except ProductRejected as error:
        assert error.field
        assert str(error)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "product"),
        ({"id": "2"}, "id"),
        ({"title": None}, "title"),
        ({"title": ""}, "title"),
        ({"price": -1}, "price"),
        ({"colour": "red"}, "colour"),
        ({"colour": None}, "colour"),
        ({"attributes": {"a": {}}}, "attributes.a"),
        ({"vectors": {"text_vector": None}}, "vectors.text_vector"),
    ],
    ids=repr,
)
def test_bad_partial_update_is_refused_by_field(fields, field):
    with pytest.raises(ProductRejected) as caught:
        Product.check_changes("1", fields)
    assert caught.value.field == field
    assert caught.value.product_id == "1"


@pytest.mark.parametrize(
    "fields",
    [
        {"price": 2},
        {"id": "1", "brand": None},
        {"attributes": {"a": None, "b": 1}},
        {"attributes": None},
        {"vectors": None},
    ],
    ids=repr,
)
def test_sound_partial_update_passes(fields):
    Product.check_changes("1", fields)


def test_merge_removes_nulls_and_merges_attributes_by_name():
    present = {"id": "1", "price": 1.0, "brand": "HP", "attributes": {"a": 1, "b": 2}}
    changes = {"price": 2.0, "brand": None, "attributes": {"a": None, "c": 3}}
    kept = (dict(present), dict(changes))
    assert merge_changes(present, changes) == {
        "id": "1",
        "price": 2.0,
        "attributes": {"b": 2, "c": 3},
    }
    assert (present, changes) == kept


def test_merge_of_null_attributes_removes_them_all():
    assert merge_changes({"attributes": {"a": 1}}, {"attributes": None}) == {}
