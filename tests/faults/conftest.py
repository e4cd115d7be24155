"""Servers that a test may stop and kill, and the programs' settings for them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from embedded import ports
from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.encoders.hashing import HashingEncoder
from mappings import cluster as cluster_client
from mappings.index_lifecycle import create_index
from mappings.settings import SharedSettings
from tests.indexer.programs import environment
from tests.service.conftest import TEMPLATE


@dataclass
class Servers:
    """An Elasticsearch and a Redis with persistence, each on a port that it keeps."""

    elasticsearch: EmbeddedElasticsearch
    redis: EmbeddedRedis
    cluster: Elasticsearch

    def environment(self, **settings: object) -> dict[str, str]:
        """The environment of a program, in which redelivery takes seconds.

        Elasticsearch is given up well before the visibility timeout, and so is the writer's
        patience, else a batch would be taken for one over which a worker died.
        """
        short: dict[str, object] = {
            "elasticsearch_timeout_seconds": 3,
            "indexer_visibility_timeout_seconds": 8,
            "indexer_janitor_seconds": 1.5,
            "indexer_max_attempts": 500,
        }
        own = {"text_template": TEMPLATE, **short, **settings}
        return environment(self.elasticsearch.url, self.redis.url, **own)

    def create_index(self) -> str:
        """Return the name of a new, empty index that the hashing encoder fills."""
        name = f"shop-{secrets.token_hex(4)}"
        create_index(self.cluster, name, {"text_vector": HashingEncoder(template=TEMPLATE).spec})
        return name


@pytest.fixture(scope="module")
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    """Servers of the module's own."""
    directory: Path = tmp_path_factory.mktemp("servers")
    http_port, redis_port = ports.pick_free(2)
    version = request.config.getoption("--es-version")
    with (
        EmbeddedElasticsearch(
            directory / "es", version=version, http_port=http_port, heap="512m"
        ) as elasticsearch,
        EmbeddedRedis(directory / "redis", port=redis_port) as queue,
        cluster_client.connect(SharedSettings(elasticsearch_url=elasticsearch.url)) as client,
    ):
        yield Servers(elasticsearch, queue, client)
