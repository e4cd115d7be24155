"""The first pass: one search request for candidates, their leg scores, total and facets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from service.retrieval.elasticsearch_search import ask
from service.retrieval.facets import read_facets, read_total
from service.retrieval.lexical import Groups, lexical_clause
from service.retrieval.moves import Marks, Move, added_by_moves, move_clauses, read_marks
from service.retrieval.products import read_shown, shown_source
from service.retrieval.vectors import (
    Clause,
    VectorLeg,
    cosine_from_score,
    leg_clause,
    score_from_cosine,
)
from service.search_results import (
    LEXICAL,
    Facets,
    FusedScores,
    LegScores,
    ShownProducts,
    Total,
)
from service.search_watch import Neighbours

BY_SCORE = ({"_score": "desc"}, {"product_id": "asc"})
BROWSING = ({"popularity": {"order": "desc", "missing": "_last"}}, {"product_id": "asc"})
"""Order of a request without words or vectors."""

UNREAD = {"stored_fields": "_none_"}
"""Part of a body whose hits are wanted for their scores alone. Even the `_id` lies in a block of
documents that are compressed together, and to unpack one for each of 200 hits is half of the
time of such a request; the product id is in the sort values too."""


_LEAST_DERIVED_BOOST = 0.01
"""A leg with a smaller one is asked by its name: what 32-bit scores leave of it would be rough."""

_ROUNDING = 1e-6
"""Share of a 32-bit score under which a difference says nothing."""

NEIGHBOURS = 100
"""Nearest products of a vector leg that become candidates, from each shard."""


@dataclass(frozen=True)
class Legs:
    """What is searched for, and how much each leg counts in the first pass.

    terms: phrase to weight, empty for no lexical leg. vectors: vector leg to what it looks for.
    boosts: leg to factor. floors: leg to the least cosine of a neighbour.
    num_candidates: vectors that HNSW looks at in each shard; the products of the nearest
        NEIGHBOURS of them are found.
    synonyms: phrases of the terms to their words in groups, of those that have synonyms.
    """

    terms: Mapping[str, float]
    vectors: Mapping[str, VectorLeg]
    boosts: Mapping[str, float]
    floors: Mapping[str, float]
    num_candidates: int
    synonyms: Groups = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the legs that take part, lexical first."""
        return ((LEXICAL,) if self.terms else ()) + tuple(self.vectors)

    def derived(self, asked: Iterable[str] | None = None) -> str | None:
        """Return the leg whose score is what the others leave of the whole; None for none.

        asked: the vector legs of the request, all when left out. Elasticsearch looks for the
        neighbours of a named kNN clause twice, the second time for its scores by name, which is
        a quarter of a search. So the strongest vector leg goes without a name.
        """
        names = self.vectors if asked is None else asked
        strongest = max(names, key=lambda name: self.boosts[name], default=None)
        if strongest is None or self.boosts[strongest] < _LEAST_DERIVED_BOOST:
            return None
        return strongest


@dataclass(frozen=True)
class Apart:
    """Products that are found and counted, but are no part of the order: pinned ones.

    ids: those that are there, under the filters, in the order of their places. groups: of
    products that collapse, those that they stand for.
    """

    ids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


NOTHING_APART = Apart()


@dataclass(frozen=True)
class Window:
    """Which part of the first pass's order is wanted, and with what beside it.

    after: sort values of the product before, instead of offset. fields: product fields
    to bring along, none when empty. moves: products whose place in the order is another.
    """

    size: int
    offset: int = 0
    after: Sequence[Any] = ()
    sort: Sequence[Mapping[str, Any]] = BY_SCORE
    aggregations: Mapping[str, Any] = field(default_factory=dict)
    collapse: str | None = None
    fields: Sequence[str] = ()
    moves: tuple[Move, ...] = ()
    apart: Apart = NOTHING_APART


@dataclass(frozen=True)
class Candidates:
    """Products in the order of the first pass.

    shown: the products, when the window named fields. marks: which moves mean each of them.
    last_sort: sort values of the last one, for the page after; empty when there is none.
    """

    scores: LegScores
    total: Total
    facets: Facets
    shown: ShownProducts
    last_sort: Sequence[Any]
    marks: Marks = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))


def query_clause(
    legs: Legs,
    filters: Sequence[Clause],
    *,
    tells_photos: bool = False,
    moves: Sequence[Move] = (),
    apart: Apart = NOTHING_APART,
) -> Clause:
    """Return the candidate set: whatever any leg finds, all legs under the same filters.

    tells_photos: whether hits bring along by which photo they were found. apart: is found too.
    """
    should: list[Clause] = []
    derived = legs.derived()
    if legs.terms:
        should.append(
            lexical_clause(legs.terms, boost=legs.boosts[LEXICAL], synonyms=legs.synonyms)
        )
    should += [
        leg_clause(
            name,
            leg,
            size=min(NEIGHBOURS, legs.num_candidates),
            num_candidates=legs.num_candidates,
            filters=filters,
            boost=legs.boosts[name],
            floor=legs.floors.get(name),
            is_named=name != derived,
            tells_photo=tells_photos and leg.is_of_photos,
        )
        for name, leg in legs.vectors.items()
    ]
    query: dict[str, Any] = {"filter": list(filters)}
    if should:
        if apart.ids:
            should.append(
                {"constant_score": {"filter": {"ids": {"values": list(apart.ids)}}, "boost": 0}}
            )
        found = {"should": should, "minimum_should_match": 1}
        # What moves adds to the score of what is found, and finds nothing itself.
        query |= {"must": [{"bool": found}], "should": move_clauses(moves)} if moves else found
    else:
        # What stands for a deleted product has no words and no vectors, so no leg finds it.
        query["must_not"] = [{"exists": {"field": "deleted_at"}}]
        if moves:
            # Without a clause that must match, one of those that may would have to.
            query |= {"must": [{"match_all": {"boost": 0}}], "should": move_clauses(moves)}
    return {"bool": query}


def retrieve(
    client: Elasticsearch,
    index: str,
    legs: Legs,
    filters: Sequence[Clause],
    window: Window,
    *,
    preference: str,
) -> Candidates:
    """Search once and return the window's candidates with their scores on every leg.

    preference: requests of the same text go to the same copies of the shards, so that
    pages agree. Raises a TemporaryError when the cluster cannot answer.
    """
    body: dict[str, Any] = {
        "query": query_clause(
            legs,
            filters,
            tells_photos=bool(window.fields),
            moves=window.moves,
            apart=window.apart,
        ),
        "size": window.size,
        "track_total_hits": True,
        "sort": list(window.sort),
        "track_scores": True,
        **({"_source": shown_source(window.fields, legs.vectors)} if window.fields else UNREAD),
    }
    if window.after:
        body["search_after"] = list(window.after)
    elif window.offset:
        body["from"] = window.offset
    if window.aggregations:
        body["aggs"] = window.aggregations
    if window.collapse:
        body["collapse"] = {"field": window.collapse}
    if window.apart.ids:
        body["post_filter"] = {"bool": {"must_not": _apart_clauses(window)}}
    answer = ask(client, index, body, preference=preference)
    hits = answer["hits"]["hits"]
    return Candidates(
        scores=read_leg_scores(hits, legs, derived=legs.derived()),
        total=_total(answer, window),
        facets=read_facets(answer),
        shown=read_shown(hits, window.fields, legs.vectors)
        if window.fields
        else ShownProducts({}),
        last_sort=hits[-1]["sort"] if hits else (),
        marks=read_marks(hits, window.moves),
    )


def _apart_clauses(window: Window) -> list[Clause]:
    apart: list[Clause] = [{"ids": {"values": list(window.apart.ids)}}]
    if window.collapse:
        apart.append({"terms": {window.collapse: list(window.apart.groups)}})
    return apart


def _total(answer: Mapping[str, Any], window: Window) -> Total:
    total = read_total(answer)
    # Groups are counted as facets are, without the post_filter; hits under it.
    return total if window.collapse else replace(total, value=total.value + len(window.apart.ids))


def read_leg_scores(
    hits: Sequence[Mapping[str, Any]], legs: Legs, *, derived: str | None = None
) -> LegScores:
    """Return the scores of hits leg by leg, with the boosts taken out; NaN where there is none.

    hits: sorted by product id in the end, which is where the id is read: see UNREAD.
    derived: the leg of `Legs.derived` that the request asked without a name.
    """
    names = legs.names
    boosted = np.full((len(hits), len(names)), np.nan)  # [candidates, legs]
    named = [hit.get("matched_queries", {}) for hit in hits]
    for column, name in enumerate(names):
        if name != derived:
            boosted[:, column] = [found.get(name, np.nan) for found in named]
    if derived is not None:
        whole = np.array([hit["_score"] for hit in hits], dtype=float)
        whole -= [added_by_moves(hit) for hit in hits]
        rest = whole - np.nansum(boosted, axis=1)
        is_found = rest > _ROUNDING * np.maximum(whole, 1.0)
        boosted[:, names.index(derived)] = np.where(is_found, rest, np.nan)
    scores = boosted / [legs.boosts[name] for name in names]
    for column, name in enumerate(names):
        if name != LEXICAL:
            scores[:, column] = cosine_from_score(scores[:, column])
    return LegScores(tuple(hit["sort"][-1] for hit in hits), names, scores)


def count_neighbours(
    legs: Legs, scores: LegScores, window: Window, *, is_filtered: bool
) -> list[Neighbours]:
    """Return how many candidates each vector leg has brought, of how many at most."""
    asked = min(NEIGHBOURS, legs.num_candidates, window.size)
    found = np.isfinite(scores.scores).sum(axis=0)  # [legs]
    return [
        Neighbours(name, int(count), asked, is_filtered)
        for name, count in zip(scores.legs, found, strict=True)
        if name != LEXICAL
    ]


def joined(one: LegScores, other: LegScores) -> LegScores:
    """Return the candidates of both, which have the same legs and none in common."""
    return LegScores(
        one.product_ids + other.product_ids, one.legs, np.vstack([one.scores, other.scores])
    )


def first_pass_scores(legs: Legs, scores: LegScores) -> FusedScores:
    """Return what Elasticsearch itself added up: boost times score, leg by leg."""
    contributions = np.zeros(scores.scores.shape)  # [candidates, legs]
    for column, name in enumerate(scores.legs):
        leg = scores.scores[:, column]
        raw = leg if name == LEXICAL else score_from_cosine(leg)
        contributions[:, column] = np.nan_to_num(legs.boosts[name] * raw, nan=0.0)
    return FusedScores(contributions.sum(axis=1), contributions)
