"""A request made ready: what is searched, under which filters, and what will rank it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mappings.errors import InvalidQuery, UnknownWeights
from mappings.index_lifecycle import LiveIndex
from service.cursor import Cursor, check_place, decode_cursor, fingerprint
from service.feature_ranking import LearnedRanking
from service.filters.compiler import compile_filter
from service.interleaving import Arm, choose_arm
from service.live_indexes import LiveIndexes
from service.query_encoders import QueryEncoders
from service.query_legs import QueryLegs, build_legs
from service.ranking.weights import RankingWeights
from service.retrieval.candidates import BY_SCORE, Window
from service.retrieval.facets import aggregations
from service.retrieval.sorting import sort_clauses
from service.retrieval.vectors import Clause
from service.search_request import DEFAULT_WEIGHTS, SearchRequest
from service.search_results import UnderstoodQuery
from service.stopwatch import Stopwatch
from service.understanding.filters import as_filter
from service.weights.active import Current

Understand = Callable[[str, LiveIndex], UnderstoodQuery]
"""What the words of a query say, by the catalogue's own words."""


class LearnedRankings(Protocol):
    """Knows the learned weights of each index."""

    def get(self, index: str) -> LearnedRanking | None:
        """Return the active version, None for the weights that are shipped. Never raises."""
        ...

    def current(self, index: str) -> Current[LearnedRanking | None]:
        """Return the active version with the experiment that runs. Never raises."""
        ...

    def get_version(self, index: str, version: str) -> LearnedRanking | None:
        """Return a version by name. Raises UnknownWeights."""
        ...


class NothingLearned:
    """For a service that ranks by the weights that are shipped."""

    def get(self, index: str) -> None:
        """Return nothing."""

    def current(self, index: str) -> Current[LearnedRanking | None]:
        """Return that nothing is active, and no experiment runs."""
        return Current(None)

    def get_version(self, index: str, version: str) -> None:
        """Raise UnknownWeights: there are no versions."""
        raise UnknownWeights(f"index {index!r} has no weights {version!r}", field="version")


@dataclass(frozen=True)
class PreparedSearch:
    """One request, understood: what every step of a search needs.

    index: the version that is asked, the same in every request, whatever the alias does; name:
    the alias. arm: what an experiment decided, None where it has no say.
    start: the product before the page. text: fingerprint of what decides the order.
    learned: what ranks the window; None when the request's or the shipped weights do.
    """

    request: SearchRequest
    name: str
    index: str
    legs: QueryLegs
    filters: Sequence[Clause]
    window: Window
    start: Cursor
    text: str
    clock: Stopwatch
    understood: UnderstoodQuery
    learned: LearnedRanking | None
    weights_version: str
    arm: Arm | None = None

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


@dataclass(frozen=True)
class SearchPreparer:
    """Makes requests ready. ranking: the weights that are shipped."""

    indexes: LiveIndexes
    encoders: QueryEncoders
    ranking: RankingWeights
    understand: Understand
    rankings: LearnedRankings

    def prepare(self, index: str, request: SearchRequest) -> PreparedSearch:
        """Return the search. Raises a RequestError for what the caller can mend."""
        clock = Stopwatch()
        live = self.indexes.get(index)
        # First: its limits on depth and size are what the fingerprint below relies on.
        filters = compile_filter(request.filter)
        text = fingerprint(index, request)
        with clock.measure("understand"):
            understood = self._understood(live, request)
            if request.understand == "filter":
                filters = [*filters, *compile_filter(as_filter(understood))]
            searched = _searched(request, understood)
        arm, learned = None, None
        if request.terms and not request.sort:
            arm = self._arm(live, request)
            learned = arm.learned if arm else self._learned(live, request)
        with clock.measure("encode"):
            encoder = self.encoders.get(live)
            pushed = learned.leg_weights() if learned and request.mode == "fast" else None
            legs = build_legs(
                searched, live, encoder=encoder, ranking=self.ranking, pushed_down=pushed
            )
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
        return PreparedSearch(
            request=request,
            name=live.name,
            index=live.index,
            legs=legs,
            filters=filters,
            window=window,
            start=start,
            text=text,
            clock=clock,
            understood=understood,
            learned=learned,
            weights_version=arm.version if arm else self._version(request, learned),
            arm=arm,
        )

    def _understood(self, live: LiveIndex, request: SearchRequest) -> UnderstoodQuery:
        if request.understand == "off" or not request.terms:
            return UnderstoodQuery()
        wanted = [text for text, weight in request.terms.items() if weight > 0]
        return self.understand(" ".join(wanted), live)

    def _arm(self, live: LiveIndex, request: SearchRequest) -> Arm | None:
        # Who asks for a ranking by name gets that one; the first pass alone is not compared.
        is_open = request.weights == "auto" and request.weights_version is None
        # Training sees words alone: what it learned of a vector that a request brings is nothing.
        if not is_open or request.vectors or request.fusion != "auto" or request.mode != "precise":
            return None
        return choose_arm(self.rankings.current(live.name), live, request.client_id)

    def _learned(self, live: LiveIndex, request: SearchRequest) -> LearnedRanking | None:
        if request.weights != "auto":
            return None
        name = request.weights_version
        if name == DEFAULT_WEIGHTS or request.fusion == "reciprocal_rank":
            return None
        found = (
            self.rankings.get_version(live.name, name) if name else self.rankings.get(live.name)
        )
        if found is not None and not found.fits(live):
            found = None
        if (
            found is not None
            and not name
            and not set(request.vectors) <= set(found.model.features)
        ):
            return None  # training saw no such vector, so the weights would leave it out
        if found is not None and request.mode == "fast" and found.leg_weights() is None:
            return None  # what is no weighted sum cannot be pushed down
        if found is not None and request.fusion in {"auto", found.model.fusion}:
            return found
        if request.fusion not in {"auto", "weighted_sum"} or (name and found):
            raise InvalidQuery(
                f"fusion: no weights of kind {request.fusion!r} are active for {live.name!r}",
                field="fusion",
            )
        return None

    def _version(self, request: SearchRequest, learned: LearnedRanking | None) -> str:
        if request.weights != "auto":
            return "request"
        return learned.version if learned else self.ranking.version


def _searched(request: SearchRequest, understood: UnderstoodQuery) -> SearchRequest:
    """Return the request with the words that are looked for: corrected, without a price."""
    has_price = understood.least_price is not None or understood.most_price is not None
    if not isinstance(request.q, str) or not understood.words:
        return request
    if not understood.corrected and not has_price:
        return request
    return request.model_copy(update={"q": " ".join(understood.words)})
