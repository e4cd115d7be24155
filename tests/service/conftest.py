"""A filled index, and the service's application around the real servers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from flask import Flask
from flask.testing import FlaskClient
from numpy.typing import NDArray

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.encoders.hashing import HashingEncoder
from indexer.pipeline import Pipeline
from mappings.index_lifecycle import create_index
from mappings.product_changes import ProductChange
from service.app import create_app
from service.bootstrap import build_services
from service.services import EXTENSION, Services
from service.settings import ServiceSettings
from tests.service.catalogue import PRODUCTS

TEMPLATE = "{title}. {brand}. {description}"
Search = Callable[..., dict[str, Any]]


@contextmanager
def running_app(elasticsearch_url: str, redis_url: str, **settings: object) -> Iterator[Flask]:
    """The application as `shelfwise serve` builds it, with the hashing encoder."""
    services = build_services(
        ServiceSettings.model_validate(
            {
                "elasticsearch_url": elasticsearch_url,
                "redis_url": redis_url,
                "text_encoder": "hashing",
                "text_template": TEMPLATE,
                "service_index_cache_seconds": 0,
                "service_leg_timeout_seconds": 9,  # a busy machine should change no answer
                **settings,
            }
        )
    )
    app = create_app(services)
    app.testing = False  # as in production: the error handlers answer, nothing is raised
    try:
        yield app
    finally:
        services.client.close()
        services.task_records._client.close()


def services_of(app: Flask) -> Services:
    services: Services = app.extensions[EXTENSION]
    return services


def fill(cluster: Elasticsearch, name: str, products: list[dict[str, Any]]) -> None:
    """Write products as the worker does, and make them searchable."""
    changes = [
        ProductChange("upsert", product["id"], {k: v for k, v in product.items() if k != "id"})
        for product in products
    ]
    pipeline = Pipeline(cluster, HashingEncoder(template=TEMPLATE))
    outcome = pipeline.process(name, changes)
    assert outcome.indexed == len(products), outcome
    bury(pipeline, name, products[:5])
    cluster.indices.refresh(index=name)


def bury(pipeline: Pipeline, name: str, products: list[dict[str, Any]]) -> None:
    """Leave tombstones of deleted twins, which no search may find or count."""
    for number, product in enumerate(products):
        fields = {k: v for k, v in product.items() if k != "id"}
        ghost = f"ghost-{number}"
        upsert = ProductChange("upsert", ghost, fields, version=1)
        pipeline.process(name, [upsert])
        pipeline.process(name, [ProductChange("delete", ghost, {}, version=2)])


@pytest.fixture(scope="session")
def shop(cluster: Elasticsearch) -> Iterator[str]:
    """Name of an index with the whole catalogue, which no test may change."""
    name = f"shop-{secrets.token_hex(4)}"
    live = create_index(cluster, name, {"text_vector": HashingEncoder(template=TEMPLATE).spec})
    fill(cluster, name, PRODUCTS)
    yield name
    cluster.indices.delete(index=live.index)


@pytest.fixture
def small_shop(cluster: Elasticsearch, index_name: str) -> str:
    """Name of an index of twelve products that a test may change."""
    create_index(cluster, index_name, {"text_vector": HashingEncoder(template=TEMPLATE).spec})
    fill(cluster, index_name, PRODUCTS[:12])
    return index_name


@pytest.fixture(scope="session")
def app(
    elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis, shop: str
) -> Iterator[Flask]:
    with running_app(elasticsearch.url, redis_server.url) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def search(app: Flask, shop: str) -> Search:
    """Search the shop, which must go well, and return the answer."""

    def ask(index: str = shop, **body: object) -> dict[str, Any]:
        response = app.test_client().post(f"/v1/indexes/{index}/search", json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json
        return answer

    return ask


@pytest.fixture(scope="session")
def vectors() -> dict[str, NDArray[np.float32]]:
    """Product id to the vector of its text."""
    encoder = HashingEncoder(template=TEMPLATE)
    from indexer.documents import product_text

    rows = encoder.encode([product_text(product, TEMPLATE) for product in PRODUCTS])
    return {product["id"]: row for product, row in zip(PRODUCTS, rows, strict=True)}


@pytest.fixture(scope="session")
def middle(vectors: dict[str, NDArray[np.float32]]) -> list[float]:
    """A query vector that every product is near to, far above the floor."""
    mean = np.mean(list(vectors.values()), axis=0)
    unit = mean / np.linalg.norm(mean)
    assert min(float(unit @ vector) for vector in vectors.values()) > 0.1
    values: list[float] = unit.astype(float).tolist()
    return values
