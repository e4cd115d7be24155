"""A request made ready: what is searched, under which filters, and what will rank it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from mappings.errors import EncoderFailed, InvalidQuery
from mappings.index_lifecycle import LiveIndex
from mappings.product import TEXT_VECTOR
from service.cursor import Cursor, check_place, decode_cursor, fingerprint
from service.deadlines import Deadline
from service.feature_ranking import LearnedRanking
from service.filters.compiler import compile_filter
from service.interleaving import Arm, choose_arm
from service.learned_rankings import LearnedRankings, brings, misses, unknown_legs
from service.photo_vectors import PhotoVectors
from service.query_encoders import QueryEncoders
from service.query_legs import QueryLegs, build_legs
from service.query_photos import QueryPhoto, QueryPhotos, Uploads
from service.query_vectors import (
    Embedding,
    IndexEncoders,
    QueryVectors,
    brought_vectors,
)
from service.ranking.weights import RankingWeights
from service.retrieval.candidates import BY_SCORE, Window
from service.retrieval.facets import aggregations
from service.retrieval.pins import NO_PINS, Pinned
from service.retrieval.sorting import sort_clauses
from service.retrieval.vectors import Clause
from service.rules.curation import (
    NO_CURATION,
    CompiledRules,
    Curation,
    Curator,
    compile_rules,
    rules_of,
)
from service.rules.following import NoRules, RulesInForce, RulesSource
from service.rules.synonyms import with_synonyms
from service.search_request import DEFAULT_WEIGHTS, SearchRequest
from service.search_results import (
    LEXICAL,
    PHOTO_FINDS_TEXT,
    WORDS_FIND_PHOTOS,
    WORDS_FIND_TEXT,
    UnderstoodQuery,
)
from service.search_watch import SearchWatch
from service.understanding.filters import as_filter


class Understand(Protocol):
    """Says what the words of a query say, by the catalogue's own words."""

    def __call__(
        self, text: str, live: LiveIndex, /, *, is_known: Callable[[str], bool] | None = None
    ) -> UnderstoodQuery:
        """Return what a text says. is_known: says of a word that it is spelled as it should be."""
        ...


class KnownIndexes(Protocol):
    """Finds the indexes that are searched."""

    def get(self, name: str) -> LiveIndex:
        """Return an index by its name. Raises UnknownIndex."""
        ...


@dataclass(frozen=True)
class Given:
    """What belongs to a query and is not in the request's body.

    uploads: files of a multipart body. vectors: of a product that others should be like, by
    vector field, float32 [n, dims]. excluded: id of that product, which is no answer.
    rules: to be applied instead of those in force, for a preview. is_foreign: whether the index
    has another mapping than ours, so that rules can tell its products by their ids alone.
    """

    uploads: Uploads = field(default_factory=dict)
    vectors: Mapping[str, Embedding] = field(default_factory=dict)
    excluded: str | None = None
    rules: RulesInForce[CompiledRules] | None = None
    is_foreign: bool = False


NOTHING_GIVEN = Given()

_NO_ENCODER = "the encoder is not available; words alone were searched"

_CROSSING = frozenset({WORDS_FIND_PHOTOS, PHOTO_FINDS_TEXT})
"""Legs that a product's own vectors do not need: they can be compared with their like."""


@dataclass(frozen=True)
class PreparedSearch:
    """One request, understood: what every step of a search needs.

    live: the version that is asked, the same in every request, whatever the alias does.
    terms: the words as they are searched for. arm: what an experiment decided, None where it has
    no say.
    start: the product before the page. text: fingerprint of what decides the order.
    learned: what ranks the window; None when the request's or the shipped weights do.
    curation: what rules do. pinned: products that they pin, once it is known which are there.
    """

    request: SearchRequest
    live: LiveIndex
    terms: Mapping[str, float]
    legs: QueryLegs
    filters: Sequence[Clause]
    window: Window
    start: Cursor
    text: str
    watch: SearchWatch
    understood: UnderstoodQuery
    learned: LearnedRanking | None
    weights_version: str
    arm: Arm | None = None
    curation: Curation = NO_CURATION
    pinned: Pinned = NO_PINS

    @property
    def name(self) -> str:
        """Return the alias that was asked for."""
        return self.live.name

    @property
    def index(self) -> str:
        """Return the version that is asked."""
        return self.live.index

    @property
    def could_do_with_words_alone(self) -> bool:
        """Whether an answer is left when the legs of vectors are left out."""
        return LEXICAL in self.legs.weights and len(self.legs.weights) > 1

    @property
    def window_size(self) -> int:
        """Return how many products stand before those of the first pass's order, at most."""
        return self.request.rank_window_size + len(self.pinned)

    @property
    def begins_in_window(self) -> bool:
        """Whether the page begins among the products that are ranked by exact scores."""
        return (
            self.window.sort is BY_SCORE
            and self.request.mode == "precise"
            and self.request.limit > 0
            and self.start.place == "window"
            and self.start.position < self.window_size
        )


@dataclass(frozen=True)
class SearchPreparer:
    """Makes requests ready.

    ranking: the weights that are shipped. photos: takes in photos; None refuses them.
    photo_deadline: how long a photo may take where there are words besides; None for no limit.
    rules: the rules in force. clock: what time it is, for rules that have dates.
    """

    indexes: KnownIndexes
    encoders: QueryEncoders
    ranking: RankingWeights
    understand: Understand
    rankings: LearnedRankings
    photos: QueryPhotos | None = None
    photo_deadline: Deadline | None = None
    rules: RulesSource[CompiledRules] = field(default_factory=lambda: NoRules(compile_rules))
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def prepare(
        self, index: str, request: SearchRequest, given: Given = NOTHING_GIVEN
    ) -> PreparedSearch:
        """Return the search. Raises a RequestError for what the caller can mend."""
        watch = SearchWatch()
        live = self.indexes.get(index)
        # First: its limits on depth and size are what the fingerprint below relies on.
        filters = compile_filter(request.filter)
        if given.excluded is not None:
            filters.append({"bool": {"must_not": [{"ids": {"values": [given.excluded]}}]}})
        brought = {**brought_vectors(request.vectors, live), **given.vectors}
        photos = PhotoVectors(self.encoders, self.photos, self.photo_deadline)
        photo = photos.read(live, request, given.uploads, watch)
        text = fingerprint(index, request, _beside(request, photo, given))
        with watch.measure("understand"):
            curator = self.curator(live, request, given)
            replaced = curator.replaced()
            understood = self.understood(live, replaced, curator)
            searched = _searched(replaced, understood)
            curation = curator.curate(searched)
            if curation.expansion and request.understand != "off":
                understood = with_synonyms(
                    understood,
                    curation.expansion,
                    lambda text: self.understand(text, live, is_known=lambda word: True),
                )
            if request.understand == "filter":
                filters = [*filters, *compile_filter(as_filter(understood))]
            filters = [*filters, *curation.filters]
        arm, learned = None, None
        with watch.measure("encode"):
            encoders = self._encoders(live, searched, brought, watch)
            query = curation.query(
                searched.terms, brought, photos.encode(live, request, photo, watch)
            )
            if request.terms and not request.sort:
                arm = self._arm(live, request)
                learned = arm.learned if arm else self._learned(live, request)
                if misses(watch, arm, learned):
                    arm, learned = None, None
            try:
                legs = build_legs(
                    request,
                    query,
                    live,
                    encoders=encoders,
                    ranking=self.ranking,
                    pushed_down=learned.leg_weights()
                    if learned and request.mode == "fast"
                    else None,
                    left_out=_CROSSING if given.excluded else unknown_legs(arm, learned),
                )
            except EncoderFailed as error:
                arm, learned = None, None
                legs = self._without_encoders(request, query, live, error, watch)
        start = Cursor("window", request.offset, ())
        if request.cursor:
            start = decode_cursor(request.cursor, text)
        sort = sort_clauses(request.sort, scored=bool(legs.weights), moved=bool(curation.moves))
        start = curation.place(start, sort, is_browsing=not (request.sort or legs.weights))
        check_place(start, sort_values=len(sort))
        window = Window(
            size=request.limit,
            sort=sort,
            aggregations=aggregations(request.facets, collapse=request.collapse),
            collapse=request.collapse,
            moves=curation.moves,
        )
        return PreparedSearch(
            request=request,
            live=live,
            terms=searched.terms,
            legs=legs,
            filters=filters,
            window=window,
            start=start,
            text=text,
            watch=watch,
            understood=understood,
            learned=learned,
            weights_version=arm.version if arm else self._version(request, learned),
            arm=arm,
            curation=curation,
        )

    def words_alone(self, search: PreparedSearch, reason: str) -> PreparedSearch:
        """Return the search without its legs of vectors, which were too slow."""
        for leg in search.legs.legs.vectors:
            search.watch.drop(leg, "slow", reason)
        return replace(
            search,
            legs=build_legs(
                search.request,
                search.curation.query(search.terms, {}),
                search.live,
                encoders=IndexEncoders(),
                ranking=self.ranking,
            ),
            learned=None,
            arm=None,
            weights_version=self._version(search.request, None),
        )

    def _encoders(
        self,
        live: LiveIndex,
        searched: SearchRequest,
        brought: Mapping[str, Embedding],
        watch: SearchWatch,
    ) -> IndexEncoders:
        found = self.encoders.get(live)
        if searched.terms and TEXT_VECTOR not in brought:
            for leg in found.absent:
                watch.drop(leg, "no_encoder", _NO_ENCODER)
        return found

    def _without_encoders(
        self,
        request: SearchRequest,
        query: QueryVectors,
        live: LiveIndex,
        error: EncoderFailed,
        watch: SearchWatch,
    ) -> QueryLegs:
        """Return the legs that need no encoder of words. Raises `error` when none is left."""
        none = IndexEncoders()
        try:
            legs = build_legs(request, query, live, encoders=none, ranking=self.ranking)
        except InvalidQuery:  # the request weighs no other leg
            raise error from None
        lost = (WORDS_FIND_TEXT, *((WORDS_FIND_PHOTOS,) if live.image_encoder else ()))
        for leg in lost:
            watch.drop(leg, "slow" if error.is_slow else "encoder_failed", error.message)
        return legs

    def curator(
        self, live: LiveIndex, request: SearchRequest, given: Given = NOTHING_GIVEN
    ) -> Curator:
        """Return what applies rules to a request; raises UnknownRules for a version of it."""
        rules = given.rules or rules_of(self.rules, live.name, request)
        return Curator(
            rules,
            request,
            self.clock(),
            filters_alone=bool(request.sort) or given.excluded is not None,
            by_id_alone=given.is_foreign,
        )

    def understood(
        self, live: LiveIndex, request: SearchRequest, curator: Curator
    ) -> UnderstoodQuery:
        """Return what the words of a request say. curator: knows words of synonyms."""
        if request.understand == "off" or not request.terms:
            return UnderstoodQuery()
        wanted = " ".join(text for text, weight in request.terms.items() if weight > 0)
        if (is_known := curator.knows(wanted)) is None:
            return self.understand(wanted, live)
        return self.understand(wanted, live, is_known=is_known)

    def _arm(self, live: LiveIndex, request: SearchRequest) -> Arm | None:
        # Who asks for a ranking by name gets that one; the first pass alone is not compared.
        is_open = request.weights == "auto" and request.weights_version is None
        # Training sees words alone: what it learned of a vector that a request brings is nothing.
        beside = request.vectors or request.image
        if not is_open or beside or request.fusion != "auto" or request.mode != "precise":
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
        if found is not None and not brings(request) <= set(found.model.features):
            if not name:
                return None  # training saw no such vector, so the weights would leave it out
            if request.image:
                raise InvalidQuery(
                    f"weights_version: {name!r} has learned nothing of photos",
                    field="weights_version",
                )
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


def _beside(request: SearchRequest, photo: QueryPhoto | None, given: Given) -> list[Any]:
    """Return what decides the order and is not in the request's body, as JSON."""
    seen = [photo.sha256, photo.crop, request.image.weight] if photo and request.image else None
    return [seen, given.excluded, sorted(given.vectors)] if seen or given.excluded else []


def _searched(request: SearchRequest, understood: UnderstoodQuery) -> SearchRequest:
    """Return the request with the words that are looked for: corrected, without a price."""
    has_price = understood.least_price is not None or understood.most_price is not None
    if not isinstance(request.q, str) or not understood.words:
        return request
    if not understood.corrected and not has_price:
        return request
    return request.model_copy(update={"q": " ".join(understood.words)})
