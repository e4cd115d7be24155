"""What the tests of attached indexes share."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
import redis
from elasticsearch import Elasticsearch

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.attach.companion_index import COMPANION_PREFIX
from indexer.attach.follower import Follower, FollowerParts
from indexer.attach.opening import Wish, open_attachment
from indexer.attach.shop_index import find_shop_index
from indexer.photos.hints import PhotoHints
from mappings import cluster as cluster_client
from mappings.attachments import Attachment, Attachments
from mappings.settings import SharedSettings
from tests.indexer.attach.photo_world import Work
from tests.indexer.attach.shop import FIELDS, Shop
from tests.indexer.conftest import RecordingEncoder
from tests.indexer.images.photo_server import PhotoServer

Attach = Callable[..., Attachment]


@pytest.fixture(scope="session")
def exact_cluster(elasticsearch: EmbeddedElasticsearch) -> Iterator[Elasticsearch]:
    """A client that reads numbers of any size as they are."""
    settings = SharedSettings(elasticsearch_url=elasticsearch.url)
    with cluster_client.connect(settings, exact_numbers=True) as client:
        yield client


@pytest.fixture
def shop(exact_cluster: Elasticsearch) -> Iterator[Shop]:
    """A shop whose index is not there yet; what it and we make of it is dropped."""
    name = f"laden-{secrets.token_hex(6)}"
    yield Shop(exact_cluster, name)
    found = exact_cluster.indices.get(
        index=f"{name}*,{COMPANION_PREFIX}{name}*", expand_wildcards="all"
    )
    for index in found:
        exact_cluster.indices.delete(index=index)
    Attachments(exact_cluster).remove(name)


@pytest.fixture
def follower(exact_cluster: Elasticsearch, encoder: RecordingEncoder) -> Follower:
    return Follower(FollowerParts(exact_cluster, lambda _: encoder, page_size=50))


@pytest.fixture
def attach(exact_cluster: Elasticsearch, encoder: RecordingEncoder) -> Attach:
    """Opens an attachment of a name."""

    def open_it(name: str, mode: str = "in_place", **wish: object) -> Attachment:
        chosen = Wish(**{"fields": FIELDS, "encoder": encoder.spec, "mode": mode, **wish})
        return open_attachment(exact_cluster, find_shop_index(exact_cluster, name), chosen)

    return open_it


@pytest.fixture
def catch_up(exact_cluster: Elasticsearch, follower: Follower) -> Callable[[str], Attachment]:
    """Does turns until there is no news."""

    def turns(name: str) -> Attachment:
        attachments = Attachments(exact_cluster)
        while follower.has_news(attachments.get(name)):
            follower.turn(attachments.get(name))
        return attachments.get(name)

    return turns


@pytest.fixture
def work(exact_cluster: Elasticsearch, redis_server: EmbeddedRedis) -> Iterator[Work]:
    queue = redis.Redis.from_url(redis_server.url)
    hints = PhotoHints(queue, lambda name, ids: None, lease_seconds=100, products=2)
    with PhotoServer() as server:
        work = Work(exact_cluster, server, hints)
        yield work
        work.intake.close()
        work.fetcher.close()
    queue.close()
