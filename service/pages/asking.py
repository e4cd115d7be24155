"""One visitor's search as the API knows it: words, filters, photo, or a product that is liked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.pages.state import Facet, ShopState
from service.prepared_search import Given
from service.search_request import SearchRequest
from service.search_results import SearchAnswer, UnderstoodQuery
from service.searcher import Searcher
from service.similar_products import SimilarProducts

PHOTO_PART = "photo"
CARD_FIELDS = ("title", "brand", "price", "currency", "availability", "images")


@dataclass(frozen=True)
class VisitorPhoto:
    """The file that a visitor searches by. crop: x0, y0, x1, y1 as shares, None for all of it."""

    data: bytes
    crop: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Asker:
    """Asks one index in a visitor's name.

    understood: what the words say; nothing when there are none. colour_field: name of the filter
    that colours stand in, None when the index has none. client_id: decides the arm of an
    experiment.
    """

    index: str
    searcher: Searcher
    similar: SimilarProducts
    state: ShopState
    understood: UnderstoodQuery
    colour_field: str | None
    photo: VisitorPhoto | None = None
    client_id: str | None = field(default=None, repr=False)

    def field_of(self, facet: Facet) -> str | None:
        """Return the field of the API that a facet stands for."""
        if facet == "colour":
            return self.colour_field
        return {"brand": "brand", "category": "categories"}[facet]

    def filters(self, *, skipping: Collection[str] = ()) -> dict[str, Any]:
        """Return the filter of the visitor's choice, and of what the words say.

        skipping: of brand, category, colour and price; what is left out.
        What was chosen by hand goes before what was read from the words.
        """
        state = self.state
        found: dict[str, Any] = {}
        facets: tuple[Facet, ...] = ("brand", "category", "colour")
        for facet in facets:
            field = self.field_of(facet)
            if facet not in skipping and field and (values := state.values(facet)):
                found[field] = list(values)
        if "brand" not in skipping and not state.brand and (brands := self.read_brands()):
            found["brand"] = list(brands)
        price = {} if "price" in skipping else self.price()
        if price:
            found["price"] = price
        return found

    def read_brands(self) -> tuple[str, ...]:
        """Return the brands that the words name, unless the visitor took that back."""
        if "brand" in self.state.skip:
            return ()
        return brands_in(self.understood)

    def price(self) -> dict[str, float]:
        """Return the limits of price: those chosen, else those that the words name."""
        state = self.state
        low, high = state.price_from, state.price_to
        if not state.has_price and "price" not in state.skip:
            low, high = self.understood.least_price, self.understood.most_price
        limits = {"gte": low, "lte": high}
        return {name: limit for name, limit in limits.items() if limit is not None}

    def ask(
        self,
        *,
        filters: Mapping[str, Any],
        facets: Mapping[str, Any] | None = None,
        **more: Any,  # noqa: ANN401 - fields of a search request
    ) -> SearchAnswer:
        """Return the answer under these filters. Raises what a search raises."""
        body: dict[str, Any] = {"filter": dict(filters), "facets": dict(facets or {}), **more}
        if self.state.like:
            request = SearchRequest.parse(body)
            return self.similar.find(self.index, self.state.like, "both", request)
        body |= {"q": self.state.q, "understand": "off" if self.state.exact else "soft"}
        body["client_id"] = self.client_id
        given = Given()
        if self.photo is not None:
            body["image"] = {"upload": PHOTO_PART}
            if self.photo.crop is not None:
                body["image"]["crop"] = self.photo.crop
            given = Given(uploads={PHOTO_PART: self.photo.data})
        return self.searcher.search(self.index, SearchRequest.parse(body), given)

    def count(self, filters: Mapping[str, Any]) -> int:
        """Return how many products there are under these filters."""
        return self.ask(filters=filters, limit=0).total.value


MIN_BRAND_WEIGHT = 0.25
"""As for the API's `"understand": "filter"`: a filter takes products away for good."""


def brands_in(understood: UnderstoodQuery) -> tuple[str, ...]:
    """Return the brands that the words name and that can be nothing else."""
    others = {match.text for match in understood.matches if match.field != "brand"}
    brands = (
        match.value
        for match in understood.matches_of("brand")
        if match.weight >= MIN_BRAND_WEIGHT and match.text not in others
    )
    return tuple(dict.fromkeys(brands))
