"""A part of the fashion catalogue that lies beside the checkout, with its photos."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mappings.feeds.field_map import choose_map

DATA = Path(__file__).parents[3] / "shared" / "data" / "fashion"
TYPES = ("Watches", "Handbags", "Sunglasses", "Jeans", "Shirts", "Tshirts", "Casual Shoes")
OF_EACH = 32


@cache
def fashion_products() -> tuple[list[dict[str, Any]], Mapping[str, Path]]:
    """Return the first products of each type, and by type the photo of one that is not among them.

    The photos' addresses are files of the photo directory.
    """
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    others: dict[str, Path] = {}
    with gzip.open(DATA / "products.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            kind = record["article_type"]
            if kind not in TYPES or kind in others:
                continue
            if len(found[kind]) == OF_EACH:
                others[kind] = DATA / record["image"]
                continue
            product = choose_map(record, is_text=False).apply(record).fields
            found[kind].append({**product, "images": [f"file:{record['image']}"]})
    return [one for kind in TYPES for one in found[kind]], others


def type_of(product: Mapping[str, Any]) -> str:
    """Return the lowest level of a product's category."""
    return str(product["categories"][0].rsplit(" > ", 1)[-1])
