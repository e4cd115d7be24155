"""A shop's fields by path, the map's file, and the guesses."""

from __future__ import annotations

import pytest

from indexer.attach.field_paths import (
    document_text,
    leaf_fields,
    product_fields,
    read_field_paths,
    require_mapped,
    values_at,
    write_field_paths,
)
from indexer.attach.proposal import guess_fields
from mappings.errors import MissingSetting

SOURCE = {
    "name": "Mouse",
    "a": {"b": 1, "list": [{"c": "x"}, {"c": ["y", "z"]}]},
    "dotted.key": 2,
    "half": {"dotted.key": 3},
    "empty": "",
    "null": None,
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("name", ["Mouse"]),
        ("a.b", [1]),
        ("a.list.c", ["x", "y", "z"]),
        ("dotted.key", [2]),
        ("half.dotted.key", [3]),
        ("a", [SOURCE["a"]]),
        ("empty", []),
        ("null", []),
        ("name.more", []),
        ("nothing.there", []),
    ],
)
def test_values_are_found_however_the_document_is_written(path, values):
    assert values_at(SOURCE, path) == values


def test_first_path_with_a_value_counts_and_lists_take_all():
    paths = {"title": ("gone", "name"), "images": ("a.list.c", "name"), "price": ("gone",)}
    assert product_fields(SOURCE, paths) == {"title": "Mouse", "images": ["x", "y", "z", "Mouse"]}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"t": "Mouse", "d": ["black", "small"]}, "Mouse. black, small"),
        ({"t": "Mouse"}, "Mouse"),
        ({"d": "only this"}, "only this"),
        ({}, ""),
        ({"t": "   "}, ""),
        ({"t": "half \ud83d of it"}, "half \ufffd of it"),
    ],
)
def test_text_of_a_document(source, text):
    paths = {"title": ("t",), "description": ("d",), "brand": ("b",)}
    assert document_text(source, paths, "{title}. {description}") == text


def test_attributes_are_named_by_their_last_step():
    paths = {"title": ("t",), "attributes": ("spec.colour",)}
    source = {"t": "Mouse", "spec": {"colour": "red"}}
    assert document_text(source, paths, "{title} {attributes.colour}") == "Mouse red"


def test_map_that_is_written_is_read_again():
    paths = {"title": ("name",), "images": ("photo", "more.photos")}
    assert read_field_paths(write_field_paths(paths), where="m.json") == paths
    assert read_field_paths(b'{"fields": {"title": {"from": "name"}}}', where="m") == {
        "title": ("name",)
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "m.json: is not JSON"),
        (b"[]", "an object `fields`"),
        (b'{"fields": {"brand": "b"}}', "no path for title"),
        (b'{"fields": {"title": "a", "id": "sku"}}', "unknown field 'id'"),
        (b'{"fields": {"title": "a", "colour": "b"}}', "unknown field 'colour'"),
        (b'{"fields": {"title": 3}}', r"fields\.title: should be a path .* got 3"),
        (b'{"fields": {"title": []}}', r"fields\.title"),
        (b'{"fields": {"title": {"template": "{a}"}}}', r"fields\.title: should be a path"),
    ],
)
def test_what_is_wrong_with_a_map_is_named(text, says):
    with pytest.raises(MissingSetting, match=says):
        read_field_paths(text, where="m.json")


def test_leaves_are_the_fields_of_the_shop_alone():
    mappings = {
        "properties": {
            "name": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
            "offers": {"type": "nested", "properties": {"price": {"type": "double"}}},
            "raw": {"type": "object", "enabled": False},
            "shelfwise": {"properties": {"text_hash": {"type": "keyword"}}},
        }
    }
    known = leaf_fields(mappings)
    assert known == {"name": "text", "offers.price": "double"}
    require_mapped({"title": ("name",), "price": ("offers",)}, known, index="shop")
    with pytest.raises(MissingSetting, match=r"fields\.brand: index 'shop' has no field 'raw'"):
        require_mapped({"brand": ("raw",)}, known, index="shop")


def sample(count: int = 60) -> list[dict]:
    return [
        {
            "sku": f"A-{number}",
            "name": f"Wireless mouse model {number} black",
            "internal_name": f"file-{number}",
            "longDescription": f"A mouse with {number} keys, that works on glass and on wood too.",
            "manufacturer": {"name": f"Maker {number % 5}", "id": number % 5},
            "price": {"gross": 9.9 + number, "purchase": 5.0},
            "media": {"image": f"https://shop.example/{number}.jpg", "thumb": f"/{number}.gif"},
            "category": ["Mice", "Office"][number % 2],
            "currency": "EUR",
            "modified": "2026-01-01",
        }
        for number in range(count)
    ]


KINDS = {
    "sku": "keyword",
    "name": "text",
    "internal_name": "keyword",
    "longDescription": "text",
    "manufacturer.name": "keyword",
    "manufacturer.id": "integer",
    "price.gross": "double",
    "price.purchase": "double",
    "media.image": "keyword",
    "media.thumb": "keyword",
    "category": "keyword",
    "currency": "keyword",
    "modified": "date",
}


def test_fields_of_an_ordinary_shop_are_guessed():
    guesses = guess_fields(KINDS, sample())
    assert {guess.field: guess.path for guess in guesses} == {
        "title": "name",
        "description": "longDescription",
        "brand": "manufacturer.name",
        "price": "price.gross",
        "images": "media.image",
        "categories": "category",
        "currency": "currency",
        "identifiers": "sku",
    }
    assert all(0.45 <= guess.confidence <= 1 for guess in guesses)
    assert guesses[0].samples[0] == "'Wireless mouse model 0 black'"


def test_a_title_without_a_telling_name_is_the_text_that_looks_like_one():
    documents = [{"f1": f"Wireless mouse {n} black", "f2": "EUR", "f3": n} for n in range(30)]
    guesses = guess_fields({"f1": "text", "f2": "keyword", "f3": "long"}, documents)
    assert guesses[0].field == "title"
    assert (guesses[0].path, guesses[0].confidence < 0.45) == ("f1", True)


def test_an_index_without_documents_or_texts_has_no_guesses():
    assert guess_fields({"name": "text"}, []) == []
    assert guess_fields({"n": "long"}, [{"n": 1}]) == []
