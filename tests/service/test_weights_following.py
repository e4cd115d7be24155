"""Services that follow the weights in a real Elasticsearch, without a restart."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from embedded import ports
from embedded.elasticsearch import EmbeddedElasticsearch
from mappings import cluster as cluster_client
from mappings.settings import SharedSettings
from service.telemetry import Telemetry
from service.weights.active import ActiveWeights
from service.weights.store import WEIGHTS_INDEX, WeightsStore

pytestmark = pytest.mark.cluster
TTL = 0.2
DEFAULT = 0.0


def parse(document: Mapping[str, Any]) -> float:
    return float(document["model"]["weights"]["bm25"])


def document(index: str, weight: object) -> dict[str, Any]:
    model = {"weights": {"bm25": weight}}
    training = {"source": "hand"}
    return {"index": index, "fusion": "weighted_sum", "model": model, "training": training}


class Service:
    """A service's weights, over a client of its own."""

    def __init__(self, url: str) -> None:
        self.client = cluster_client.connect(SharedSettings(elasticsearch_url=url))
        self.telemetry = Telemetry()
        self.weights = ActiveWeights(
            WeightsStore(self.client),
            parse,
            DEFAULT,
            TTL,
            self.telemetry.weights_fell_back,
            on_change=self.telemetry.weights_changed,
        )

    def metrics(self) -> set[str]:
        lines = self.telemetry.exposition().decode().splitlines()
        return {
            line
            for line in lines
            if line.startswith("shelfwise_weights") and "_created" not in line
        }


def eventually(holds: Callable[[], object], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def follows(service: Service, name: str, weight: float, seconds: float = 5) -> None:
    """Wait until a service ranks by a weight."""
    eventually(lambda: service.weights.get(name) == weight, seconds)


@pytest.fixture
def name() -> str:
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
def services(elasticsearch: EmbeddedElasticsearch):
    both = Service(elasticsearch.url), Service(elasticsearch.url)
    yield both
    for service in both:
        service.client.close()


def test_two_services_pick_up_activations_without_restart(cluster, services, name):
    store = WeightsStore(cluster)
    assert [service.weights.get(name) for service in services] == [DEFAULT, DEFAULT]
    for weight in (0.25, 0.75):
        version = store.save(document(name, weight))
        store.activate(name, version)
        for service in services:
            follows(service, name, weight)
            assert service.weights.version(name) == version
    store.rollback(name)
    for service in services:
        follows(service, name, 0.25)
        assert service.metrics() == {
            f'shelfwise_weights_active_info{{index="{name}",version="{name}-1"}} 1.0'
        }


def test_broken_model_falls_back_and_is_counted_once(cluster, services, name):
    store = WeightsStore(cluster)
    service = services[0]
    store.activate(name, store.save(document(name, 0.5)))
    follows(service, name, 0.5)
    store.activate(name, store.save(document(name, "heavy")))
    follows(service, name, DEFAULT)
    time.sleep(2 * TTL)
    assert service.weights.get(name) == DEFAULT
    assert service.metrics() == {
        f'shelfwise_weights_active_info{{index="{name}",version="default"}} 1.0',
        f'shelfwise_weights_fallback_total{{index="{name}",reason="broken"}} 1.0',
    }
    store.rollback(name)
    follows(service, name, 0.5)


def test_version_that_was_removed_behind_our_back_falls_back(cluster, services, name):
    store = WeightsStore(cluster)
    version = store.save(document(name, 0.5))
    store.activate(name, version)
    cluster.delete(index=WEIGHTS_INDEX, id=version, refresh=True)
    assert services[0].weights.get(name) == DEFAULT
    assert f'shelfwise_weights_fallback_total{{index="{name}",reason="absent"}} 1.0' in (
        services[0].metrics()
    )


def test_no_search_ever_sees_half_of_an_activation(cluster, services, name):
    """Weights and version that are handed out belong together while others switch them."""
    store = WeightsStore(cluster)
    versions = {store.save(document(name, number)): float(number) for number in (1, 2, 3)}
    store.activate(name, f"{name}-1")
    service = services[0]
    seen: set[tuple[str | None, float]] = set()
    is_over = threading.Event()

    def search() -> None:
        while not is_over.is_set():
            current = service.weights.current(name)
            seen.add((current.version, current.weights))

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(6):
        wanted = f"{name}-{turn % 3 + 1}"
        store.activate(name, wanted)
        follows(service, name, versions[wanted])
    is_over.set()
    for thread in threads:
        thread.join(5)
    assert seen == set(versions.items())


@pytest.mark.stack
def test_cluster_that_goes_away_and_comes_back(tmp_path: Path, request):
    (port,) = ports.pick_free(1)
    es_version = request.config.getoption("--es-version")
    server = EmbeddedElasticsearch(
        tmp_path / "node", version=es_version, http_port=port, heap="384m"
    )
    with server:
        service, late = Service(server.url), Service(server.url)
        store = WeightsStore(service.client)
        first, second = (store.save(document("shop", weight)) for weight in (0.5, 0.75))
        store.activate("shop", first)
        assert service.weights.get("shop") == 0.5
        server.stop()
        time.sleep(TTL)
        started = time.monotonic()
        assert service.weights.get("shop") == 0.5
        assert service.weights.version("shop") == first
        assert late.weights.get("shop") == DEFAULT, "a service that starts now knows nothing"
        assert time.monotonic() - started < 2
        server.start()
        store.activate("shop", second)
        for one in (service, late):
            follows(one, "shop", 0.75, 15)
        fallback = 'shelfwise_weights_fallback_total{index="shop",reason="unreachable"} 1.0'
        assert fallback in late.metrics()
        assert fallback not in service.metrics()
        for one in (service, late):
            one.client.close()
