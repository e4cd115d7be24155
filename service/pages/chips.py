"""What a search goes by, as chips: each can be taken back, and some offer to narrow it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from service.pages.asking import Asker
from service.pages.prices import format_price
from service.pages.state import FACETS, Facet
from service.search_results import UnderstoodQuery

MOST_OFFERED = 4


@dataclass(frozen=True)
class Chip:
    """kind: what it is of. text: its value. address: where it leads. read: from the words."""

    kind: str
    text: str
    address: str
    read: bool = False


def active_chips(asker: Asker) -> list[Chip]:
    """Return what narrows the search; following the address of a chip takes it back."""
    return [*_of_words(asker), *_chosen(asker)]


def offered_chips(asker: Asker) -> list[Chip]:
    """Return what the words name and does not filter yet; following an address narrows."""
    state, fields = asker.state, _facets_by_field(asker)
    found: dict[tuple[Facet, str], Chip] = {}
    for match in asker.understood.matches:
        facet = fields.get(match.field)
        if facet is None or match.value in state.values(facet):
            continue
        if facet == "brand" and match.value in asker.read_brands():
            continue
        value = _level(match.value, match.text) if facet == "category" else match.value
        chip = Chip(facet.capitalize(), last_level(value), state.with_value(facet, value))
        found.setdefault((facet, value), chip)
    return list(found.values())[:MOST_OFFERED]


def price_text(low: float | None, high: float | None, currency: str | None) -> str:
    """Return e.g. `€10.00 to €50.00`, `from €10.00` or `up to €50.00`."""
    if low is None:
        return f"up to {format_price(high, currency)}"
    if high is None:
        return f"from {format_price(low, currency)}"
    return f"{format_price(low, currency)} to {format_price(high, currency)}"


def last_level(path: str) -> str:
    """Return the name of a category without those above it."""
    return path.rsplit(" > ", 1)[-1]


def has_understood(understood: UnderstoodQuery) -> bool:
    """Whether there is anything to say of the words."""
    return bool(understood.to_json())


def _of_words(asker: Asker) -> Iterator[Chip]:
    state = asker.state
    brands = () if state.brand else asker.read_brands()
    if brands:
        address = state.address(skip=(*state.skip, "brand"))
        yield Chip("Brand", " or ".join(brands), address, read=True)
    if not state.has_price and (price := asker.price()):
        text = price_text(price.get("gte"), price.get("lte"), None)
        yield Chip("Price", text, state.address(skip=(*state.skip, "price")), read=True)


def _chosen(asker: Asker) -> Iterator[Chip]:
    state = asker.state
    for facet in FACETS:
        for value in state.values(facet):
            yield Chip(facet.capitalize(), last_level(value), state.without(facet, value))
    if state.has_price:
        text = price_text(state.price_from, state.price_to, None)
        yield Chip("Price", text, state.address(price_from=None, price_to=None))


def _facets_by_field(asker: Asker) -> dict[str, Facet]:
    named = ((asker.field_of(facet), facet) for facet in FACETS)
    return {field: facet for field, facet in named if field}


def _level(path: str, text: str) -> str:
    """Return the path up to the level that the words name, all of it when none is."""
    levels = path.split(" > ")
    words = text.casefold().split()
    for depth, level in enumerate(levels, start=1):
        if all(word.rstrip("s") in level.casefold() for word in words):
            return " > ".join(levels[:depth])
    return path
