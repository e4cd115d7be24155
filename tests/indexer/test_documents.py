"""Products to documents, without a cluster."""

from __future__ import annotations

import pytest

from indexer.documents import (
    MAX_ATTRIBUTE_TEXT,
    attribute_numbers,
    attribute_text,
    category_paths,
    given_digests,
    product_fields,
    product_hash,
    product_text,
    read_digests,
    stored_fields,
    text_digest,
    to_document,
)
from mappings.encoder_spec import EncoderSpec
from mappings.errors import MissingSetting
from mappings.product import Product
from mappings.sortable_numbers import encode_sortable

TEMPLATE = "{title}. {brand}. {description}"
FULL = {
    "id": "7",
    "title": "Mouse",
    "description": "Without a cord",
    "brand": "HP",
    "categories": ["Computers > Mice"],
    "price": 12.5,
    "currency": "EUR",
    "availability": "in_stock",
    "attributes": {"weight": 80.0, "wireless": True, "colour": ["red", "blue"]},
    "identifiers": ["X-1"],
    "images": ["http://shop/1.jpg"],
    "popularity": 3.0,
    "released_at": "2020-01-02T03:04:05Z",
}


def fields_of(**fields: object) -> dict:
    return product_fields(Product.parse({"id": "7", "title": "Mouse", **fields}))


def document_of(fields: dict) -> dict:
    return to_document(fields, hash_of_product="h", digests={})


def test_document_holds_every_field_and_what_follows_from_them():
    fields = fields_of(**FULL)
    document = to_document(
        fields,
        hash_of_product="h",
        digests={"text_vector": "abc", "image_vector": "def"},
    )
    expected = {name: value for name, value in FULL.items() if name != "id"}
    expected["attributes"] = {"weight": 80, "wireless": True, "colour": ["red", "blue"]}
    assert {name: document[name] for name in expected} == expected
    assert document["product_id"] == document["parent_id"] == "7"
    assert document["category_paths"] == ["Computers", "Computers > Mice"]
    assert document["attribute_numbers"] == {"weight": encode_sortable(80)}
    assert document["attribute_text"] == "red; blue; wireless"
    assert document["product_hash"] == "h"
    assert document["content_hash"] == ["image_vector:def", "text_vector:abc"]
    assert read_digests(document) == {"text_vector": "abc", "image_vector": "def"}


def test_document_gives_its_product_back():
    fields = fields_of(**FULL)
    assert stored_fields(document_of(fields)) == fields
    with_parent = fields_of(parent_id="P")
    assert document_of(with_parent)["parent_id"] == "P"
    assert stored_fields(document_of(with_parent)) == with_parent


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"attributes": {"a": 1, "b": 2}}, {"attributes": {"b": 2.0, "a": 1.0}}),
        ({"attributes": {"a": []}}, {}),
        ({"parent_id": "7"}, {}),
        ({"brand": None}, {}),
        ({"released_at": "2020-01-01T01:00:00+01:00"}, {"released_at": "2020-01-01T00:00:00Z"}),
    ],
    ids=["numbers and order", "empty list", "own parent", "null", "time zone"],
)
def test_equal_products_have_equal_hashes(first, second):
    assert product_hash(fields_of(**first), {}) == product_hash(fields_of(**second), {})


@pytest.mark.parametrize(
    "change",
    [{"price": 1.0}, {"attributes": {"a": "1"}}, {"attributes": {"a": True}}, {"id": "8"}],
)
def test_any_difference_changes_the_hash(change):
    assert product_hash(fields_of(**change), {}) != product_hash(
        fields_of(attributes={"a": 1}), {}
    )


def test_given_vector_counts_in_the_hash():
    fields = fields_of()
    digests = [
        given_digests(Product.parse({"id": "7", "title": "Mouse", "vectors": {"text_vector": v}}))
        for v in ([1, 0], [0, 1])
    ]
    hashes = {product_hash(fields, digest) for digest in [{}, *digests]}
    assert len(hashes) == 3


def test_text_digest_depends_on_text_and_encoder():
    first = EncoderSpec("a", "1", 8, template="{title}")
    others = [EncoderSpec("b", "1", 8), EncoderSpec("a", "2", 8), EncoderSpec("a", "1", 9)]
    digests = {text_digest(spec, "Mouse") for spec in [first, *others]}
    assert len(digests | {text_digest(first, "Mice")}) == 5
    assert text_digest(first, "Mouse") == text_digest(EncoderSpec("a", "1", 8), "Mouse")


@pytest.mark.parametrize(
    ("fields", "template", "expected"),
    [
        ({"title": "A", "brand": "B", "description": "C"}, TEMPLATE, "A. B. C"),
        ({"title": "A", "description": "C"}, TEMPLATE, "A. C"),
        ({"title": "A"}, TEMPLATE, "A"),
        ({"title": "A.", "brand": "B"}, TEMPLATE, "A. B"),
        ({"title": "A"}, "{brand}: {title}", "A"),
        (
            {"title": "A", "brand": "B"},
            "Product: {title}, made by {brand}!",
            "Product: A, made by B!",
        ),
        ({"title": "A"}, "Product: {title}, made by {brand}!", "Product: A!"),
        ({"title": "A  \n b"}, "{title}", "A b"),
        ({"title": "A", "categories": ["X > Y", "Z"]}, "{title} ({categories})", "A (X > Y, Z)"),
        (
            {"title": "A", "attributes": {"size": 3, "on": True}},
            "{title} {attributes.size}",
            "A 3",
        ),
        ({"title": "A", "attributes": {"on": True}}, "{title} {attributes}", "A on"),
    ],
)
def test_template_leaves_no_stray_punctuation(fields, template, expected):
    assert product_text(fields, template) == expected


@pytest.mark.parametrize("template", ["{tittle}", "plain text", "{title} {}", "{price}"])
def test_template_with_an_unknown_placeholder_is_refused(template):
    with pytest.raises(MissingSetting, match="names no product field|no product field"):
        product_text({"title": "A"}, template)


def test_every_ancestor_of_every_category_is_there_once():
    assert category_paths(["A > B > C", "A > D", " X >Y ", "A"]) == [
        "A", "A > B", "A > B > C", "A > D", "X", "X > Y",
    ]  # fmt: skip


def test_numbers_are_taken_from_lists_and_never_from_flags_or_text():
    attributes = {"a": 2, "b": [1, "x", 2.5], "c": True, "d": "3", "e": [False]}
    assert attribute_numbers(attributes) == {
        "a": encode_sortable(2),
        "b": [encode_sortable(1), encode_sortable(2.5)],
    }


def test_attribute_text_says_what_has_meaning_once():
    attributes = {
        "colour": "Red",
        "cable_colour": "Red",
        "intel__64_": True,
        "touchscreen": False,
        "weight": 80,
        "temperature": "0 - 35",
        "floppy": "N",
        "model": "Not available",
        "ports": ["USB", 3, "HDMI"],
    }
    assert attribute_text(attributes) == "Red; intel 64; USB; HDMI"


def test_attribute_text_is_bounded_at_a_word():
    text = attribute_text({f"a{number}": f"word{number}" for number in range(5_000)})
    assert MAX_ATTRIBUTE_TEXT - 20 < len(text) <= MAX_ATTRIBUTE_TEXT
    assert text.endswith(";")
