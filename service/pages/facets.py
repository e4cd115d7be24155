"""Facets that stay right while filtering: a facet's own choice does not narrow its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.pages.asking import Asker
from service.pages.chips import last_level
from service.pages.prices import LADDER, PriceScale, price_scale
from service.pages.state import FACETS, Facet
from service.search_results import FacetCount, Facets, RangeCount

VALUES = 12
_NAMES: Mapping[Facet, str] = {"brand": "Brand", "category": "Category", "colour": "Colour"}
_PRICE = {"ranges": list(LADDER)}


@dataclass(frozen=True)
class FacetValue:
    """A value that may be chosen.

    name: as shown, without the levels above it. depth: of a category, from 0.
    """

    value: str
    name: str
    count: int
    chosen: bool
    depth: int = 0


@dataclass(frozen=True)
class FacetView:
    """A facet. parameter: its name in the address."""

    parameter: Facet
    name: str
    values: tuple[FacetValue, ...]


def wanted_facets(asker: Asker) -> dict[str, Any]:
    """Return the facets that a search is asked for: those that nothing of themselves narrows."""
    filters = asker.filters()
    fields = {asker.field_of(facet): VALUES for facet in FACETS}
    facets: dict[str, Any] = {name: size for name, size in fields.items() if name}
    facets["price"] = _PRICE
    return {name: size for name, size in facets.items() if name not in filters}


def read_facets(asker: Asker, counted: Facets) -> tuple[list[FacetView], PriceScale | None]:
    """Return the facets with values, and the scale of prices.

    counted: facets of the search itself. For each that is filtered by, one more request counts
    it without its own filter.
    """
    views = []
    for facet in FACETS:
        field = asker.field_of(facet)
        if field is None:
            continue
        counts = counted.get(field)
        if counts is None:
            counts = _counted_without(asker, facet, field, VALUES)
        values = _values(counts, asker.state.values(facet), facet)
        if values:
            views.append(FacetView(facet, _NAMES[facet], values))
    prices = counted.get("price")
    if prices is None:
        prices = _counted_without(asker, "price", "price", _PRICE)
    limits = asker.price()
    return views, price_scale(prices, limits.get("gte"), limits.get("lte"))


def _counted_without(
    asker: Asker, name: str, field: str, wanted: object
) -> Sequence[FacetCount | RangeCount]:
    filters = asker.filters(skipping={name})
    return asker.ask(filters=filters, facets={field: wanted}, limit=0).facets.get(field, ())


def _values(
    counts: Sequence[FacetCount | RangeCount], chosen: Sequence[str], facet: Facet
) -> tuple[FacetValue, ...]:
    """Return the values with their counts; what is chosen is there, though it counts nothing."""
    found = {one.value: one.count for one in counts if isinstance(one, FacetCount)}
    known = {value.casefold(): value for value in found}
    picked = {known.get(value.casefold(), value) for value in chosen}
    for value in picked:
        found.setdefault(value, 0)
    values = [
        FacetValue(
            value,
            last_level(value) if facet == "category" else value,
            count,
            value in picked,
            value.count(" > ") if facet == "category" else 0,
        )
        for value, count in found.items()
    ]
    # A tree is read from above; a category whose parent is cut off stands where its name does.
    return tuple(sorted(values, key=lambda one: one.value) if facet == "category" else values)
