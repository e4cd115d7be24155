"""A server of photos on loopback, and a fetcher that may reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_network

import pytest

from indexer.images.addresses import AddressPolicy
from indexer.images.fetcher import FetchLimits, ImageFetcher
from tests.indexer.images.photo_server import CERTIFICATE, HOST, PhotoServer

LOOPBACK = (ip_network("127.0.0.1/32"),)


@pytest.fixture
def server() -> Iterator[PhotoServer]:
    with PhotoServer() as server:
        yield server


@pytest.fixture
def tls_server() -> Iterator[PhotoServer]:
    with PhotoServer(tls=True) as server:
        yield server


@pytest.fixture
def make_fetcher() -> Iterator[Callable[..., ImageFetcher]]:
    """Fetchers that may reach the servers of the test, under the name photos.test."""
    made: list[ImageFetcher] = []

    def make(*servers: PhotoServer, resolver=None, limits=None, **options) -> ImageFetcher:
        policy = AddressPolicy(
            LOOPBACK, frozenset({80, 443, *(server.port for server in servers)})
        )
        options.setdefault("sleep", lambda seconds: None)
        fetcher = ImageFetcher(
            policy,
            FetchLimits(**{"delay_seconds": 0.0, "timeout_seconds": 5.0, **(limits or {})}),
            ca_certs=str(CERTIFICATE),
            resolver=resolver or loopback_alone,
            **options,
        )
        made.append(fetcher)
        return fetcher

    yield make
    for fetcher in made:
        fetcher.close()


def loopback_alone(host: str, port: int) -> list[str]:
    """Know one name."""
    if host != HOST:
        raise AssertionError(f"nobody should ask for {host}")
    return ["127.0.0.1"]
