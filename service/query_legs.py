"""Which legs a request has, their vectors and weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mappings.errors import InvalidQuery
from mappings.index_lifecycle import LiveIndex
from service.calibration import Calibration
from service.fusion.registry import leg_fusion
from service.query_vectors import PHOTO_LEGS, IndexEncoders, QueryVectors, vector_legs
from service.ranking.weights import RankingWeights
from service.retrieval.candidates import Legs
from service.retrieval.vectors import VectorLeg
from service.search_request import SearchRequest
from service.search_results import LEXICAL

_HALF_STEP = 2.0
"""Elasticsearch's kNN score runs over 0 to 1 while the cosine runs over -1 to 1."""

_LEAST_SHARE = 1e-6
"""Share under which a leg is left out: Elasticsearch's 32-bit boosts would lose its scores."""


@dataclass(frozen=True)
class QueryLegs:
    """The legs of one request, ready to retrieve and to fuse.

    weights: leg to its share, above 0, all together 1.
    """

    legs: Legs
    weights: Mapping[str, float]
    calibrations: Mapping[str, Calibration]
    warnings: tuple[str, ...] = ()

    def told_by(self) -> dict[str, VectorLeg]:
        """Return the leg whose nearest photo a page tells: the heaviest of those of photos.

        With exact scores each of them knows every photo; to ask a second one costs a fifth of
        a search.
        """
        of_photos = [name for name, leg in self.legs.vectors.items() if leg.is_of_photos]
        heaviest = max(of_photos, key=self.weights.__getitem__, default=None)
        return {} if heaviest is None else {heaviest: self.legs.vectors[heaviest]}


def build_legs(
    request: SearchRequest,
    query: QueryVectors,
    live: LiveIndex,
    *,
    encoders: IndexEncoders,
    ranking: RankingWeights,
    pushed_down: Mapping[str, float] | None = None,
    left_out: Collection[str] = (),
) -> QueryLegs:
    """Return the legs that the request and the index have in common.

    Words make the lexical leg and the vector legs that the encoders have a part in, a photo
    those that it can be compared by; its `weight` is a factor on them.
    pushed_down: learned weights by leg, for one request, in the place of the shipped ones.
    left_out: legs that what ranks in the end has no part for.
    Raises InvalidQuery when every leg is weighed 0.
    """
    given = _given(request, ranking, pushed_down)
    pending = vector_legs(query, live, encoders)
    names = [LEXICAL] if query.terms else []
    names += [name for name in pending if name not in left_out]
    least = _LEAST_SHARE * sum(given.get(name, 0.0) for name in names)
    active = {name: given[name] for name in names if given.get(name, 0.0) > least}
    vectors = {}
    for name in list(active):
        if name != LEXICAL:
            leg = pending[name]()
            if leg is None:
                del active[name]
            else:
                vectors[name] = leg
    if names and not active:
        raise _weightless(request, names)
    sum_of_weights = sum(active.values())
    weights = {name: weight / sum_of_weights for name, weight in active.items()}
    calibrations = ranking.calibrations(live.encoders)
    boosts = {
        name: weight * calibrations[name].slope * (1.0 if name == LEXICAL else _HALF_STEP)
        for name, weight in weights.items()
    }
    legs = Legs(
        terms=query.terms if LEXICAL in weights else {},
        vectors=vectors,
        boosts=boosts,
        floors=ranking.floors(live.encoders),
        num_candidates=request.num_candidates,
        synonyms=query.synonyms,
    )
    return QueryLegs(legs, weights, calibrations, _warnings(request, weights))


def _given(
    request: SearchRequest, ranking: RankingWeights, pushed_down: Mapping[str, float] | None
) -> dict[str, float]:
    given: Mapping[str, float] = pushed_down or (
        ranking.weights_of(leg_fusion(request.fusion))
        if request.weights == "auto"
        else {str(name): weight for name, weight in request.weights.items()}
    )
    factor = request.image.weight if request.image else 1.0
    return {
        name: weight * factor if name in PHOTO_LEGS else weight for name, weight in given.items()
    }


def _weightless(request: SearchRequest, names: list[str]) -> InvalidQuery:
    field = "weights"
    if request.image and not request.image.weight and request.weights == "auto":
        field = "image.weight"
    return InvalidQuery(
        f"{field}: no leg of this request weighs anything; it has {', '.join(names)}", field=field
    )


def _warnings(request: SearchRequest, weights: Mapping[str, float]) -> tuple[str, ...]:
    if request.weights == "auto":
        return ()
    idle = [name for name, weight in request.weights.items() if weight and name not in weights]
    return tuple(
        f"weights.{name}: this request has no such leg, or next to no weight for it"
        for name in idle
    )
