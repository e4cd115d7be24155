"""The searches of the benchmark: what people type, bare, under filters and with facets."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import orjson

from benchmarks.catalogue import Catalogue

_TITLE_WORDS = 3
_PRICES = ({"lt": 100}, {"gte": 20, "lt": 500}, {"gte": 50})
_FACETS = {"brand": 20, "price": {"ranges": [25, 50, 100, 250]}}


def query_texts(catalogue: Catalogue, data: Path) -> list[str]:
    """Return distinct texts: the judged queries where they are, else beginnings of titles.

    Every judged query is also there with the name of each of the commonest brands.
    """
    judgements = data / "icecat" / "judgements.csv"
    if not judgements.is_file():
        titles = (str(record["title"]).split() for record in catalogue.base)
        return list(dict.fromkeys(" ".join(words[-_TITLE_WORDS:]) for words in titles))
    with judgements.open(encoding="utf-8", newline="") as file:
        queries = list(dict.fromkeys(row["query"] for row in csv.DictReader(file)))
    brands = _common_brands(catalogue)
    return queries + [f"{query} {brand}" for brand, query in product(brands, queries)]


def requests(texts: Sequence[str], catalogue: Catalogue) -> Iterator[bytes]:
    """Yield a body for each text: in turn bare, filtered, with facets, with both."""
    brands = _common_brands(catalogue)
    for number, text in enumerate(texts):
        body: dict[str, Any] = {"q": text}
        if number % 2:
            body["filter"] = {"price": _PRICES[number // 2 % len(_PRICES)]}
            if number % 8 == 1:
                body["filter"]["brand"] = brands[:4]
        if number % 4 >= 2:
            body["facets"] = _FACETS
        yield orjson.dumps(body)


def _common_brands(catalogue: Catalogue, count: int = 12) -> list[str]:
    seen: dict[str, int] = {}
    for record in catalogue.base:
        brand = str(record.get("supplier") or record.get("brand") or "")
        seen[brand] = seen.get(brand, 0) + 1
    seen.pop("", None)
    return sorted(seen, key=lambda brand: (-seen[brand], brand))[:count]
