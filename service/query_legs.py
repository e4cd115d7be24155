"""Which legs a request has, their vectors and weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.base import TextEncoder
from mappings.errors import InvalidQuery
from mappings.index_lifecycle import LiveIndex
from mappings.product import TEXT_VECTOR
from service.calibration import Calibration
from service.fusion.registry import leg_fusion
from service.ranking.weights import RankingWeights
from service.retrieval.candidates import Legs
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


def build_legs(
    request: SearchRequest,
    live: LiveIndex,
    *,
    encoder: TextEncoder | None,
    ranking: RankingWeights,
    pushed_down: Mapping[str, float] | None = None,
) -> QueryLegs:
    """Return the legs that the request and the index have in common.

    encoder: the one that filled the index's text vectors, None when it is not ours.
    Words make the lexical leg and, where our encoder filled the index, the text vector.
    A vector that the request brings takes the place of ours.
    pushed_down: learned weights by leg, for one request, in the place of the shipped ones.
    Raises InvalidQuery for a vector that the index does not have or of other length, and
    when every leg is weighed 0.
    """
    given: Mapping[str, float] = pushed_down or (
        ranking.weights_of(leg_fusion(request.fusion))
        if request.weights == "auto"
        else {str(name): weight for name, weight in request.weights.items()}
    )
    terms = request.terms
    vectors = _brought(request, live)
    if terms and TEXT_VECTOR not in vectors and given.get(TEXT_VECTOR, 0.0) > 0:
        vector = _encoded(terms, encoder)
        if vector is not None:
            vectors = {TEXT_VECTOR: vector, **vectors}
    names = ([LEXICAL] if terms else []) + list(vectors)
    least = _LEAST_SHARE * sum(given.get(name, 0.0) for name in names)
    active = {name: given[name] for name in names if given.get(name, 0.0) > least}
    if names and not active:
        raise InvalidQuery(
            f"weights: no leg of this request weighs anything; it has {', '.join(names)}",
            field="weights",
        )
    sum_of_weights = sum(active.values())
    weights = {name: weight / sum_of_weights for name, weight in active.items()}
    calibrations = ranking.calibrations(live.encoders)
    boosts = {
        name: weight * calibrations[name].slope * (1.0 if name == LEXICAL else _HALF_STEP)
        for name, weight in weights.items()
    }
    legs = Legs(
        terms=terms if LEXICAL in weights else {},
        vectors={name: vector for name, vector in vectors.items() if name in weights},
        boosts=boosts,
        floors=ranking.floors(live.encoders),
        num_candidates=request.num_candidates,
    )
    return QueryLegs(legs, weights, calibrations, _warnings(request, weights))


def _brought(request: SearchRequest, live: LiveIndex) -> dict[str, NDArray[np.float32]]:
    vectors: dict[str, NDArray[np.float32]] = {}
    for field, values in request.vectors.items():
        path = f"vectors.{field}"
        spec = live.encoders.get(field)
        if spec is None:
            raise InvalidQuery(f"{path}: index {live.name!r} has no such vectors", field=path)
        if len(values) != spec.dims:
            raise InvalidQuery(
                f"{path}: should have {spec.dims} components, got {len(values)}", field=path
            )
        vectors[field] = _unit(np.asarray(values, dtype=np.float64), path)
    return vectors


def _unit(vector: NDArray[np.float64], path: str) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # an overflow is what the next line looks for
        length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0.0:
        raise InvalidQuery(f"{path}: has no length of a usual size", field=path)
    return (vector / length).astype(np.float32)


def _encoded(
    terms: Mapping[str, float], encoder: TextEncoder | None
) -> NDArray[np.float32] | None:
    if encoder is None:
        return None
    embeddings = encoder.encode(list(terms))  # [terms, dims]
    mixed = np.asarray(list(terms.values()), dtype=np.float32) @ embeddings  # [dims]
    length = float(np.linalg.norm(mixed))
    return mixed / length if length > 0 else None


def _warnings(request: SearchRequest, weights: Mapping[str, float]) -> tuple[str, ...]:
    if request.weights == "auto":
        return ()
    idle = [name for name, weight in request.weights.items() if weight and name not in weights]
    return tuple(
        f"weights.{name}: this request has no such leg, or next to no weight for it"
        for name in idle
    )
