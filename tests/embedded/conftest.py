"""A node of our own for the whole session, and a way to ask it how a text is analysed."""

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from embedded.elasticsearch import EmbeddedElasticsearch

HEAP = "512m"


class Node:
    """The smallest client that does: JSON in, status and JSON out."""

    def __init__(self, server: EmbeddedElasticsearch) -> None:
        self.server = server

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return ask(self.server.url, method, path, body)

    def must(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.request(method, path, body)
        assert status < 300, answer
        return answer


def ask(url: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    request = urllib.request.Request(
        url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.loads(response.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")


@pytest.fixture(scope="session")
def es_version(request: pytest.FixtureRequest) -> str:
    return request.config.getoption("--es-version")


@pytest.fixture(scope="session")
def embedded_node(es_version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    directory = tmp_path_factory.mktemp("embedded-node")
    with EmbeddedElasticsearch(directory, version=es_version, heap=HEAP) as server:
        yield Node(server)


@pytest.fixture(scope="session")
def _index_names() -> Iterator[str]:
    return (f"analysis-{number}" for number in itertools.count())


@pytest.fixture
def index(embedded_node: Node, _index_names: Iterator[str]) -> Iterator[Callable[..., str]]:
    """Make an index with these analysis settings and mappings; it is removed afterwards."""
    made = []

    def make(analysis: dict[str, Any], mappings: dict[str, Any] | None = None, **settings) -> str:
        name = next(_index_names)
        body = {
            "settings": {
                "number_of_shards": 1,
                "number_of_replicas": 0,
                "analysis": analysis,
                **settings,
            },
            "mappings": mappings or {},
        }
        embedded_node.must("PUT", f"/{name}", body)
        made.append(name)
        return name

    yield make
    for name in made:
        embedded_node.must("DELETE", f"/{name}")


@pytest.fixture
def analyze(embedded_node: Node) -> Callable[..., list[str]]:
    """Give the tokens of a text, as `_analyze` without an index shows them."""

    def tokens(text: str, **body: Any) -> list[str]:
        answer = embedded_node.must("POST", "/_analyze", {"text": text, **body})
        return [token["token"] for token in answer["tokens"]]

    return tokens
