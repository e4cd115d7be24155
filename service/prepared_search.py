"""A request made ready: what is searched, under which filters, and what will rank it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from mappings.errors import InvalidQuery, UnknownWeights
from mappings.index_lifecycle import LiveIndex
from mappings.product import IMAGE_VECTOR
from service.cursor import Cursor, check_place, decode_cursor, fingerprint
from service.feature_ranking import LearnedRanking
from service.filters.compiler import compile_filter
from service.interleaving import Arm, choose_arm
from service.live_indexes import LiveIndexes
from service.query_encoders import QueryEncoders
from service.query_legs import QueryLegs, build_legs
from service.query_photos import QueryPhoto, QueryPhotos, Uploads
from service.query_vectors import Embedding, QueryVectors, brought_vectors
from service.ranking.weights import RankingWeights
from service.retrieval.candidates import BY_SCORE, Window
from service.retrieval.facets import aggregations
from service.retrieval.sorting import sort_clauses
from service.retrieval.vectors import Clause
from service.search_request import DEFAULT_WEIGHTS, SearchRequest
from service.search_results import (
    PHOTO_FINDS_PHOTOS,
    PHOTO_FINDS_TEXT,
    WORDS_FIND_PHOTOS,
    UnderstoodQuery,
)
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
class Given:
    """What belongs to a query and is not in the request's body.

    uploads: files of a multipart body. vectors: of a product that others should be like, by
    vector field, float32 [n, dims]. excluded: id of that product, which is no answer.
    """

    uploads: Uploads = field(default_factory=dict)
    vectors: Mapping[str, Embedding] = field(default_factory=dict)
    excluded: str | None = None


NOTHING_GIVEN = Given()

_CROSSING = frozenset({WORDS_FIND_PHOTOS, PHOTO_FINDS_TEXT})
"""Legs that a product's own vectors do not need: they can be compared with their like."""


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
    """Makes requests ready.

    ranking: the weights that are shipped. photos: takes in photos; None refuses them.
    """

    indexes: LiveIndexes
    encoders: QueryEncoders
    ranking: RankingWeights
    understand: Understand
    rankings: LearnedRankings
    photos: QueryPhotos | None = None

    def prepare(
        self, index: str, request: SearchRequest, given: Given = NOTHING_GIVEN
    ) -> PreparedSearch:
        """Return the search. Raises a RequestError for what the caller can mend."""
        clock = Stopwatch()
        live = self.indexes.get(index)
        # First: its limits on depth and size are what the fingerprint below relies on.
        filters = compile_filter(request.filter)
        if given.excluded is not None:
            filters.append({"bool": {"must_not": [{"ids": {"values": [given.excluded]}}]}})
        brought = {**brought_vectors(request.vectors, live), **given.vectors}
        photo = self._photo(live, request, given, clock)
        text = fingerprint(index, request, _beside(request, photo, given))
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
            pushed = learned.leg_weights() if learned and request.mode == "fast" else None
            legs = build_legs(
                request,
                QueryVectors(searched.terms, brought, self._encoded(live, photo)),
                live,
                encoders=self.encoders.get(live),
                ranking=self.ranking,
                pushed_down=pushed,
                left_out=_CROSSING if given.excluded else _unknown_legs(arm, learned),
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
        if found is not None and not _brings(request) <= set(found.model.features):
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

    def _photo(
        self, live: LiveIndex, request: SearchRequest, given: Given, clock: Stopwatch
    ) -> QueryPhoto | None:
        photo = request.image
        if photo is None or (not photo.weight and request.terms):
            return None
        if live.image_encoder is None or self.photos is None:
            raise InvalidQuery(
                f"image: index {live.name!r} has no photos of an encoder of ours"
                + ("; send vectors.image_vector" if IMAGE_VECTOR in live.encoders else ""),
                field="image",
            )
        with clock.measure("photo"):
            return self.photos.read(photo, given.uploads)

    def _encoded(self, live: LiveIndex, photo: QueryPhoto | None) -> Embedding | None:
        encoder = self.encoders.photos(live) if photo else None
        if photo is None or encoder is None or self.photos is None:
            return None
        open_photo = partial(self.photos.open, photo)
        return encoder.encode_photo(photo.data, open_photo, crop=photo.crop)

    def _version(self, request: SearchRequest, learned: LearnedRanking | None) -> str:
        if request.weights != "auto":
            return "request"
        return learned.version if learned else self.ranking.version


def _brings(request: SearchRequest) -> set[str]:
    """Return the legs that a request makes by more than its words."""
    return set(request.vectors) | ({PHOTO_FINDS_PHOTOS} if request.image else set())


def _beside(request: SearchRequest, photo: QueryPhoto | None, given: Given) -> list[Any]:
    """Return what decides the order and is not in the request's body, as JSON."""
    seen = [photo.sha256, photo.crop, request.image.weight] if photo and request.image else None
    return [seen, given.excluded, sorted(given.vectors)] if seen or given.excluded else []


def _unknown_legs(arm: Arm | None, learned: LearnedRanking | None) -> Collection[str]:
    """Return the leg of words that costs for nothing: what ranks was trained without photos."""
    models = [model for model in (learned, arm.other if arm else None) if model is not None]
    if not models or any(model.knows(WORDS_FIND_PHOTOS) for model in models):
        return set()
    return {WORDS_FIND_PHOTOS}


def _searched(request: SearchRequest, understood: UnderstoodQuery) -> SearchRequest:
    """Return the request with the words that are looked for: corrected, without a price."""
    has_price = understood.least_price is not None or understood.most_price is not None
    if not isinstance(request.q, str) or not understood.words:
        return request
    if not understood.corrected and not has_price:
        return request
    return request.model_copy(update={"q": " ".join(understood.words)})
