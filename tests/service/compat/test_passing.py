"""What is handed on, what is refused, and that nobody reaches further than the address says."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from mappings.errors import InvalidQuery
from service.compat.body_checks import foreign_indexes
from service.compat.exchange import Media
from service.compat.writing import filtered
from tests.service.conftest import running_app

WORDS = {"query": {"match": {"name": "mouse"}}}


@pytest.mark.parametrize(
    ("body", "indexes"),
    [
        ({"query": {"terms": {"sku": {"index": "other", "id": "1", "path": "skus"}}}}, {"other"}),
        ({"query": {"more_like_this": {"like": [{"_index": "other", "_id": "1"}]}}}, {"other"}),
        (
            {"query": {"geo_shape": {"at": {"indexed_shape": {"index": "other", "id": "1"}}}}},
            {"other"},
        ),
        ({"query": {"geo_shape": {"at": {"indexed_shape": {"id": "1"}}}}}, {"shapes"}),
        ({"query": {"percolate": {"field": "q", "index": "other", "id": "1"}}}, {"other"}),
        ({"runtime_mappings": {"x": {"type": "lookup", "target_index": "other"}}}, {"other"}),
        ({"query": {"term": {"index": "a word"}}}, set()),
        ({"query": {"term": {"_index": "shop"}}}, set()),
        ({"query": {"match": {"wrapper": {"query": "paper"}}}}, set()),
    ],
)
def test_indexes_that_a_body_names_itself_are_found(
    body: dict[str, Any], indexes: set[str]
) -> None:
    assert foreign_indexes(body) == indexes


def test_what_hides_a_query_is_refused() -> None:
    with pytest.raises(InvalidQuery, match="wrapper"):
        foreign_indexes({"query": {"wrapper": {"query": "eyJtYXRjaF9hbGwiOnt9fQ=="}}})


@pytest.mark.parametrize("opening", ['{"query":', "["])
def test_body_that_goes_too_deep_is_refused(opening: str) -> None:
    depth = 150
    closing = {"[": "]", '{"query":': "}"}[opening]
    body = json.loads('{"a":' + opening * depth + "1" + closing * depth + "}")
    with pytest.raises(InvalidQuery, match="deeper"):
        foreign_indexes(body)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["took"], {"took": 1}),
        (["hits.hits._id"], {"hits": {"hits": [{"_id": "a"}, {"_id": "b"}]}}),
        (["hits.t*"], {"hits": {"total": {"value": 2}}}),
        (["**.value"], {"hits": {"total": {"value": 2}}}),
        (["-hits.hits", "-took"], {"hits": {"total": {"value": 2}}}),
        (["hits.hits", "-**._source"], {"hits": {"hits": [{"_id": "a"}, {"_id": "b"}]}}),
        (["nothing"], {}),
    ],
)
def test_filter_path_keeps_what_it_names(paths: list[str], expected: dict[str, Any]) -> None:
    hits = [{"_id": "a", "_source": {"n": 1}}, {"_id": "b", "_source": {}}]
    answer = {"took": 1, "hits": {"total": {"value": 2}, "hits": hits}}
    assert filtered(answer, paths) == expected


@pytest.mark.parametrize("paths", [["**." * 15 + "x"], ["-" + "**." * 15 + "y"]])
def test_filter_path_of_many_depths_costs_no_more_than_the_answer(paths: list[str]) -> None:
    answer: dict[str, Any] = {"x": 1}
    for _ in range(30):
        answer = {"a": answer}
    began = time.perf_counter()
    assert filtered(answer, paths) == answer
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("content_type", "accept", "written"),
    [
        ("application/json", "*/*", "application/json"),
        ("", "", "application/json"),
        (
            "application/vnd.elasticsearch+json; compatible-with=9",
            "application/vnd.elasticsearch+json; compatible-with=9,text/plain",
            "application/vnd.elasticsearch+json; compatible-with=9",
        ),
        (
            "",
            "application/vnd.elasticsearch+json;compatible-with=8",
            "application/vnd.elasticsearch+json; compatible-with=8",
        ),
    ],
)
def test_media_types_are_those_of_the_client(content_type: str, accept: str, written: str) -> None:
    assert Media.of_headers(content_type, accept).of("application/json") == written


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/shelfwise-attachments/_search", 403),
        ("/shelfwise-keys/_count", 403),
        ("/a,shelfwise-weights/_search", 403),
        ("/.security/_search", 403),
        ("/*/_search", 400),
        ("/shelf*/_search", 400),
        ("/a,-b/_search", 400),
        ("/%3Cshelfwise-keys%3E/_search", 403),
        ("/other:shelfwise-keys/_search", 400),
        ("/boutique/..%2Fshelfwise-keys/_search", 404),
        ("/_all/_search", 404),
        ("/_search", 400),  # a point in time says which index
        ("/_cluster/health", 404),
        ("/_cat/indices", 404),
    ],
)
def test_no_address_reaches_more_than_it_names(
    compat: FlaskClient, address: str, status: int
) -> None:
    response = compat.post(address, json={})
    assert response.status_code == status, response.text


@pytest.mark.cluster
@pytest.mark.parametrize("endpoint", ["_search", "_count"])
def test_bodies_reach_no_index_of_ours(compat: FlaskClient, attached: str, endpoint: str) -> None:
    lookup = {"index": "shelfwise-attachments", "id": attached, "path": "index"}
    body = {"query": {"terms": {"sku": lookup}}}
    response = compat.post(f"/{attached}/{endpoint}", json=body)
    assert response.status_code == 403
    lines = "".join(json.dumps(line) + "\n" for line in ({"index": "shelfwise-keys"}, {"size": 1}))
    several = compat.post("/_msearch", data=lines, content_type="application/x-ndjson")
    answer: Any = several.json
    assert [part["status"] for part in answer["responses"]] == [403]
    docs = {"docs": [{"_index": "shelfwise-attachments", "_id": attached}]}
    assert compat.post(f"/{attached}/_mget", json=docs).status_code == 403


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("scroll=1m", "scroll"),
        ("nonsense=1", "nonsense"),
        ("size=many", "size"),
        ("format=yaml", "format"),
    ],
)
def test_parameters_that_cannot_be_honoured_are_named(
    compat: FlaskClient, attached: str, query: str, field: str
) -> None:
    response = compat.post(f"/{attached}/_search?{query}", json=WORDS)
    assert response.status_code == 400
    assert field in response.text


@pytest.mark.cluster
def test_bodies_come_in_gzip_and_by_get(compat: FlaskClient, attached: str) -> None:
    raw = json.dumps({**WORDS, "size": 1}).encode()
    plain: Any = compat.get(f"/{attached}/_search", data=raw, content_type="application/json").json
    packed: Any = compat.post(
        f"/{attached}/_search",
        data=gzip.compress(raw),
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ).json
    assert packed["hits"] == plain["hits"]
    for data, encoding in ((b"nonsense", "gzip"), (raw, "br")):
        response = compat.post(
            f"/{attached}/_search",
            data=data,
            headers={"Content-Type": "application/json", "Content-Encoding": encoding},
        )
        assert response.status_code == 400


@pytest.mark.cluster
@pytest.mark.parametrize("raw", [b"{", b"[]", b"1", b'{"a": NaN}', b"\xff", b"[" * 5_000])
def test_broken_bodies_are_a_400_in_elasticsearchs_envelope(
    compat: FlaskClient, attached: str, raw: bytes
) -> None:
    for endpoint in ("_search", "_count", "_msearch"):
        response = compat.post(
            f"/{attached}/{endpoint}", data=raw, content_type="application/json"
        )
        assert response.status_code == 400
        answer: Any = response.json
        assert answer["status"] == 400
        assert answer["error"]["root_cause"][0]["type"] == "illegal_argument_exception"


@pytest.fixture(scope="module")
def closed(elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis) -> Iterator[Flask]:
    """The service as it is by default."""
    with running_app(elasticsearch.url, redis_server.url) as app:
        yield app


READS = (
    ("GET", "/_doc/sku-001"),
    ("HEAD", "/_doc/sku-001"),
    ("GET", "/_mapping"),
    ("GET", ""),
    ("POST", "/_field_caps?fields=name"),
    ("POST", "/_validate/query"),
)
WRITES = (
    ("PUT", "/_doc/new"),
    ("POST", "/_doc"),
    ("POST", "/_bulk"),
    ("POST", "/_update/sku-001"),
    ("DELETE", "/_doc/sku-001"),
    ("DELETE", ""),
    ("PUT", "/_mapping"),
    ("POST", "/_close"),
    ("POST", "/_search/template"),
)


@pytest.mark.cluster
def test_nothing_but_searches_passes_by_default(closed: Flask, attached: str) -> None:
    client = closed.test_client()
    assert client.post(f"/{attached}/_search", json={"size": 0}).status_code == 200
    for method, path in (*READS, *WRITES):
        assert client.open(f"/{attached}{path}", method=method).status_code == 403, (method, path)


@pytest.mark.cluster
def test_reads_pass_where_the_setting_lets_them(compat: FlaskClient, attached: str) -> None:
    for method, path in READS:
        assert compat.open(f"/{attached}{path}", method=method).status_code == 200, (method, path)
    for method, path in WRITES:
        assert compat.open(f"/{attached}{path}", method=method).status_code == 403, (method, path)
    for path in ("_doc/..", "_doc/.", "_doc//", "_doc/%2e%2e%2f_search"):
        assert compat.get(f"/{attached}/{path}").status_code in (400, 403, 404)


@pytest.mark.cluster
def test_writes_pass_where_the_setting_lets_them(
    elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis, unattached: str
) -> None:
    with running_app(elasticsearch.url, redis_server.url, service_pass_through="all") as app:
        client = app.test_client()
        document = {"name": "new", "index": "x", "id": "1", "path": "y"}
        made = client.put(f"/{unattached}/_doc/new?refresh=true", json=document)
        assert made.status_code == 201
        lines = '{"delete": {"_id": "new"}}\n'
        gone = client.post(
            f"/{unattached}/_bulk?refresh=true", data=lines, content_type="application/x-ndjson"
        )
        assert gone.status_code == 200
        other = '{"delete": {"_index": "shelfwise-weights", "_id": "1"}}\n'
        refused = client.post(
            f"/{unattached}/_bulk", data=other, content_type="application/x-ndjson"
        )
        assert refused.status_code == 403
        assert client.head(f"/{unattached}/_doc/new").status_code == 404
