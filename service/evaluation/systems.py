"""The ways of ranking that are compared, and their runs over a judgement list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.judgements.judgement_list import Judgements
from service.search_request import DEFAULT_WEIGHTS, SearchRequest
from service.search_results import Hit
from service.searcher import Searcher

DEPTH = 100
SYSTEMS: Mapping[str, Mapping[str, Any]] = {
    "bm25": {"weights": {"lexical": 1.0}},
    "knn": {"weights": {"text_vector": 1.0}},
    "reciprocal_rank": {"fusion": "reciprocal_rank"},
    "weighted_sum": {"fusion": "weighted_sum", "weights_version": DEFAULT_WEIGHTS},
    "active": {},
}
"""Name to what a request says beyond the words. active: what a search without options gets."""

_VERSION = re.compile(r"[a-z0-9][a-z0-9_.-]*-\d+")
"""Form of the name of a stored weights version."""

Track = Callable[[Iterable[str]], Iterable[str]]
"""Wraps the queries of a run, to show progress."""
_OURS = frozenset({"q", "limit", "offset", "cursor", "sort", "fields", "facets", "collapse"})
"""What a run says itself, or what would make its order something else than a ranking."""


@dataclass(frozen=True)
class System:
    """A way of ranking. options: what its requests say beyond the words."""

    name: str
    options: Mapping[str, Any]

    @classmethod
    def parse(cls, text: str) -> System:
        """Return the system of that name, a weights version, or what a JSON object describes.

        Raises InvalidQuery for another name, and for options that no request could have.
        """
        if text in SYSTEMS:
            return cls(text, SYSTEMS[text])
        if _VERSION.fullmatch(text):
            return cls(text, {"weights_version": text})
        try:
            options = orjson.loads(text)
        except orjson.JSONDecodeError:
            options = None
        if not isinstance(options, dict):
            raise InvalidQuery(
                f"system: should be one of {', '.join(SYSTEMS)}, or a JSON object of request "
                f"options, got {shorten(text)}",
                field="system",
            )
        for name in sorted(_OURS & set(options)):
            raise InvalidQuery(
                f"system: {name} is said by the run itself, got {shorten(options[name])}",
                field="system",
            )
        SearchRequest.parse({"q": "any", **options})
        return cls(orjson.dumps(options).decode(), options)


def run_hits(
    searcher: Searcher,
    index: str,
    judgements: Judgements,
    options: Mapping[str, Any],
    *,
    depth: int = DEPTH,
    judged_only: bool = False,
    track: Track = lambda queries: queries,
) -> dict[str, Sequence[Hit]]:
    """Return query to its best hits with their titles, at most `depth` of them.

    judged_only: only products with a grade for the query are ranked, so that a product
        that nobody judged counts neither for nor against.
    """
    found = {}
    for query in track(list(judgements)):
        body: dict[str, Any] = {"q": query, "limit": depth, "fields": ["title"], **options}
        if judged_only:
            judged = {"id": list(judgements[query])}
            given = options.get("filter")
            body["filter"] = {"all": [given, judged]} if given else judged
        found[query] = searcher.search(index, SearchRequest.parse(body)).hits
    return found


def run_system(
    searcher: Searcher,
    index: str,
    judgements: Judgements,
    options: Mapping[str, Any],
    *,
    depth: int = DEPTH,
    judged_only: bool = False,
    track: Track = lambda queries: queries,
) -> dict[str, list[str]]:
    """Return query to its best product ids; everything else as in `run_hits`."""
    found = run_hits(
        searcher, index, judgements, options, depth=depth, judged_only=judged_only, track=track
    )
    return ranked_ids(found)


def ranked_ids(found: Mapping[str, Sequence[Hit]]) -> dict[str, list[str]]:
    """Return query to the product ids of its hits."""
    return {query: [hit.id for hit in hits] for query, hits in found.items()}
