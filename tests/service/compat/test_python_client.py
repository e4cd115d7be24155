"""The official Python client, unchanged, against Elasticsearch and through Shelfwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from elastic_transport import ApiResponse
from elasticsearch import ApiError, Elasticsearch

from embedded.elasticsearch import EmbeddedElasticsearch
from indexer.encoders.hashing import HashingEncoder
from tests.service.compat.judging import judge
from tests.service.compat.recorded import IDS, RECORDED, ids_of
from tests.service.compat.shop_index import TEMPLATE

pytestmark = [pytest.mark.cluster, pytest.mark.stack]

Clients = tuple[Elasticsearch, Elasticsearch]


@pytest.fixture(scope="module")
def clients(elasticsearch: EmbeddedElasticsearch, address: str) -> Iterator[Clients]:
    """One that asks Elasticsearch, and one that asks us."""
    with Elasticsearch(elasticsearch.url) as direct, Elasticsearch(address) as through:
        yield direct, through


def ask(client: Elasticsearch, case: dict[str, Any], index: str) -> tuple[dict[str, Any], str]:
    """The answer, or the error's body, and what the service says that it did."""
    body = dict(case.get("body", {}))
    if "vector" in case:
        (vector,) = HashingEncoder(template=TEMPLATE).encode(["wireless mouse"]).tolist()
        body["knn"] = {"field": case["vector"], "query_vector": vector, "k": 4}
    endpoint = case.get("endpoint", "search")
    answer: ApiResponse[Any]
    try:
        if endpoint == "count":
            answer = client.count(index=index, body=body)
        elif endpoint == "msearch":
            lines = [line for pair in case["searches"] for line in pair]
            answer = client.msearch(index=index, searches=lines)
        else:
            answer = client.perform_request(
                "POST",
                f"/{index}/_search",
                params=case.get("parameters", {}),
                headers={"accept": "application/json", "content-type": "application/json"},
                body=body,
            )
    except ApiError as error:
        return {"status": error.status_code, "body": error.body}, ""
    return dict(answer.body), answer.meta.headers.get("shelfwise-search") or ""


def test_enough_bodies_of_each_kind_are_recorded() -> None:
    treated = [case["treated"] for case in RECORDED]
    assert len(RECORDED) >= 45
    assert min(treated.count("hybrid"), treated.count("passed")) >= 20
    assert len(set(IDS)) == len(IDS)


@pytest.mark.parametrize("case", RECORDED, ids=IDS)
def test_body_is_answered_in_the_same_envelope(
    clients: Clients, case: dict[str, Any], names: dict[str, str]
) -> None:
    index = names[case.get("index", "attached")]
    direct, _ = ask(clients[0], case, index)
    through, note = ask(clients[1], case, index)
    judge(case["treated"], direct, through, note)


def test_client_takes_the_service_for_elasticsearch(clients: Clients) -> None:
    direct, through = clients
    assert through.info().body == direct.info().body
    assert through.ping()


def test_reads_pass_and_writes_are_refused(clients: Clients, attached: str) -> None:
    direct, through = clients
    assert through.get(index=attached, id="sku-001", source_includes="name").body == (
        direct.get(index=attached, id="sku-001", source_includes="name").body
    )
    assert through.indices.get_mapping(index=attached).body == (
        direct.indices.get_mapping(index=attached).body
    )
    assert through.indices.exists(index=attached)
    assert through.mget(index=attached, ids=["sku-001"], source=False)["docs"][0]["found"]
    with pytest.raises(ApiError) as refused:
        through.index(index=attached, id="new", document={"name": "x"})
    assert refused.value.status_code == 403
    assert not direct.exists(index=attached, id="new")


def test_pages_of_one_search_neither_repeat_nor_drop(clients: Clients, attached: str) -> None:
    query = {"multi_match": {"query": "wireless mouse for the office", "fields": ["name", "desc"]}}
    through = clients[1]
    whole = through.search(index=attached, query=query, size=240, source=False)
    total = whole["hits"]["total"]["value"]
    pages = [
        through.search(index=attached, query=query, from_=start, size=30, source=False)
        for start in range(0, total, 30)
    ]
    found = [name for page in pages for name in ids_of(page.body)]
    assert found == ids_of(whole.body)
    assert len(set(found)) == total
