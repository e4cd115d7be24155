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
from service.retrieval.vectors import Clause, knn_clause
from service.search_results import LEXICAL, LegScores


def complete_scores(
    client: Elasticsearch, index: str, legs: Legs, scores: LegScores, *, preference: str
) -> LegScores:
    """Return the scores with every vector leg filled in.

    What stays NaN are products without words in common, or without that vector. Nothing
    is asked when nothing is missing.
    """
    should, asked = missing_clauses(legs, scores)
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
    return filled(scores, read_leg_scores(answer["hits"]["hits"], legs))


def missing_clauses(legs: Legs, scores: LegScores) -> tuple[list[Clause], set[str]]:
    """Return the clauses for the scores that are missing, and the products they are of."""
    should: list[Clause] = []
    asked: set[str] = set()
    for column, name in enumerate(scores.legs):
        if name == LEXICAL:
            continue
        unknown = np.flatnonzero(np.isnan(scores.scores[:, column]))
        missing = [scores.product_ids[row] for row in unknown]
        if missing:
            asked.update(missing)
            only = {"ids": {"values": missing}}
            should.append(
                knn_clause(
                    name,
                    legs.vectors[name],
                    size=len(missing),
                    num_candidates=len(missing),
                    filters=[only],
                    boost=legs.boosts[name],
                )
            )
    return should, asked


def filled(scores: LegScores, found: LegScores) -> LegScores:
    """Return the scores with those found in the place of what was missing."""
    rows = {product_id: row for row, product_id in enumerate(scores.product_ids)}
    filled = scores.scores.copy()  # [candidates, legs]
    places = [rows[product_id] for product_id in found.product_ids]
    before = filled[places]  # [found, legs]
    filled[places] = np.where(np.isnan(before), found.scores, before)
    return LegScores(scores.product_ids, scores.legs, filled)
