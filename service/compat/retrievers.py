"""`retriever` trees of `rrf` and `linear`, run by us: Elasticsearch's own need a paid licence.

Each leaf, a `standard` or `knn` retriever, is one search of an `_msearch`. Their lists are
fused as the documentation of the two says. Total and aggregations speak of whatever any leaf
finds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mappings.errors import InvalidQuery
from mappings.raw_cluster import RawAnswer
from service.compat.decision import OF_THE_FETCH
from service.compat.exchange import NDJSON, ElasticsearchRefused, Exchange, counting, quoted
from service.compat.fetching import RankedHit, fetch_hits
from service.compat.parameters import HEADER, Parameters
from service.compat.retriever_fusion import Key, ScoredList, fuse_tree
from service.compat.retriever_tree import COMPOUND, Leaf, leaves_of, read_tree
from service.compat.words import Clause

DEFAULT_SIZE = 10
_BESIDE_HITS = frozenset(
    {"aggregations", "aggs", "runtime_mappings", "suggest", "timeout", "track_total_hits"}
)
_KNOWN = (
    OF_THE_FETCH | _BESIDE_HITS | {"ext", "from", "retriever", "size", "stats", "track_scores"}
)


def is_compound(retriever: object) -> bool:
    """Whether a retriever is one that we run; Elasticsearch runs `standard` and `knn` itself."""
    return isinstance(retriever, dict) and not COMPOUND.isdisjoint(retriever)


def search_retriever(
    exchange: Exchange, index: str, body: Mapping[str, Any], parameters: Parameters
) -> dict[str, Any]:
    """Return the envelope of a body with a compound retriever.

    Raises InvalidQuery, which names the field, for what cannot be honoured.
    """
    began = time.perf_counter()
    for name in body:
        if name not in _KNOWN:
            raise InvalidQuery(f"{name}: cannot be given beside retriever", field=name)
    start, size = _number(body, "from", 0), _number(body, "size", DEFAULT_SIZE)
    tree = read_tree(body["retriever"], size=size)
    leaves = leaves_of(tree)
    lists = _run(exchange, index, body, leaves, parameters)
    ranked = fuse_tree(tree, dict(zip(leaves, lists, strict=True)))
    page = [RankedHit(*key, score) for key, score in list(ranked.items())[start : start + size]]
    query: Clause = {"bool": {"should": [leaf.query for leaf in leaves if leaf.query]}}
    answer = _beside_hits(exchange, index, body, leaves, lists, parameters)
    answer["hits"]["hits"] = fetch_hits(
        exchange, index, body, page, query=query, parameters=parameters
    )
    answer["hits"]["max_score"] = next(iter(ranked.values()), None)
    answer["took"] = round((time.perf_counter() - began) * 1e3)
    return answer


def _run(
    exchange: Exchange,
    index: str,
    body: Mapping[str, Any],
    leaves: Sequence[Leaf],
    parameters: Parameters,
) -> list[ScoredList]:
    header = orjson.dumps({k: v for k, v in parameters.given.items() if k in HEADER})
    shared = {k: body[k] for k in ("runtime_mappings", "timeout") if k in body}
    plain = {"_source": False, "track_total_hits": False, "track_scores": True}
    lines = [
        line
        for leaf in leaves
        for line in (header, orjson.dumps({**shared, **plain, **leaf.body}))
    ]
    raw = exchange.pass_on(
        "POST", f"/{quoted(index)}/_msearch", body=b"\n".join(lines) + b"\n", kind=NDJSON
    )
    if not raw.is_good:
        raise ElasticsearchRefused(raw)
    found = []
    for part in orjson.loads(raw.body)["responses"]:
        if "error" in part:
            raise ElasticsearchRefused(
                RawAnswer(part.get("status", 400), orjson.dumps(part), raw.content_type)
            )
        hits = part["hits"]["hits"]
        found.append({(hit["_index"], hit["_id"]): float(hit["_score"]) for hit in hits})
    return found


def _beside_hits(
    exchange: Exchange,
    index: str,
    body: Mapping[str, Any],
    leaves: Sequence[Leaf],
    lists: Sequence[ScoredList],
    parameters: Parameters,
) -> dict[str, Any]:
    """Return an envelope without hits: total and aggregations of whatever any leaf finds."""
    should = [
        leaf.query if leaf.is_whole and leaf.query else {"ids": {"values": _ids(found)}}
        for leaf, found in zip(leaves, lists, strict=True)
    ]
    asked = {name: body[name] for name in body if name in _BESIDE_HITS}
    asked |= {"query": {"bool": {"should": should, "minimum_should_match": 1}}, "size": 0}
    return exchange.search(index, counting(asked), parameters.of_first_pass())


def _ids(found: Mapping[Key, float]) -> list[str]:
    return [identity for _, identity in found]


def _number(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidQuery(f"{name}: should be 0 or more, got {value!r}"[:200], field=name)
    return value
