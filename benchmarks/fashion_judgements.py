"""Judgements for a fashion catalogue, by how far a product agrees with what a query names.

Every product is judged for every query, so nothing depends on which engine found what. The words
are a shopper's: a colour is said as it is, a type in the singular, an occasion by what it is for.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

SEED = 20_261_121
QUERIES = 240
_LEAST_RIGHT = 3
_OCCASIONS = {"Formal": "for the office", "Sports": "for sports", "Ethnic": "ethnic"}
_PEOPLE = {"Men": "men", "Women": "women"}
_SINGULAR = {"Tshirts": "t-shirt", "Watches": "watch", "Dresses": "dress", "Scarves": "scarf"}
# What comes as a pair is said in the plural.
_PAIRS = (
    "Shoes",
    "Flops",
    "Jeans",
    "Trousers",
    "Shorts",
    "Socks",
    "Sunglasses",
    "Briefs",
    "Heels",
)
_SHAPES = (
    ("base_colour", "article_type"),
    ("brand", "article_type"),
    ("base_colour", "brand", "article_type"),
    ("gender", "article_type", "usage"),
    ("base_colour", "article_type", "price"),
    ("article_type", "price"),
    ("gender", "base_colour", "article_type"),
)


@dataclass(frozen=True)
class FashionQuery:
    """A query and what it names. wanted: field of the catalogue to value; `price` is a limit."""

    text: str
    wanted: Mapping[str, Any]

    def grade(self, product: Mapping[str, Any]) -> int:
        """Return 3 when the product is all that is named, 2 when one thing is missing.

        1 when it is at least of the type, and 0 for another type.
        """
        if product["article_type"] != self.wanted["article_type"]:
            return 0
        missing = sum(not _agrees(product, name, value) for name, value in self.wanted.items())
        return max(1, 3 - missing)


def read_products(data: Path) -> list[dict[str, Any]]:
    """Return the catalogue's records."""
    with gzip.open(data / "fashion" / "products.jsonl.gz") as file:
        return [orjson.loads(line) for line in file]


def fashion_queries(products: Sequence[Mapping[str, Any]]) -> list[FashionQuery]:
    """Return QUERIES different queries that some products fulfil, always the same ones."""
    draw = random.Random(SEED)
    found: dict[str, FashionQuery] = {}
    for query in _drawn(products, draw):
        right = sum(query.grade(product) == 3 for product in products)
        if right >= _LEAST_RIGHT:
            found.setdefault(query.text, query)
        if len(found) == QUERIES:
            break
    return list(found.values())


def _drawn(products: Sequence[Mapping[str, Any]], draw: random.Random) -> Iterator[FashionQuery]:
    while True:
        product, shape = draw.choice(products), draw.choice(_SHAPES)
        wanted = {name: product[name] for name in shape if name != "price"}
        if "price" in shape:
            wanted["price"] = max(100.0, round(product["price"] * draw.choice((1.2, 1.5)), -2))
        if wanted.get("usage", "Formal") in _OCCASIONS and wanted.get("gender", "Men") in _PEOPLE:
            yield FashionQuery(" ".join(_words(name, wanted[name]) for name in shape), wanted)


def _words(name: str, value: Any) -> str:  # noqa: ANN401
    if name == "price":
        return f"under {value:.0f}"
    if name == "usage":
        return _OCCASIONS[value]
    if name == "gender":
        return _PEOPLE[value]
    if name == "article_type" and not value.endswith(_PAIRS):
        return str(_SINGULAR.get(value, value.removesuffix("s"))).lower()
    return str(value).lower()


def _agrees(product: Mapping[str, Any], name: str, value: Any) -> bool:  # noqa: ANN401
    if name == "price":
        return bool(product["price"] <= value)
    return bool(product[name] == value)
