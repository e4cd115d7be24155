"""A search from request to answer: the page to read first.

    filters -> legs (encode) -> retrieve -> score exactly -> fuse -> page

The order is total. The best `rank_window_size` products of the first pass are ranked by their
exact scores on every leg; those behind keep the order of the first pass. Total, facets and
pages speak of the same products: whatever any leg finds, under the filters. Products that rules
pin stand before the window, which they are no part of, and are counted as the others are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from elasticsearch import Elasticsearch

from mappings.errors import ClusterTimeout
from mappings.tracing import span
from service.cursor import Cursor, encode_cursor
from service.feature_ranking import score_features
from service.interleaving import Interleaved, build_hits, place_after
from service.leg_breaker import LegBreaker
from service.page import Page, Ranked
from service.prepared_search import NOTHING_GIVEN, Given, PreparedSearch, SearchPreparer
from service.ranked_windows import RankedWindow, RankedWindows
from service.ranker import draft, rank
from service.ranking.features import FEATURES
from service.retrieval.candidates import (
    Candidates,
    Window,
    count_neighbours,
    joined,
    retrieve,
)
from service.retrieval.pins import find_pins
from service.retrieval.products import fetch_products, returned_fields
from service.rules.curation import OFF
from service.search_request import MAX_DEPTH, MAX_WINDOW, SearchRequest
from service.search_results import (
    FeatureMatrix,
    Hit,
    SearchAnswer,
    ShownProducts,
    UnderstoodQuery,
)
from service.weights.experiments import Team
from service.weights.query_ids import QueryIdSigner, plain_query_id


class Searcher:
    """Answers search requests; keeps between them only the windows that are paged through.

    signer: makes the query ids of answers that count in an experiment; without it none does.
    leg_seconds: longest wait for one request that has legs of vectors; then words answer alone.
    0 waits for them as for anything else. breaker: says when they are not even asked for.
    """

    def __init__(
        self,
        client: Elasticsearch,
        preparer: SearchPreparer,
        signer: QueryIdSigner | None = None,
        *,
        leg_seconds: float = 0.0,
        breaker: LegBreaker | None = None,
    ) -> None:
        self._client = client
        self._leg_seconds = leg_seconds
        self._breaker = breaker or LegBreaker(0)
        self._impatient = client.options(request_timeout=leg_seconds or None)
        self._preparer = preparer
        self._signer = signer
        self._windows = RankedWindows()

    @property
    def preparer(self) -> SearchPreparer:
        """Return what makes requests ready."""
        return self._preparer

    def search(
        self, index: str, request: SearchRequest, given: Given = NOTHING_GIVEN
    ) -> SearchAnswer:
        """Return the answer to a request.

        given: what belongs to the query and is not in the request's body.
        Raises a RequestError for what the caller can mend, UnknownIndex among them, and
        a TemporaryError when Elasticsearch cannot answer.
        """
        with span("search", index=index):
            return self._answer(index, request, given)

    def understand(self, index: str, text: str) -> UnderstoodQuery:
        """Return what the words of a query say, by the index's own products. Asks no encoder.

        Raises UnknownIndex.
        """
        live = self._preparer.indexes.get(index)
        request = SearchRequest.model_construct(q=text)
        curator = self._preparer.curator(live, request)
        return self._preparer.understood(live, curator.replaced(), curator)

    def _answer(self, index: str, request: SearchRequest, given: Given) -> SearchAnswer:
        search = self._preparer.prepare(index, request, given)
        if self._is_impatient(search) and (reason := self._breaker.reason(search.name)):
            search = self._preparer.words_alone(search, reason)
        try:
            page = self._page(self._with_pins(search))
            if self._is_impatient(search):
                self._breaker.answered(search.name)
        except ClusterTimeout:
            if not self._is_impatient(search):
                raise
            self._breaker.timed_out(search.name)
            reason = f"not done within {round(self._leg_seconds * 1_000)} ms; left out"
            search = self._preparer.words_alone(search, reason)
            page = self._page(self._with_pins(search))
        more = bool(page.hits) and page.end.position < page.total.value
        return SearchAnswer(
            query_id=self._query_id(search, page.hits),
            total=page.total,
            hits=page.hits,
            facets=page.facets,
            cursor=encode_cursor(page.end, search.text) if more else None,
            weights_version=search.weights_version,
            understood=search.understood.to_json(),
            warnings=[
                *search.watch.warnings(),
                *search.legs.warnings,
                *search.curation.warnings,
            ],
            took=search.watch.readings(),
            watch=search.watch,
            rules=search.curation.to_json(),
        )

    def _is_impatient(self, search: PreparedSearch) -> bool:
        return self._leg_seconds > 0 and search.could_do_with_words_alone

    def _cluster(self, search: PreparedSearch) -> Elasticsearch:
        # One request holds all legs. A client that hangs up ends it in the cluster, too.
        return self._impatient if self._is_impatient(search) else self._client

    def score_features(
        self, index: str, request: SearchRequest, product_ids: Sequence[str]
    ) -> tuple[FeatureMatrix, int]:
        """Return the ranking features of what a search would rank, and of further products.

        The same requests as in a search. The second value says how many of the candidates, the
        first ones, the search found itself; a product that is not in the index is left out.
        """
        # What is learned is how products rank, whatever rules make of it.
        search = self._preparer.prepare(index, request.model_copy(update={"rules": OFF}))
        window = replace(search.window, size=request.rank_window_size, aggregations={})
        found = self._retrieve(search, window).scores
        ids = set(found.product_ids)
        rest = [name for name in dict.fromkeys(product_ids) if name not in ids]
        scores = found
        for start in range(0, len(rest), MAX_WINDOW):
            part = rest[start : start + MAX_WINDOW]
            by_id = replace(search, filters=[*search.filters, {"ids": {"values": part}}])
            more = self._retrieve(by_id, replace(window, size=len(part))).scores
            scores = joined(scores, more)
        features = score_features(
            self._client,
            search.index,
            search.legs,
            scores,
            search.understood,
            wanted=FEATURES,
            preference=search.text,
            in_window=len(found.product_ids),
        )
        return features.matrix, len(found.product_ids)

    def _query_id(self, search: PreparedSearch, hits: Sequence[Hit]) -> str:
        """Return an id that tells the experiment's report what answered, where one has a say."""
        arm = search.arm
        if self._signer is None or arm is None or arm.client_id is None:
            return plain_query_id()
        if arm.other is None:
            return self._signer.sign(search.name, arm.experiment, arm.client_id, arm.team)
        first = arm.experiment.versions[0]
        teams: dict[str, Team] = {
            hit.id: "A" if hit.team == first else "B" for hit in hits if hit.team is not None
        }
        if not teams:  # behind the window, where nobody has picked
            return plain_query_id()
        return self._signer.sign(search.name, arm.experiment, arm.client_id, teams)

    def _with_pins(self, search: PreparedSearch) -> PreparedSearch:
        """Return the search with those pins that are there, which takes a request of its own."""
        if not search.curation.pins:
            return search
        with search.watch.measure("retrieve"):
            pinned = find_pins(
                self._cluster(search),
                search.index,
                search.legs.legs,
                search.filters,
                list(search.curation.pins),
                collapse=search.window.collapse,
                preference=search.text,
            )
        window = replace(search.window, apart=pinned.apart)
        return replace(search, pinned=pinned, window=window)

    def _page(self, search: PreparedSearch) -> Page:
        if search.begins_in_window:
            return self._page_of_window(search)
        return self._page_of_first_pass(search, search.start, search.request.limit)

    def _page_of_window(self, search: PreparedSearch) -> Page:
        """Rank the window by exact scores, cut the page out, and fill it up from behind."""
        request = search.request
        window = self._ranked_window(search)
        candidates, ranked = window.candidates, window.ranked
        order = ranked.order()
        first = place_after(ranked, order, search.start)
        rows = order[first : first + request.limit]
        shown = self._fetch(search, [ranked.scores.product_ids[row] for row in rows])
        hits = _hits(search, ranked, rows, shown, first)
        window_end = Cursor("tail", len(order), tuple(candidates.last_sort))
        last = first + len(rows)
        if last < len(order):
            end = Cursor("window", last, ranked.key(rows[-1]))
            return Page(hits, candidates.total, candidates.facets, end)
        room = request.limit - len(rows)
        if not room or len(order) < search.window_size:
            return Page(hits, candidates.total, candidates.facets, window_end)
        behind = self._page_of_first_pass(search, window_end, room)
        return Page([*hits, *behind.hits], candidates.total, candidates.facets, behind.end)

    def _ranked_window(self, search: PreparedSearch) -> RankedWindow:
        """Return the window that the page before was cut from, a new one for a first page."""
        aggregations = search.window.aggregations
        is_first = search.start.position == 0 and not search.start.after
        if not is_first:
            known = self._windows.get(search.index, self._key(search), aggregations)
            if known is not None:
                return known
        candidates = self._retrieve(
            search, replace(search.window, size=search.request.rank_window_size)
        )
        ranked = draft(self._cluster(search), search, candidates)
        window = RankedWindow(candidates, ranked, aggregations)
        self._windows.put(search.index, self._key(search), window)
        return window

    @staticmethod
    def _key(search: PreparedSearch) -> str:
        # A window of other weights, or that other coins have drafted, is none of this search.
        dropped = ",".join(sorted(one.leg for one in search.watch.dropped))
        # Nor is one of other rules, or that lacks a pinned product which is there now.
        pinned = ",".join(search.window.apart.ids)
        rules = f"{search.curation.key()} {pinned}"
        key = f"{search.text} {search.weights_version} {dropped} {rules}"
        if search.arm is None or search.arm.other is None:
            return key
        return f"{key} {hashlib.sha256(search.arm.seed(search.text).encode()).hexdigest()}"

    def _page_of_first_pass(self, search: PreparedSearch, start: Cursor, size: int) -> Page:
        """Return products in the order of the first pass, or of the fields to sort by."""
        request = search.request
        begin = start.position
        pins = search.pinned.part(begin, begin + (0 if start.after else size))
        size -= len(pins)
        offset = max(0, begin - len(search.pinned))
        # Elasticsearch takes search_after together with collapse for no order of ours.
        after = () if search.window.collapse else start.after
        reachable = size if after else max(0, min(size, MAX_DEPTH - offset))
        window = replace(
            search.window,
            size=reachable,
            offset=0 if after else offset,
            after=after,
            fields=returned_fields(request.fields),
        )
        candidates = self._retrieve(search, window)
        ranked = rank(self._cluster(search), search, candidates, pins=pins)
        count = len(candidates.scores.product_ids)
        rows = [*range(count, count + len(pins)), *range(count)]
        shown = candidates.shown
        if pins.apart.ids:
            of_pins = self._fetch(search, pins.apart.ids)
            shown = ShownProducts(
                {**shown.products, **of_pins.products}, {**shown.photos, **of_pins.photos}
            )
        hits = _hits(search, ranked, rows, shown, begin)
        end = Cursor("tail", begin + len(rows), tuple(candidates.last_sort))
        return Page(hits, candidates.total, candidates.facets, end)

    def _fetch(self, search: PreparedSearch, product_ids: Sequence[str]) -> ShownProducts:
        with search.watch.measure("fetch"):
            return fetch_products(
                self._cluster(search),
                search.index,
                product_ids,
                fields=returned_fields(search.request.fields),
                legs=search.legs.told_by(),
                preference=search.text,
            )

    def _retrieve(self, search: PreparedSearch, window: Window) -> Candidates:
        with search.watch.measure("retrieve"):
            found = retrieve(
                self._cluster(search),
                search.index,
                search.legs.legs,
                search.filters,
                window,
                preference=search.text,
            )
        if not window.offset and not window.after:
            search.watch.neighbours += count_neighbours(
                search.legs.legs, found.scores, window, is_filtered=bool(search.filters)
            )
        return found


def _hits(
    search: PreparedSearch,
    ranked: Ranked | Interleaved,
    rows: Sequence[int],
    shown: ShownProducts,
    first: int,
) -> list[Hit]:
    return build_hits(
        ranked,
        rows,
        shown.products,
        first=first,
        explain=search.request.explain,
        photos=shown.photos,
    )
