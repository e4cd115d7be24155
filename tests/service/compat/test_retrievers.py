"""Retriever trees, which Elasticsearch runs with a paid licence alone."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient

from indexer.encoders.hashing import HashingEncoder
from mappings.errors import InvalidQuery
from service.compat.retriever_fusion import ScoredList, fuse_tree
from service.compat.retriever_tree import leaves_of, read_tree
from tests.service.compat.recorded import ids_of
from tests.service.compat.shop_index import TEMPLATE, products

MOUSE = {"match": {"name": "mouse"}}
OFFICE = {"match": {"desc": "office"}}
HP = {"term": {"manufacturer": "HP"}}


def standard(query: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"standard": {"query": query, **more}}


def rows(**scores: float) -> ScoredList:
    ordered = sorted(scores.items(), key=lambda pair: -pair[1])
    return {("shop", key): score for key, score in ordered}


def fused(retriever: dict[str, Any], *lists: ScoredList, size: int = 10) -> dict[str, float]:
    tree = read_tree(retriever, size=size)
    found = fuse_tree(tree, dict(zip(leaves_of(tree), lists, strict=True)))
    return {key: score for (_, key), score in found.items()}


def test_rrf_adds_weighted_reciprocal_ranks() -> None:
    retriever = {
        "rrf": {
            "retrievers": [{"retriever": standard(MOUSE), "weight": 2}, standard(OFFICE)],
            "rank_constant": 10,
        }
    }
    found = fused(retriever, rows(a=9, b=5), rows(b=3, c=1))
    assert found == pytest.approx({"b": 2 / 12 + 1 / 11, "a": 2 / 11, "c": 1 / 12})
    assert list(found) == ["b", "a", "c"]


def test_rrf_has_the_documented_constant() -> None:
    found = fused({"rrf": {"retrievers": [standard(MOUSE)]}}, rows(a=9))
    assert found == pytest.approx({"a": 1 / 61})


@pytest.mark.parametrize(
    ("normalizer", "expected"),
    [
        ("none", {"a": 2 * 8.0, "b": 2 * 4.0 + 3.0, "c": 1.0}),
        ("minmax", {"a": 2 * 1.0, "b": 2 * 0.0 + 1.0, "c": 0.0}),
        (
            "l2_norm",
            {"a": 2 * 8 / 80**0.5, "b": 2 * 4 / 80**0.5 + 3 / 10**0.5, "c": 1 / 10**0.5},
        ),
    ],
)
def test_linear_adds_weighted_normalized_scores(
    normalizer: str, expected: dict[str, float]
) -> None:
    retriever = {
        "linear": {
            "normalizer": normalizer,
            "retrievers": [
                {"retriever": standard(MOUSE), "weight": 2},
                {"retriever": standard(OFFICE)},
            ],
        }
    }
    assert fused(retriever, rows(a=8, b=4), rows(b=3, c=1)) == pytest.approx(expected)


def test_equal_scores_stay_as_they_are_and_equal_totals_are_ordered_by_id() -> None:
    retriever = {
        "linear": {"retrievers": [{"retriever": standard(MOUSE), "normalizer": "minmax"}]}
    }
    assert list(fused(retriever, rows(b=2, a=2)).items()) == [("a", 2.0), ("b", 2.0)]


def test_trees_are_nested_and_cut_at_their_windows() -> None:
    inner = {"rrf": {"retrievers": [standard(MOUSE)], "rank_window_size": 2, "rank_constant": 1}}
    retriever = {
        "linear": {
            "retrievers": [{"retriever": inner, "weight": 6}, {"retriever": standard(OFFICE)}],
            "rank_window_size": 2,
            "min_score": 1.5,
        }
    }
    found = fused(retriever, rows(a=3, b=2, c=1), rows(c=1, d=1), size=2)
    assert found == pytest.approx({"a": 6 / 2, "b": 6 / 3})


@pytest.mark.parametrize(
    ("retriever", "field"),
    [
        ({"rrf": {"retrievers": []}}, "retriever.rrf"),
        ({"rrf": {"query": "mouse", "fields": ["name"]}}, "retriever.rrf.query"),
        ({"rrf": {"retrievers": [{"pinned": {}}]}}, "retriever.rrf.retrievers.0.pinned"),
        (
            {"rrf": {"retrievers": [{"text_similarity_reranker": {}}]}},
            "retriever.rrf.retrievers.0.text_similarity_reranker",
        ),
        (
            {"rrf": {"retrievers": [standard(MOUSE)], "rank_constant": 0}},
            "retriever.rrf.rank_constant",
        ),
        (
            {"rrf": {"retrievers": [standard(MOUSE)], "rank_window_size": 5}},
            "retriever.rrf.rank_window_size",
        ),
        (
            {"rrf": {"retrievers": [standard(MOUSE, collapse={"field": "group"})]}},
            "retriever.rrf.retrievers.0.standard.collapse",
        ),
        (
            {"rrf": {"retrievers": [{"knn": {"field": "v", "query_vector_builder": {}}}]}},
            "retriever.rrf.retrievers.0.knn.query_vector_builder",
        ),
        (
            {"linear": {"retrievers": [{"retriever": standard(MOUSE), "weight": -1}]}},
            "retriever.linear.retrievers.0.weight",
        ),
        (
            {"linear": {"retrievers": [{"retriever": standard(MOUSE), "normalizer": "z"}]}},
            "retriever.linear.retrievers.0.normalizer",
        ),
        ({"rrf": {"retrievers": [standard(MOUSE)] * 21}}, "retriever"),
    ],
)
def test_what_a_retriever_cannot_have_is_named(retriever: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidQuery) as raised:
        read_tree(retriever, size=10)
    assert raised.value.field == field


@pytest.mark.cluster
def test_tree_is_run_on_the_cluster(
    compat: FlaskClient, attached: str, cluster: Elasticsearch
) -> None:
    (vector,) = HashingEncoder(template=TEMPLATE).encode(["wireless mouse"]).tolist()
    knn = {"field": "shelfwise.text_vector", "query_vector": vector, "k": 30, "num_candidates": 60}
    retriever = {
        "rrf": {
            "retrievers": [standard(MOUSE), {"knn": knn}],
            "filter": HP,
            "rank_window_size": 40,
        }
    }
    body = {
        "retriever": retriever,
        "aggs": {"brands": {"terms": {"field": "manufacturer"}}},
        "highlight": {"fields": {"name": {}}},
        "_source": ["name"],
        "size": 40,
    }
    response = compat.post(f"/{attached}/_search", json=body)
    assert response.status_code == 200, response.text
    assert response.headers["Shelfwise-Search"] == "hybrid; retriever"
    answer: Any = response.json
    lexical = {"bool": {"must": MOUSE, "filter": HP}}
    first = ids_of(cluster.search(index=attached, query=lexical, size=40).body)
    second = ids_of(cluster.search(index=attached, knn={**knn, "filter": HP}, size=40).body)
    expected: dict[str, float] = {}
    for found in (first, second):
        for rank, key in enumerate(found, start=1):
            expected[key] = expected.get(key, 0.0) + 1 / (60 + rank)
    order = sorted(expected, key=lambda key: (-expected[key], key))
    assert ids_of(answer) == order[:40]
    assert answer["hits"]["max_score"] == answer["hits"]["hits"][0]["_score"] == expected[order[0]]
    assert answer["hits"]["total"] == {"value": len(expected), "relation": "eq"}
    assert answer["aggregations"]["brands"]["buckets"] == [
        {"key": "HP", "doc_count": len(expected)}
    ]
    shop = products()
    for hit in answer["hits"]["hits"]:
        assert ("highlight" in hit) == ("mouse" in shop[hit["_id"]]["name"].split())


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"query": MOUSE}, "query"),
        ({"sort": ["price"]}, "sort"),
        ({"explain": True}, "explain"),
        ({"post_filter": HP}, "post_filter"),
        ({"collapse": {"field": "group"}}, "collapse"),
        ({"ext": {"shelfwise": {"mode": "fast"}}}, "ext.shelfwise"),
        ({"from": -1}, "from"),
    ],
)
def test_what_cannot_stand_beside_a_retriever_is_named(
    compat: FlaskClient, attached: str, more: dict[str, Any], field: str
) -> None:
    body = {"retriever": {"rrf": {"retrievers": [standard(MOUSE)]}}, **more}
    response = compat.post(f"/{attached}/_search", json=body)
    assert response.status_code == 400
    answer: Any = response.json
    assert answer["error"]["reason"].startswith(field)


@pytest.mark.cluster
def test_retrievers_of_the_free_licence_pass(compat: FlaskClient, attached: str) -> None:
    response = compat.post(f"/{attached}/_search", json={"retriever": standard(MOUSE)})
    assert response.status_code == 200
    assert response.headers["Shelfwise-Search"] == "passed; reason=retriever"
