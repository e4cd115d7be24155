"""Which products are learned from, which tell when to stop, and which are measured at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.finetune.shop_products import ShopProduct
from mappings.errors import InvalidQuery

HELD_OUT_SHARE = 0.2
STOPPING_SHARE = 0.08
"""Of the products; what they would teach is worth less than to know when to stop."""

FEWEST_HELD_OUT = 2
_BUCKETS = 2**32


@dataclass(frozen=True)
class Split:
    """Rows of products in three parts that share no group.

    learned: for the losses. stopping: decides when to stop and which parameters are kept.
    held_out: seen by nothing but the table of before and after.
    """

    learned: tuple[int, ...]
    stopping: tuple[int, ...]
    held_out: tuple[int, ...]


def split_products(products: Sequence[ShopProduct], *, seed: int = 0) -> Split:
    """Split by a hash of each product's group, so that variants of one product stay together.

    A product stays in its part when others come or go. Raises InvalidQuery when there are too few
    groups to learn from and to measure.
    """
    parts: dict[str, list[int]] = {"learned": [], "stopping": [], "held_out": []}
    for row, product in enumerate(products):
        parts[part_of(product.group, seed=seed)].append(row)
    groups = len({product.group for product in products})
    if len(parts["held_out"]) < FEWEST_HELD_OUT or len(parts["learned"]) < FEWEST_HELD_OUT:
        raise InvalidQuery(
            f"catalogue: {groups} products with a title and a photo (variants of one count once) "
            "are too few to learn from and to measure on others; some dozens are needed, and "
            "hundreds before it pays",
            field="catalogue",
        )
    return Split(
        learned=tuple(parts["learned"]),
        # So small a catalogue has nothing to spare: what is learned from also says when to stop.
        stopping=tuple(parts["stopping"] or parts["learned"]),
        held_out=tuple(parts["held_out"]),
    )


def part_of(key: str, *, seed: int = 0) -> str:
    """Return the part of a key: "held_out" for a fifth of all keys, "stopping", or "learned"."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    place = int.from_bytes(digest[:4]) / _BUCKETS
    if place < HELD_OUT_SHARE:
        return "held_out"
    return "stopping" if place < HELD_OUT_SHARE + STOPPING_SHARE else "learned"
