"""A visitor's view of the shop: searches, and everything that the templates show of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from mappings.errors import InvalidQuery, UnknownProduct
from service.pages.asking import CARD_FIELDS, Asker
from service.pages.cards import Card, ProductView, card_of, make_card, view_of
from service.pages.chips import Chip, active_chips, offered_chips
from service.pages.facets import FacetView, read_facets, wanted_facets
from service.pages.prices import PriceScale
from service.pages.relaxing import WayOut, ways_out
from service.pages.state import MAX_SHOWN, PAGE_HITS, SORTS, ShopState
from service.search_results import SearchAnswer

RELATED = 6
"""Products beside the one that is looked at."""

POPULAR = 12
"""Products that are shown when nothing at all was found."""


@dataclass(frozen=True)
class Correction:
    """The words that were searched for instead, and the address of those that were typed."""

    searched: str
    typed: str
    address: str


@dataclass(frozen=True)
class More:
    """The page after. address: of all hits up to its end, for a reload. piece: of it alone."""

    address: str
    piece: str


@dataclass(frozen=True)
class Results:
    """Products that were found, and what they were found by.

    liked: the product that others should be like. relaxed: what was left out to show anything,
    None when nothing was. popular: whether these are no results but what sells most.
    problem: what is wrong with the request, as the service says it.
    """

    state: ShopState
    total: int = 0
    cards: Sequence[Card] = ()
    query_id: str = ""
    chips: Sequence[Chip] = ()
    offered: Sequence[Chip] = ()
    correction: Correction | None = None
    facets: Sequence[FacetView] = ()
    prices: PriceScale | None = None
    more: More | None = None
    liked: Card | None = None
    ways_out: Sequence[WayOut] = ()
    relaxed: WayOut | None = None
    popular: bool = False
    has_photo: bool = False
    warnings: Sequence[str] = field(default=())
    milliseconds: float = 0.0


def find_results(asker: Asker) -> tuple[Results, SearchAnswer]:
    """Return what a state shows, and the answer of the search itself. Raises what it raises."""
    state = asker.state
    filters = asker.filters()
    answer = _first(asker, filters)
    shown = _cards(asker, answer)
    result = Results(
        state=state,
        total=answer.total.value,
        cards=shown,
        query_id=answer.query_id,
        chips=active_chips(asker),
        offered=offered_chips(asker),
        correction=_correction(asker),
        more=_more(state, answer),
        liked=_product_card(asker, state.like) if state.like else None,
        has_photo=asker.photo is not None,
        warnings=answer.warnings,
        milliseconds=answer.took.get("total", 0.0),
    )
    if answer.total.value or state.cursor:
        facets, prices = read_facets(asker, answer.facets)
        return replace(result, facets=facets, prices=prices), answer
    return _helped(asker, result), answer


def find_product(asker: Asker) -> tuple[ProductView, Sequence[Card], str]:
    """Return the product that a state looks at, others that are like it, and the query's id.

    The others are none where it has no vectors. Raises UnknownProduct.
    """
    product_id = asker.state.item
    product = _product(asker, product_id)
    if product is None:
        raise UnknownProduct(f"there is no product {product_id[:80]!r}", field="item")
    view = view_of(asker.index, product_id, product)
    alike = replace(asker, state=ShopState(like=product_id))
    try:
        answer = alike.ask(filters={}, limit=RELATED, fields=CARD_FIELDS)
    except InvalidQuery:  # nothing to compare it by
        return view, (), ""
    return view, _cards(alike, answer), answer.query_id


def _first(asker: Asker, filters: Mapping[str, Any]) -> SearchAnswer:
    state = asker.state
    more: dict[str, Any] = {
        "filters": filters,
        "limit": PAGE_HITS if state.cursor else state.shown,
        "fields": CARD_FIELDS,
    }
    if sort := SORTS[state.sort][1]:
        more["sort"] = sort
    if state.cursor:
        # Facets are those of the page before.
        try:
            return asker.ask(**more, cursor=state.cursor)
        except InvalidQuery as error:
            if error.field != "cursor":
                raise  # of a search that is another one by now: from the start, then
    return asker.ask(**more, facets=wanted_facets(asker))


def _cards(asker: Asker, answer: SearchAnswer, *, first: int = 1) -> list[Card]:
    return [card_of(asker.index, hit, place) for place, hit in enumerate(answer.hits, first)]


def _more(state: ShopState, answer: SearchAnswer) -> More | None:
    if answer.cursor is None:
        return None
    shown = state.shown + PAGE_HITS
    piece = "?" + urlencode(replace(state, cursor=answer.cursor, shown=PAGE_HITS).pairs())
    if state.cursor or shown > MAX_SHOWN:
        return More(piece, piece)
    return More(state.address(shown=shown), piece)


def _correction(asker: Asker) -> Correction | None:
    corrected = asker.understood.corrected
    if corrected is None or asker.state.exact:
        return None
    return Correction(corrected, asker.state.q, asker.state.address(exact=True))


def _product(asker: Asker, product_id: str) -> Mapping[str, Any] | None:
    bare = replace(asker, state=ShopState(), photo=None)
    hits = bare.ask(filters={"id": product_id}, limit=1).hits
    return hits[0].product if hits else None


def _product_card(asker: Asker, product_id: str) -> Card | None:
    product = _product(asker, product_id)
    return None if product is None else make_card(asker.index, product_id, product, 1)


def _helped(asker: Asker, empty: Results) -> Results:
    """Return what helps somebody whose search finds nothing."""
    ways = ways_out(asker)
    if ways:
        best = ways[0]
        answer = asker.ask(filters=best.filters, limit=PAGE_HITS, fields=CARD_FIELDS)
        return replace(
            empty,
            ways_out=ways,
            relaxed=best,
            cards=_cards(asker, answer),
            query_id=answer.query_id,
        )
    bare = replace(asker, state=ShopState(), photo=None)
    answer = bare.ask(filters={}, limit=POPULAR, fields=CARD_FIELDS)
    return replace(empty, popular=True, cards=_cards(asker, answer), query_id=answer.query_id)
