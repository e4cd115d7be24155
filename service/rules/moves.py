"""What rules do to a page of products: which go up, down, out and in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def moved(before: Sequence[str], after: Sequence[str]) -> dict[str, list[Any]]:
    """Return what differs between two pages of product ids, by place from 1.

    moved: products of both pages that stand elsewhere, by their new place. hidden: products of
    the first page alone; added: of the second alone. They may be on a later page.
    """
    places = {product_id: place for place, product_id in enumerate(before, start=1)}
    now = {product_id: place for place, product_id in enumerate(after, start=1)}
    return {
        "moved": [
            {"id": product_id, "from": places[product_id], "to": place}
            for product_id, place in now.items()
            if places.get(product_id, place) != place
        ],
        "hidden": [product_id for product_id in before if product_id not in now],
        "added": [product_id for product_id in after if product_id not in places],
    }
