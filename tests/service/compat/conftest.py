"""A shop's own index with our vectors, and the service on a port of its own."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.encoders.hashing import HashingEncoder
from mappings.attachments import OWN_FIELD, Attachments
from tests.service.compat.shop_index import TEMPLATE, attach_in_place, make_shop, products, text_of
from tests.service.conftest import running_app


@pytest.fixture(scope="session")
def attached(cluster: Elasticsearch) -> Iterator[str]:
    """Name of a shop's own index that has our vectors."""
    name = f"boutique-{secrets.token_hex(4)}"
    make_shop(cluster, name)
    attach_in_place(cluster, name)
    yield name
    Attachments(cluster).remove(name)
    cluster.indices.delete(index=name)


@pytest.fixture
def attached_flat(cluster: Elasticsearch) -> Iterator[str]:
    """Name of such an index of two segments without nested documents.

    In which Elasticsearch counts hits in another way.
    """
    name = f"flat-{secrets.token_hex(4)}"
    make_shop(cluster, name, is_flat=True)
    attach_in_place(cluster, name)
    # What a version of 9 shows of a document has no vectors, so one is made anew.
    product = products()["sku-000"]
    vector = HashingEncoder(template=TEMPLATE).encode([text_of(product)])[0].tolist()
    more = {**product, OWN_FIELD: {"text_vector": vector}}
    cluster.index(index=name, id="sku-more", document=more, refresh=True)
    yield name
    Attachments(cluster).remove(name)
    cluster.indices.delete(index=name)


@pytest.fixture(scope="session")
def unattached(cluster: Elasticsearch) -> Iterator[str]:
    """Name of the same index without anything of ours."""
    name = f"plain-{secrets.token_hex(4)}"
    make_shop(cluster, name)
    yield name
    cluster.indices.delete(index=name)


@pytest.fixture(scope="session")
def names(attached: str, unattached: str) -> dict[str, str]:
    """What the recorded bodies call their indexes."""
    return {
        "attached": attached,
        "unattached": unattached,
        "both": f"{attached},{unattached}",
        "absent": "no-such-index",
    }


@pytest.fixture(scope="session")
def compat_app(
    elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis
) -> Iterator[Flask]:
    """The service as it runs, with what it finds of indexes remembered."""
    with running_app(
        elasticsearch.url,
        redis_server.url,
        text_template=TEMPLATE,
        service_index_cache_seconds=2,
        service_pass_through="read",
    ) as app:
        yield app


@pytest.fixture
def compat(compat_app: Flask) -> FlaskClient:
    return compat_app.test_client()


@pytest.fixture(scope="session")
def address(compat_app: Flask) -> Iterator[str]:
    """Where the service answers over HTTP."""
    server = make_server("127.0.0.1", 0, compat_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
