"""Options and fixtures shared by all tests."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from embedded.elasticsearch import SUPPORTED_VERSIONS, EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from mappings import cluster as cluster_client
from mappings.settings import SharedSettings


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--es-version",
        default=SUPPORTED_VERSIONS[0],
        choices=SUPPORTED_VERSIONS,
        help="version of the embedded Elasticsearch to test on",
    )


@pytest.fixture(scope="session")
def elasticsearch(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedElasticsearch]:
    """One Elasticsearch for the whole run; every test makes its own index in it."""
    directory = tmp_path_factory.mktemp("elasticsearch")
    version = request.config.getoption("--es-version")
    with EmbeddedElasticsearch(directory, version=version, heap="512m") as server:
        yield server


@pytest.fixture(scope="session")
def cluster(elasticsearch: EmbeddedElasticsearch) -> Iterator[Elasticsearch]:
    """A client of it."""
    with cluster_client.connect(SharedSettings(elasticsearch_url=elasticsearch.url)) as client:
        yield client


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """One Redis for the whole run."""
    with EmbeddedRedis(tmp_path_factory.mktemp("redis"), append_only=False) as server:
        yield server


@pytest.fixture
def index_name(cluster: Elasticsearch) -> Iterator[str]:
    """A name of an index that is not there yet; what a test makes of it is dropped."""
    name = f"test-{secrets.token_hex(6)}"
    yield name
    for index in cluster.indices.get(
        index=f"{name}-v*"
    ):  # a cluster may refuse to drop by pattern
        cluster.indices.delete(index=index)
