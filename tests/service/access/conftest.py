"""Applications that ask for keys, without servers: for what is decided before they are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from flask import Flask

from service.access.key_ring import KeyRing
from service.access.keys import NewKey, make_key
from service.access.rate_limits import RateLimits
from service.app import create_app
from service.bootstrap import build_services
from service.settings import ServiceSettings

MakeKey = Callable[..., NewKey]


@contextmanager
def offline_app(
    known: list[NewKey] | None, *, rates: RateLimits | None = None, **settings: object
) -> Iterator[Flask]:
    """An application whose servers are not there.

    known: its keys, None where keys are off. rates: its limits, by default without Redis.
    """
    services = build_services(
        ServiceSettings.model_validate(
            {
                "text_encoder": "hashing",
                "elasticsearch_url": "http://127.0.0.1:9",
                "redis_url": "redis://127.0.0.1:9/0",
                "service_keys": "auto" if known is None else "required",
                **settings,
            }
        )
    )
    if known is not None:
        ring = KeyRing(lambda: [one.key for one in known], ttl_seconds=0.1)
        access = replace(services.access, ring=ring, rates=rates or services.access.rates)
        services = replace(services, access=access)
    yield create_app(services)
    services.client.close()
    services.task_records._client.close()


def bearer(made: NewKey) -> dict[str, str]:
    return {"Authorization": f"Bearer {made.text}"}


@pytest.fixture(scope="session")
def key() -> MakeKey:
    def make(*scopes: str, indexes: tuple[str, ...] = ("*",), name: str = "test") -> NewKey:
        return make_key(name, scopes, indexes, created_by="a test")

    return make
