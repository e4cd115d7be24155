"""The second pass: exact scores of the best candidates on the legs that did not find them.

A lexical leg that does not find a product says that no word matched. A vector leg says only
that the product is not among the nearest, so its score there must be asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from service.retrieval.candidates import BY_SCORE, UNREAD, Legs, read_leg_scores
from service.retrieval.elasticsearch_search import ask
from service.retrieval.vectors import Clause, candidates_for_all, leg_clause
from service.search_results import LEXICAL, LegScores


def complete_scores(
    client: Elasticsearch, index: str, legs: Legs, scores: LegScores, *, preference: str
) -> LegScores:
    """Return the scores with every vector leg filled in.

    What stays NaN are products without words in common, or without that vector. Nothing
    is asked when nothing is missing.
    """
    derived = legs.derived(_incomplete(scores))
    should, asked = missing_clauses(legs, scores, unnamed=derived)
    if not should:
        return scores
    body: dict[str, Any] = {
        "query": {"bool": {"should": should, "minimum_should_match": 1}},
        "size": len(asked),
        "track_total_hits": False,
        "sort": list(BY_SCORE),
        **UNREAD,
    }
    answer = ask(client, index, body, preference=preference)
    return filled(scores, read_leg_scores(answer["hits"]["hits"], legs, derived=derived))


def missing_clauses(
    legs: Legs, scores: LegScores, *, unnamed: str | None = None
) -> tuple[list[Clause], set[str]]:
    """Return the clauses for the scores that are missing, and the products they are of.

    unnamed: the leg whose clause has no name.
    """
    should: list[Clause] = []
    asked: set[str] = set()
    for name in _incomplete(scores):
        unknown = np.flatnonzero(np.isnan(scores.scores[:, scores.legs.index(name)]))
        missing = [scores.product_ids[row] for row in unknown]
        asked.update(missing)
        should.append(
            leg_clause(
                name,
                legs.vectors[name],
                size=len(missing),
                num_candidates=candidates_for_all(legs.vectors[name], len(missing)),
                filters=[{"ids": {"values": missing}}],
                boost=legs.boosts[name],
                is_named=name != unnamed,
            )
        )
    return should, asked


def _incomplete(scores: LegScores) -> list[str]:
    """Return the vector legs that lack the score of some product."""
    return [
        name
        for column, name in enumerate(scores.legs)
        if name != LEXICAL and np.isnan(scores.scores[:, column]).any()
    ]


def filled(scores: LegScores, found: LegScores) -> LegScores:
    """Return the scores with those found in the place of what was missing."""
    rows = {product_id: row for row, product_id in enumerate(scores.product_ids)}
    filled = scores.scores.copy()  # [candidates, legs]
    places = [rows[product_id] for product_id in found.product_ids]
    before = filled[places]  # [found, legs]
    filled[places] = np.where(np.isnan(before), found.scores, before)
    return LegScores(scores.product_ids, scores.legs, filled)
