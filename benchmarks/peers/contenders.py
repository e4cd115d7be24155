"""Who is measured side by side, and how each is asked for the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from elasticsearch import Elasticsearch, helpers

from benchmarks.http_client import JsonClient
from benchmarks.peers.synth import DIMS, SynthData, SynthQuery
from service.fusion.linear import CalibratedFeatures, LinearModel
from service.ranking.features import DEFAULT_CALIBRATIONS

SIZE = 20
K = 100
FLOOR_INDEX = "floor"
OURS_INDEX = "synth"
WEIGHTS = {"lexical": 0.4, "text_vector": 0.4, "image_vector": 0.2}
"""The same as in the peers' scripts."""

_BULK = 500
_BOOSTS = {"bm25": 0.05, "text_vec": 0.4, "image_vec": 0.2}
Ids = list[str]


@dataclass(frozen=True)
class Contender:
    """A server with one way to ask it. ask: returns the milliseconds and the best 20 ids."""

    name: str
    ask: Callable[[SynthQuery], tuple[float, Ids]]


def ours(
    service: JsonClient,
    *,
    mode: str = "precise",
    window: int = 200,
    num_candidates: int = K,
    version: str | None = None,
) -> Contender:
    """Our service over HTTP. version: of learned weights, which rank by every feature."""
    ranking = {"weights_version": version} if version else {"weights": WEIGHTS}

    def ask(query: SynthQuery) -> tuple[float, Ids]:
        body = {
            "q": query.words,
            "vectors": {"text_vector": query.text_vector, "image_vector": query.image_vector},
            "filter": {"price": {"gte": query.low, "lte": query.high}, "brand": query.brands},
            **ranking,
            "limit": SIZE,
            "mode": mode,
            "rank_window_size": window,
            "num_candidates": num_candidates,
        }
        start = time.perf_counter()
        answer = service.post(f"/v1/indexes/{OURS_INDEX}/search", orjson.dumps(body))
        milliseconds = (time.perf_counter() - start) * 1e3
        return milliseconds, [hit["id"] for hit in answer.body["hits"]]

    what = "fast" if mode == "fast" else f"precise, window {window}"
    if num_candidates != K:
        what += f", num_candidates {num_candidates}"
    if version:
        what += ", all features"
    return Contender(f"ours, {what}", ask)


def every_feature() -> dict[str, Any]:
    """Return a weights document of ours that leaves no feature out."""
    scale = CalibratedFeatures(DEFAULT_CALIBRATIONS)
    weights = np.full(len(scale.names), 1.0 / len(scale.names))
    return {
        "index": OURS_INDEX,
        "fusion": "weighted_sum",
        "model": LinearModel(scale, weights).to_json(),
        "training": {"source": "hand"},
    }


def floor(client: Elasticsearch, *, window: int | None) -> Contender:
    """Bare Elasticsearch by the official client, as the floor's own script asks it.

    window: candidates that get exact scores in a second pass; None for one pass.
    """
    return _floor(
        lambda body: dict(
            client.search(
                index=FLOOR_INDEX,
                include_named_queries_score=True,
                request_cache=False,
                **body,
            )
        ),
        window,
        "its own client",
    )


def thin_floor(cluster: JsonClient, *, window: int | None) -> Contender:
    """Bare Elasticsearch by the client that asks our service too."""
    path = f"/{FLOOR_INDEX}/_search?include_named_queries_score=true&request_cache=false"

    def search(body: dict[str, Any]) -> dict[str, Any]:
        renamed = {("_source" if key == "source" else key): body[key] for key in body}
        answer: dict[str, Any] = cluster.post(path, orjson.dumps(renamed)).body
        return answer

    return _floor(search, window, "thin client")


def opensearch(node: JsonClient, *, depth: int | None) -> Contender:
    """OpenSearch's `hybrid` query. depth: hits of each leg that are normalized, None for 20."""
    path = "/products/_search?search_pipeline=peer-hybrid&request_cache=false"

    def ask(query: SynthQuery) -> tuple[float, Ids]:
        filters = _filters(query)
        legs: list[dict[str, Any]] = [
            {
                "bool": {
                    "must": [{"match": {"title": {"query": query.words}}}],
                    "filter": filters,
                }
            }
        ]
        for field, vector in _vectors(query):
            knn = {"vector": vector, "k": K, "filter": {"bool": {"filter": filters}}}
            legs.append({"knn": {field: knn}})
        hybrid: dict[str, Any] = {"queries": legs}
        if depth is not None:
            hybrid["pagination_depth"] = depth
        body = {
            "size": SIZE,
            "_source": ["title", "brand", "price"],
            "query": {"hybrid": hybrid},
        }
        start = time.perf_counter()
        answer = node.post(path, orjson.dumps(body))
        milliseconds = (time.perf_counter() - start) * 1e3
        return milliseconds, _ids(answer.body)

    return Contender(f"OpenSearch hybrid, depth {depth or SIZE}", ask)


def fill_floor(client: Elasticsearch, data: SynthData) -> None:
    """Index the data as the floor's own script does: int8_hnsw, one shard, one segment."""
    vector = {
        "type": "dense_vector",
        "dims": DIMS,
        "index": True,
        "similarity": "cosine",
        "index_options": {"type": "int8_hnsw", "m": 16, "ef_construction": 100},
    }
    client.indices.create(
        index=FLOOR_INDEX,
        settings={"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1"},
        mappings={
            "properties": {
                "title": {"type": "text"},
                "brand": {"type": "keyword"},
                "price": {"type": "float"},
                "text_vec": vector,
                "image_vec": vector,
            }
        },
    )
    actions = (
        {
            "_index": FLOOR_INDEX,
            "_id": str(number),
            **product,
            "text_vec": data.text[number].tolist(),
            "image_vec": data.image[number].tolist(),
        }
        for number, product in enumerate(data.products)
    )
    for _ in helpers.parallel_bulk(client, actions, thread_count=2, chunk_size=_BULK):
        pass
    client.indices.refresh(index=FLOOR_INDEX)
    client.indices.forcemerge(index=FLOOR_INDEX, max_num_segments=1)
    client.indices.refresh(index=FLOOR_INDEX)


def _floor(
    search: Callable[[dict[str, Any]], dict[str, Any]], window: int | None, client: str
) -> Contender:
    def ask(query: SynthQuery) -> tuple[float, Ids]:
        start = time.perf_counter()
        answer = search(_one_pass(query, window or SIZE))
        if window is not None:
            answer = search(_exact(query, _ids(answer)))
        return (time.perf_counter() - start) * 1e3, _ids(answer)[:SIZE]

    what = "one pass" if window is None else f"two passes, {window}"
    return Contender(f"Elasticsearch, {what} ({client})", ask)


def _one_pass(query: SynthQuery, size: int) -> dict[str, Any]:
    filters = _filters(query)
    lexical = {"query": query.words, "boost": _BOOSTS["bm25"], "_name": "bm25"}
    should: list[dict[str, Any]] = [{"match": {"title": lexical}}]
    for field, vector in _vectors(query):
        knn = {"field": field, "query_vector": vector, "k": K, "num_candidates": K}
        named = {"filter": filters, "boost": _BOOSTS[field], "_name": field}
        should.append({"knn": knn | named})
    return {
        "query": {"bool": {"should": should, "filter": filters, "minimum_should_match": 1}},
        "size": size,
        "source": ["title", "brand", "price"] if size <= SIZE else False,
        "track_total_hits": False,
    }


def _exact(query: SynthQuery, ids: Ids) -> dict[str, Any]:
    only = {"ids": {"values": ids}}
    should: list[dict[str, Any]] = [{"match": {"title": {"query": query.words, "_name": "bm25"}}}]
    for field, vector in _vectors(query):
        knn = {"field": field, "query_vector": vector, "k": len(ids), "num_candidates": len(ids)}
        should.append({"knn": {**knn, "filter": only, "_name": field}})
    return {
        "query": {"bool": {"filter": only, "should": should}},
        "size": len(ids),
        "source": False,
        "track_total_hits": False,
    }


def _filters(query: SynthQuery) -> list[dict[str, Any]]:
    price = {"gte": query.low, "lte": query.high}
    return [{"range": {"price": price}}, {"terms": {"brand": query.brands}}]


def _vectors(query: SynthQuery) -> Sequence[tuple[str, list[float]]]:
    return (("text_vec", query.text_vector), ("image_vec", query.image_vector))


def _ids(answer: dict[str, Any]) -> Ids:
    return [hit["_id"] for hit in answer["hits"]["hits"]]
