"""The ways of ranking that are compared, and their runs over a judgement list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from service.evaluation.judgements import Judgements
from service.search_request import SearchRequest
from service.searcher import Searcher

DEPTH = 100
SYSTEMS: Mapping[str, Mapping[str, Any]] = {
    "bm25": {"weights": {"lexical": 1.0}},
    "knn": {"weights": {"text_vector": 1.0}},
    "reciprocal_rank": {"fusion": "reciprocal_rank"},
    "weighted_sum": {"fusion": "weighted_sum"},
}
"""Name to what a request says beyond the words."""


def run_system(
    searcher: Searcher,
    index: str,
    judgements: Judgements,
    options: Mapping[str, Any],
    *,
    judged_only: bool = False,
    track: Callable[[Iterable[str]], Iterable[str]] = lambda queries: queries,
) -> dict[str, list[str]]:
    """Return query to the best 100 product ids.

    judged_only: only products with a grade for the query are ranked, so that a product
        that nobody judged counts neither for nor against.
    track: wraps the queries, to show progress.
    """
    ranked = {}
    for query in track(list(judgements)):
        body: dict[str, Any] = {"q": query, "limit": DEPTH, "fields": ["title"], **options}
        if judged_only:
            body["filter"] = {"id": list(judgements[query])}
        answer = searcher.search(index, SearchRequest.parse(body))
        ranked[query] = [hit.id for hit in answer.hits]
    return ranked
