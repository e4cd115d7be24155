"""The queue of pairs to judge: whose grades would change the most, those first.

queries and how often they are asked -> first products of each ranking -> stakes -> claims
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from mappings.errors import InvalidQuery
from service.judgements.judgement_list import JudgementList
from service.judgements.store import JudgementStore
from service.judging.claims import Claims
from service.judging.first_products import FirstProducts
from service.judging.frequent_queries import frequent_queries
from service.judging.queue_request import MOST_QUERIES, QueueRequest
from service.judging.rankings import ranking_options
from service.judging.stakes import Pair, by_query, most_at_stake, weigh_pairs
from service.retrieval.products import fetch_products
from service.searcher import Searcher

QUEUE_SECONDS = 4.0
"""Longest search for pairs; what was found is kept, so that the next queue looks further."""
_LOOK_EVERY = 20
"""Queries after which it is looked whether the others can matter."""
_UNASKED = 1.0
"""How often a query counts as asked that the events do not know."""


@dataclass(frozen=True)
class QueryProgress:
    """How many of the products that the rankings show first for a query are judged."""

    query: str
    judged: int
    open: int


@dataclass(frozen=True)
class JudgingQueue:
    """Pairs to judge next.

    products: product id to its fields. queries: how many there are; looked_at: how many of them
    were searched for within the time; the others are asked less often. refused: query to why it
    cannot be searched for. open: pairs without a grade, claimed ones too. progress: of the
    queries that were looked at.
    """

    pairs: Sequence[Pair]
    products: Mapping[str, Mapping[str, Any]]
    queries: int
    looked_at: int
    open: int
    progress: Sequence[QueryProgress]
    refused: Mapping[str, str]


class JudgingDesk:
    """Hands out pairs of a stored list. clock: seconds."""

    def __init__(
        self,
        client: Elasticsearch,
        searcher: Searcher,
        claims: Claims,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._firsts = FirstProducts(searcher)
        self._claims = claims
        self._clock = clock

    def queue(self, index: str, name: str, request: QueueRequest) -> JudgingQueue:
        """Return the pairs that matter most and nobody has judged.

        Queries are looked at by their frequency, until no other one can hold more at stake or
        the time is over. Raises InvalidQuery for a list or ranking that is not there,
        UnknownWeights, and a TemporaryError.
        """
        options = {ranking: ranking_options(ranking) for ranking in request.rankings}
        content = JudgementStore(self._client).read(name)
        asked = self._frequencies(index, content, request)
        ranked, refused = self._rank(index, asked, options, content, request.limit)
        pairs = weigh_pairs(ranked, content.judgements, asked, max_grade=content.max_grade)
        chosen = pairs[: request.limit]
        if request.judge is not None:
            judge = request.judge
            chosen = self._claims.claim(name, pairs, judge, most=request.limit)
        products = self._products(index, chosen)
        return JudgingQueue(
            pairs=[pair for pair in by_query(chosen) if pair.product_id in products],
            products=products,
            queries=len(asked),
            looked_at=len(ranked) + len(refused),
            open=len(pairs),
            progress=_progress(ranked, content, pairs),
            refused=refused,
        )

    def _frequencies(
        self, index: str, content: JudgementList, request: QueueRequest
    ) -> dict[str, float]:
        """Return query to frequency, the most frequent first, then by the text."""
        counted: Mapping[str, float] = {}
        if "events" in request.sources:
            counted = frequent_queries(self._client, index, days=request.days, most=MOST_QUERIES)
        wanted = {query.strip() for query in request.queries}
        if "list" in request.sources:
            wanted |= set(content.judgements)
        wanted |= set(counted)
        wanted.discard("")
        asked = {query: counted.get(query, _UNASKED) for query in wanted}
        return dict(sorted(asked.items(), key=lambda item: (-item[1], item[0])))

    def _rank(
        self,
        index: str,
        asked: Mapping[str, float],
        options: Mapping[str, Mapping[str, Any]],
        content: JudgementList,
        limit: int,
    ) -> tuple[dict[str, dict[str, Sequence[str]]], dict[str, str]]:
        ends = self._clock() + QUEUE_SECONDS
        total = sum(asked.values())
        ranked: dict[str, dict[str, Sequence[str]]] = {}
        refused: dict[str, str] = {}
        for query, frequency in asked.items():
            if self._clock() > ends:
                break
            possible = most_at_stake(frequency, total)
            if (
                ranked
                and len(ranked) % _LOOK_EVERY == 0
                and self._is_settled(ranked, asked, content, limit, possible)
            ):
                break
            try:
                ranked[query] = {
                    name: self._firsts.get(index, query, one) for name, one in options.items()
                }
            except InvalidQuery as error:
                refused[query] = error.message
        return ranked, refused

    @staticmethod
    def _is_settled(
        ranked: Mapping[str, Mapping[str, Sequence[str]]],
        asked: Mapping[str, float],
        content: JudgementList,
        limit: int,
        possible: float,
    ) -> bool:
        """Return whether no query that is asked less often can hold one of the best pairs."""
        seen = sum(asked[query] for query in ranked)
        total = sum(asked.values())
        pairs = weigh_pairs(ranked, content.judgements, asked, max_grade=content.max_grade)
        # Shares are of the queries looked at; of all queries they are smaller by one factor.
        return len(pairs) >= limit and pairs[limit - 1].stake * seen / total >= possible

    def _products(self, index: str, pairs: Sequence[Pair]) -> Mapping[str, Mapping[str, Any]]:
        ids = sorted({pair.product_id for pair in pairs})
        found = fetch_products(self._client, index, ids, preference="judging")
        return found.products


def _progress(
    ranked: Mapping[str, Mapping[str, Sequence[str]]],
    content: JudgementList,
    pairs: Sequence[Pair],
) -> list[QueryProgress]:
    waiting: dict[str, int] = {}
    for pair in pairs:
        waiting[pair.query] = waiting.get(pair.query, 0) + 1
    rows = []
    for query, rankings in ranked.items():
        shown = {product_id for ids in rankings.values() for product_id in ids}
        judged = len(shown & set(content.judgements.get(query, {})))
        rows.append(QueryProgress(query, judged, waiting.get(query, 0)))
    return rows
