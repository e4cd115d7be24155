"""What a body tells of each hit, asked for hits whose order is known already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.compat.decision import OF_THE_FETCH
from service.compat.exchange import Exchange
from service.compat.parameters import Parameters
from service.compat.words import Clause

Hit = dict[str, Any]


@dataclass(frozen=True)
class RankedHit:
    """One hit of a page. index, id: Elasticsearch's own. score: shown as its `_score`."""

    index: str
    id: str
    score: float


def fetch_hits(
    exchange: Exchange,
    index: str,
    body: Mapping[str, Any],
    page: Sequence[RankedHit],
    *,
    query: Clause | None,
    parameters: Parameters,
) -> list[Hit]:
    """Return the hits of a page with all that the body wants to know of each, in their order.

    query: whose words are highlighted, and whose names and inner hits are told. A hit that was
    deleted in between is left out.
    """
    if not page:
        return []
    by_ids: dict[str, Any] = {"filter": [{"ids": {"values": [hit.id for hit in page]}}]}
    if query is not None:
        by_ids["should"] = [query]
    asked = {name: part for name, part in body.items() if name in OF_THE_FETCH}
    asked |= {
        "query": {"bool": by_ids},
        "size": len(page) * len({hit.index for hit in page}),
        "track_total_hits": False,
    }
    highlight = with_highlight_query(asked, query)
    found = exchange.search(index, highlight, parameters.of_fetch())["hits"]["hits"]
    by_place = {(hit["_index"], hit["_id"]): hit for hit in found}
    return [
        {**by_place[hit.index, hit.id], "_score": hit.score}
        for hit in page
        if (hit.index, hit.id) in by_place
    ]


def with_highlight_query(body: Mapping[str, Any], query: Clause | None) -> dict[str, Any]:
    """Return the body with the shop's own query as what is highlighted, unless it names one."""
    highlight = body.get("highlight")
    if query is None or not isinstance(highlight, dict):
        return dict(body)
    return {**body, "highlight": {"highlight_query": query, **highlight}}
