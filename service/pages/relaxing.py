"""When nothing is found: which condition stands in the way, and what is there without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.pages.asking import Asker
from service.pages.chips import last_level, price_text
from service.pages.state import FACETS


@dataclass(frozen=True)
class WayOut:
    """What to leave out, and what is found then. without: as in "without the brand Acme"."""

    without: str
    address: str
    count: int
    filters: Mapping[str, Any]


def ways_out(asker: Asker) -> list[WayOut]:
    """Return each condition without which there are products, the most products first.

    When none alone is to blame: all of them together, if that helps. One search each, so at
    most five. Empty when even the words, photo or product alone find nothing.
    """
    state = asker.state
    conditions = _conditions(asker)
    found = []
    for name, (text, address) in conditions.items():
        filters = asker.filters(skipping={name})
        found.append(WayOut(text, address, asker.count(filters), filters))
    helping = sorted((way for way in found if way.count), key=lambda way: -way.count)
    if helping or len(conditions) < 2:
        return helping
    count = asker.count({})
    address = state.address(
        brand=(), category=(), colour=(), price_from=None, price_to=None, skip=("brand", "price")
    )
    return [WayOut("any filter", address, count, {})] if count else []


def _conditions(asker: Asker) -> dict[str, tuple[str, str]]:
    """Return the name of each condition, what it is called, and the address without it."""
    state = asker.state
    found: dict[str, tuple[str, str]] = {}
    for facet in FACETS:
        values = state.values(facet)
        if values and asker.field_of(facet):
            text = " or ".join(map(last_level, values))
            found[facet] = (f"the {facet} {text}", state.address(**{facet: ()}))
    if not state.brand and (brands := asker.read_brands()):
        address = state.address(skip=(*state.skip, "brand"))
        found["brand"] = (f"the brand {' or '.join(brands)}", address)
    if price := asker.price():
        text = price_text(price.get("gte"), price.get("lte"), None)
        skip = state.skip if state.has_price else (*state.skip, "price")
        address = state.address(price_from=None, price_to=None, skip=skip)
        found["price"] = (f"the price {text}", address)
    return found
