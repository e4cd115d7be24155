"""The first search as a person sees it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from embedded.first_search import FirstSearch, answer_lines, facet_lines, next_steps
from service.search_request import SearchRequest

LEGS = {"lexical": {"score": None}, "text_vector": {"score": 0.4149}}


def search(**changes: Any) -> FirstSearch:
    product = {"title": "A [red] mouse", "brand": "O'Neil", "price": 1234.5, "currency": "EUR"}
    answer = {
        "total": {"value": 1200},
        "took": {"total": 31.4},
        "hits": [{"score": 0.567, "product": product, "legs": LEGS}],
        "facets": {
            "brand": [{"value": "O'Neil", "count": 3}],
            "price": [
                {"from": None, "to": 30.0, "count": 4},
                {"from": 30.0, "to": 1000.0, "count": 0},
                {"from": 1000.0, "to": None, "count": 1},
            ],
        },
    }
    return FirstSearch("products", "a mouse", answer | changes)


def test_a_hit_shows_price_brand_and_the_score_of_every_leg():
    assert answer_lines(search()) == [
        "'a mouse' finds 1,200 products in 31 ms:",
        "  1. A [red] mouse",
        "     O'Neil | 1,234.50 EUR | score 0.57 from lexical -, text_vector 0.41",
    ]


def test_a_product_with_a_title_alone_is_shown():
    hits = [{"score": 0.1, "product": {"title": "x" * 30 + " " + "y" * 90}, "legs": LEGS}]
    lines = answer_lines(search(hits=hits))
    assert lines[2] == "     score 0.10 from lexical -, text_vector 0.41"
    assert all(len(line) <= 80 for line in lines)


def test_facets_are_read_as_sentences_and_empty_ranges_left_out():
    assert facet_lines(search()) == [
        "  brand: O'Neil (3)",
        "  price: below 30 (4), 1,000 and over (1)",
    ]


def test_the_commands_to_try_are_valid_requests_whatever_the_brands_name(tmp_path: Path):
    catalogue = tmp_path / "products.jsonl"
    steps = dict(next_steps(search(), 8080, catalogue=catalogue, environment=tmp_path / "env"))
    words = shlex.split(steps["Filter and count"])
    request = SearchRequest.parse(json.loads(words[words.index("-d") + 1]))
    assert request.filter == {"brand": ["O'Neil"], "price": {"lt": 1000.0}}
    assert "http://127.0.0.1:8080/docs" in steps.values()
    assert "Measure the ranking" not in steps


def test_a_photo_of_the_first_hit_is_offered_where_photos_are_encoded(tmp_path: Path):
    product = {"title": "A mouse", "images": ["https://shop.example/a.jpg", "file:b/it's.jpg"]}
    found = search(hits=[{"score": 0.5, "product": product, "legs": LEGS}])
    given = {"catalogue": tmp_path / "products.jsonl", "environment": tmp_path / "env"}
    assert "Search by a photo" not in dict(next_steps(found, 8080, photos=tmp_path, **given))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "it's.jpg").write_bytes(b"a photo")
    assert "Search by a photo" not in dict(next_steps(found, 8080, **given))
    words = shlex.split(
        dict(next_steps(found, 8080, photos=tmp_path, **given))["Search by a photo"]
    )
    parts = dict(word.split("=", 1) for word in words if "=" in word)
    assert parts["photo"] == f"@{tmp_path}/b/it's.jpg"
    assert json.loads(parts["request"])["image"] == {"upload": "photo"}


def test_judgements_beside_the_catalogue_are_offered_for_measuring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "judgements.csv").write_text("query,product_id,grade\n")
    steps = next_steps(
        search(),
        1,
        catalogue=tmp_path / "a.jsonl",
        environment=tmp_path / ".shelfwise/environment",
    )
    assert dict(steps)["Measure the ranking"] == (
        ". .shelfwise/environment && .venv/bin/shelfwise evaluate --index products "
        "--judgements judgements.csv"
    )
