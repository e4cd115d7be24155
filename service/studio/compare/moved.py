"""Which products stand elsewhere in the other list, and how that is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Direction = Literal["same", "up", "down", "new", "gone"]


@dataclass(frozen=True)
class Moved:
    """What became of a product. text: says it without a colour."""

    direction: Direction
    text: str


def mark(
    ids: Sequence[str], other: Sequence[str], *, is_after: bool, other_name: str, is_whole: bool
) -> Mapping[str, Moved]:
    """Return product id to what became of it between two ranked lists.

    other: the list that is held against. is_whole: whether that is all there is, or its beginning
    alone. is_after: whether `ids` is what came of it, so that a product has come from there; else
    it goes there.
    """
    absent = (
        f"{other_name} does not find it"
        if is_whole
        else f"not in the first {len(other)} of {other_name}"
    )
    places = {product_id: place for place, product_id in enumerate(other, start=1)}
    return {
        product_id: _moved(place, places.get(product_id), is_after, absent)
        for place, product_id in enumerate(ids, start=1)
    }


def _moved(place: int, there: int | None, is_after: bool, absent: str) -> Moved:
    if there is None:
        direction: Direction = "new" if is_after else "gone"
        return Moved(direction, f"{direction}: {absent}")
    if there == place:
        return Moved("same", "same place")
    steps = abs(there - place)
    if is_after:
        return (
            Moved("up", f"▲ up {steps}, from {there}")
            if place < there
            else Moved("down", f"▼ down {steps}, from {there}")
        )
    return (
        Moved("up", f"▲ goes up {steps}, to {there}")
        if there < place
        else Moved("down", f"▼ goes down {steps}, to {there}")
    )
