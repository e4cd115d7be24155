"""A search from request to answer: the page to read first.

    filters -> legs (encode) -> retrieve -> score exactly -> fuse -> page

The order is total. The best `rank_window_size` products of the first pass are ranked by their
exact scores on every leg; those behind keep the order of the first pass. Total, facets and
pages speak of the same products: whatever any leg finds, under the filters.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from elasticsearch import Elasticsearch

from service.cursor import Cursor, check_place, decode_cursor, encode_cursor, fingerprint
from service.filters.compiler import compile_filter
from service.fusion.registry import FUSIONS
from service.live_indexes import LiveIndexes
from service.page import Page, Ranked, build_hits, place_after
from service.query_encoders import QueryEncoders
from service.query_legs import QueryLegs, build_legs
from service.ranked_windows import RankedWindow, RankedWindows
from service.ranking.weights import RankingWeights
from service.retrieval.candidates import (
    BY_SCORE,
    Candidates,
    Window,
    first_pass_scores,
    retrieve,
)
from service.retrieval.exact_scores import complete_scores
from service.retrieval.facets import aggregations
from service.retrieval.products import fetch_products, returned_fields
from service.retrieval.sorting import sort_clauses
from service.retrieval.vectors import Clause
from service.search_request import MAX_DEPTH, SearchRequest
from service.search_results import LegScores, SearchAnswer
from service.stopwatch import Stopwatch


@dataclass(frozen=True)
class _Search:
    """One request, understood: what every step below needs.

    index: the version that is asked, the same in every request, whatever the alias does.
    start: the product before the page. text: fingerprint of what decides the order.
    """

    request: SearchRequest
    index: str
    legs: QueryLegs
    filters: Sequence[Clause]
    window: Window
    start: Cursor
    text: str
    clock: Stopwatch

    @property
    def begins_in_window(self) -> bool:
        """Whether the page begins among the products that are ranked by exact scores."""
        return (
            self.window.sort is BY_SCORE
            and self.request.mode == "precise"
            and self.request.limit > 0
            and self.start.place == "window"
            and self.start.position < self.request.rank_window_size
        )


class Searcher:
    """Answers search requests; keeps between them only the windows that are paged through."""

    def __init__(
        self,
        client: Elasticsearch,
        indexes: LiveIndexes,
        encoders: QueryEncoders,
        ranking: RankingWeights,
    ) -> None:
        self._client = client
        self._indexes = indexes
        self._encoders = encoders
        self._ranking = ranking
        self._windows = RankedWindows()

    def search(self, index: str, request: SearchRequest) -> SearchAnswer:
        """Return the answer to a request.

        Raises a RequestError for what the caller can mend, UnknownIndex among them, and
        a TemporaryError when Elasticsearch cannot answer.
        """
        search = self._understand(index, request)
        page = (
            self._page_of_window(search)
            if search.begins_in_window
            else self._page_of_first_pass(search, search.start, request.limit)
        )
        more = bool(page.hits) and page.end.position < page.total.value
        return SearchAnswer(
            query_id=secrets.token_hex(12),
            total=page.total,
            hits=page.hits,
            facets=page.facets,
            cursor=encode_cursor(page.end, search.text) if more else None,
            weights_version=self._ranking.version if request.weights == "auto" else "request",
            warnings=search.legs.warnings,
            took=search.clock.readings(),
        )

    def _understand(self, index: str, request: SearchRequest) -> _Search:
        clock = Stopwatch()
        live = self._indexes.get(index)
        # First: its limits on depth and size are what the fingerprint below relies on.
        filters = compile_filter(request.filter)
        with clock.measure("encode"):
            encoder = self._encoders.get(live)
            legs = build_legs(request, live, encoder=encoder, ranking=self._ranking)
        text = fingerprint(index, request)
        start = Cursor("window", request.offset, ())
        if request.cursor:
            start = decode_cursor(request.cursor, text)
        sort = sort_clauses(request.sort, scored=bool(legs.weights))
        check_place(start, sort_values=len(sort))
        window = Window(
            size=request.limit,
            sort=sort,
            aggregations=aggregations(request.facets, collapse=request.collapse),
            collapse=request.collapse,
        )
        return _Search(request, live.index, legs, filters, window, start, text, clock)

    def _page_of_window(self, search: _Search) -> Page:
        """Rank the window by exact scores, cut the page out, and fill it up from behind."""
        request = search.request
        window = self._ranked_window(search)
        candidates, ranked = window.candidates, window.ranked
        order = ranked.order()
        first = place_after(ranked, order, search.start)
        rows = order[first : first + request.limit]
        with search.clock.measure("fetch"):
            products = fetch_products(
                self._client,
                search.index,
                [ranked.scores.product_ids[row] for row in rows],
                fields=returned_fields(request.fields),
                preference=search.text,
            )
        hits = build_hits(ranked, rows, products, first=first, explain=request.explain)
        window_end = Cursor("tail", len(order), tuple(candidates.last_sort))
        last = first + len(rows)
        if last < len(order):
            end = Cursor("window", last, ranked.key(rows[-1]))
            return Page(hits, candidates.total, candidates.facets, end)
        room = request.limit - len(rows)
        if not room or len(order) < request.rank_window_size:
            return Page(hits, candidates.total, candidates.facets, window_end)
        behind = self._page_of_first_pass(search, window_end, room)
        return Page([*hits, *behind.hits], candidates.total, candidates.facets, behind.end)

    def _ranked_window(self, search: _Search) -> RankedWindow:
        """Return the window that the page before was cut from, a new one for a first page."""
        aggregations = search.window.aggregations
        is_first = search.start.position == 0 and not search.start.after
        if not is_first:
            known = self._windows.get(search.index, search.text, aggregations)
            if known is not None:
                return known
        candidates = self._retrieve(
            search, replace(search.window, size=search.request.rank_window_size)
        )
        window = RankedWindow(candidates, self._rank(search, candidates.scores), aggregations)
        self._windows.put(search.index, search.text, window)
        return window

    def _page_of_first_pass(self, search: _Search, start: Cursor, size: int) -> Page:
        """Return products in the order of the first pass, or of the fields to sort by."""
        request = search.request
        # Elasticsearch takes search_after together with collapse for no order of ours.
        after = () if search.window.collapse else start.after
        reachable = size if after else max(0, min(size, MAX_DEPTH - start.position))
        window = replace(
            search.window,
            size=reachable,
            offset=0 if after else start.position,
            after=after,
            fields=returned_fields(request.fields),
        )
        candidates = self._retrieve(search, window)
        ranked = self._rank(search, candidates.scores)
        rows = range(len(ranked.scores.product_ids))
        hits = build_hits(
            ranked, rows, candidates.products, first=start.position, explain=request.explain
        )
        end = Cursor("tail", start.position + len(rows), tuple(candidates.last_sort))
        return Page(hits, candidates.total, candidates.facets, end)

    def _retrieve(self, search: _Search, window: Window) -> Candidates:
        with search.clock.measure("retrieve"):
            return retrieve(
                self._client,
                search.index,
                search.legs.legs,
                search.filters,
                window,
                preference=search.text,
            )

    def _rank(self, search: _Search, scores: LegScores) -> Ranked:
        request = search.request
        scored = search.window.sort is BY_SCORE
        if request.mode == "fast":
            fused = first_pass_scores(search.legs.legs, scores)
            return Ranked(scores, fused, search.legs.weights, ranked=False, scored=scored)
        with search.clock.measure("score"):
            scores = complete_scores(
                self._client, search.index, search.legs.legs, scores, preference=search.text
            )
        with search.clock.measure("fuse"):
            fused = FUSIONS[request.fusion](
                scores,
                weights=search.legs.weights,
                calibrations=search.legs.calibrations,
                rank_constant=request.rank_constant,
            )
        return Ranked(
            scores,
            fused,
            search.legs.weights,
            ranked=search.begins_in_window,
            scored=scored,
        )
