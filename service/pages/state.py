"""What a visitor of the shop page has chosen: all of it stands in the address.

A photo does not: it stays in the browser's memory and goes with each request.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlencode

from service.search_request import MAX_QUERY_LENGTH

PAGE_HITS = 24
MAX_SHOWN = 192
"""Hits of one page that is asked for at once, as by a reload after some "Show more"."""

MAX_VALUES = 50
"""Values of one facet that may be chosen."""

_MAX_VALUE_CHARACTERS = 300
_MAX_CURSOR_CHARACTERS = 2_000
_MAX_PRICE = 1e12

Facet = Literal["brand", "category", "colour"]
FACETS: tuple[Facet, ...] = ("brand", "category", "colour")
UNDERSTOOD = ("brand", "price")
"""What words are taken for and then filter; each may be taken back."""

SORTS: Mapping[str, tuple[str, Sequence[Mapping[str, str]]]] = {
    "": ("Best match", ()),
    "price-asc": ("Price: low to high", ({"price": "asc"},)),
    "price-desc": ("Price: high to low", ({"price": "desc"},)),
    "newest": ("Newest", ({"released_at": "desc"},)),
    "popular": ("Most popular", ({"popularity": "desc"},)),
}
"""Value in the address to what is shown, and to the `sort` of a search."""


Arguments = Mapping[str, Sequence[str]]
"""Names of an address to their values, none of which is empty."""


@dataclass(frozen=True)
class ShopState:
    """One view of the shop.

    price_from, price_to: both included. like: id of a product that others should be like. item:
    id of the product that is looked at. exact: search for what was typed, as it was typed. skip:
    of UNDERSTOOD, what the visitor took back. shown: hits from the first on. cursor: the page
    after those, instead.
    """

    q: str = ""
    brand: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    colour: tuple[str, ...] = ()
    price_from: float | None = None
    price_to: float | None = None
    sort: str = ""
    like: str = ""
    item: str = ""
    exact: bool = False
    skip: tuple[str, ...] = ()
    shown: int = PAGE_HITS
    cursor: str = ""

    @classmethod
    def parse(cls, arguments: Arguments) -> ShopState:
        """Return what an address says; what cannot be meant is left out, never an error."""

        def first(name: str) -> str:
            return arguments.get(name, ("",))[0]

        def every(name: str) -> Sequence[str]:
            return arguments.get(name, ())

        sort, skip = first("sort"), every("skip")
        return cls(
            q=_text(first("q"), MAX_QUERY_LENGTH).strip(),
            brand=_values(every("brand")),
            category=_values(every("category")),
            colour=_values(every("colour")),
            price_from=_price(first("from")),
            price_to=_price(first("to")),
            sort=sort if sort in SORTS else "",
            like=_text(first("like"), 512),
            item=_text(first("item"), 512),
            exact=first("exact") == "1",
            skip=tuple(name for name in UNDERSTOOD if name in skip),
            shown=_shown(first("shown")),
            cursor=first("cursor")[:_MAX_CURSOR_CHARACTERS],
        )

    def values(self, facet: Facet) -> tuple[str, ...]:
        """Return the chosen values of a facet."""
        chosen: tuple[str, ...] = getattr(self, facet)
        return chosen

    @property
    def has_price(self) -> bool:
        """Whether the visitor has set a limit of price."""
        return self.price_from is not None or self.price_to is not None

    @property
    def has_filters(self) -> bool:
        """Whether the visitor has chosen any filter."""
        return self.has_price or any(self.values(facet) for facet in FACETS)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the names and values of the address, without those that say nothing."""
        single = {
            "q": self.q,
            "from": "" if self.price_from is None else f"{self.price_from:.12g}",
            "to": "" if self.price_to is None else f"{self.price_to:.12g}",
            "sort": self.sort,
            "like": self.like,
            "item": self.item,
            "exact": "1" if self.exact else "",
            "shown": "" if self.shown == PAGE_HITS else str(self.shown),
            "cursor": self.cursor,
        }
        found = [(name, value) for name, value in single.items() if value]
        for facet in FACETS:
            found += [(facet, value) for value in self.values(facet)]
        return found + [("skip", name) for name in self.skip]

    def address(self, **changes: Any) -> str:  # noqa: ANN401 - any field of the state
        """Return the query of an address with some fields changed, such as `?q=lamp`.

        Any change but one of the page itself begins at the first hit again.
        """
        if not changes.keys() & {"shown", "cursor", "item"}:
            changes = {**changes, "shown": PAGE_HITS, "cursor": "", "item": ""}
        return "?" + urlencode(replace(self, **changes).pairs())

    def without(self, facet: Facet, value: str) -> str:
        """Return the address without one value of a facet."""
        return self.address(**{facet: tuple(v for v in self.values(facet) if v != value)})

    def with_value(self, facet: Facet, value: str) -> str:
        """Return the address with one more value of a facet."""
        chosen = self.values(facet)
        return self.address(**{facet: chosen if value in chosen else (*chosen, value)})

    def without_filters(self) -> str:
        """Return the address without any filter."""
        none: dict[str, Any] = {facet: () for facet in FACETS}
        return self.address(**none, price_from=None, price_to=None)


def _text(value: str, most: int) -> str:
    kept = value[:most].replace("\0", "")
    return kept.encode("utf-8", "ignore").decode()


def _values(values: Sequence[str]) -> tuple[str, ...]:
    cleaned = (_text(value, _MAX_VALUE_CHARACTERS) for value in values[:MAX_VALUES])
    return tuple(dict.fromkeys(value for value in cleaned if value))


def _price(value: str) -> float | None:
    try:
        price = float(value[:30])
    except ValueError:
        return None
    return price if math.isfinite(price) and 0 <= price <= _MAX_PRICE else None


def _shown(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 4:
        return PAGE_HITS
    pages = -(-int(value) // PAGE_HITS)
    return max(PAGE_HITS, min(pages * PAGE_HITS, MAX_SHOWN))
