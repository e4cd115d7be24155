"""Pinned products: which of them are there, and what the words say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from elasticsearch import Elasticsearch

from service.retrieval.candidates import UNREAD, Apart, Legs, read_leg_scores
from service.retrieval.elasticsearch_search import ask
from service.retrieval.lexical import lexical_clause
from service.retrieval.vectors import Clause
from service.search_results import LEXICAL, LegScores


@dataclass(frozen=True)
class Pinned:
    """Products on the first places, in their order. scores: of words; vector legs are NaN."""

    apart: Apart
    scores: LegScores

    def __len__(self) -> int:
        return len(self.apart.ids)

    def part(self, start: int, end: int) -> Pinned:
        """Return those of some places, from 0."""
        scores = self.scores
        return Pinned(
            Apart(self.apart.ids[start:end], self.apart.groups[start:end]),
            LegScores(scores.product_ids[start:end], scores.legs, scores.scores[start:end]),
        )


NO_PINS = Pinned(Apart(), LegScores((), (), np.empty((0, 0))))


def find_pins(
    client: Elasticsearch,
    index: str,
    legs: Legs,
    filters: Sequence[Clause],
    pins: Sequence[str],
    *,
    collapse: str | None,
    preference: str,
) -> Pinned:
    """Return those pins that are in the index and fulfil the filters.

    Of products that collapse into one the first is left. Raises a TemporaryError when the
    cluster cannot answer.
    """
    words = (
        [lexical_clause(legs.terms, boost=legs.boosts[LEXICAL], synonyms=legs.synonyms)]
        if legs.terms
        else []
    )
    body = {
        "query": {
            "bool": {
                "filter": [*filters, {"ids": {"values": list(pins)}}],
                "must_not": [{"exists": {"field": "deleted_at"}}],
                "should": words,
            }
        },
        "size": len(pins),
        "track_total_hits": False,
        "track_scores": True,
        "sort": [{collapse or "product_id": "asc"}, {"product_id": "asc"}],
        **UNREAD,
    }
    hits = ask(client, index, body, preference=preference)["hits"]["hits"]
    by_id = {hit["sort"][-1]: hit for hit in hits}
    groups: dict[str, str] = {}
    for product_id in pins:
        if product_id in by_id:
            groups.setdefault(by_id[product_id]["sort"][0], product_id)
    scores = read_leg_scores([by_id[product_id] for product_id in groups.values()], legs)
    return Pinned(Apart(tuple(groups.values()), tuple(groups)), scores)
