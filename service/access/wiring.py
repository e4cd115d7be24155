"""Makes what guards the service from its settings."""

from __future__ import annotations

import redis
from elasticsearch import Elasticsearch

from mappings.audit import AuditLog
from service.access.gate import Access, keys_required, origins_of, proxies_of
from service.access.key_ring import KeyRing
from service.access.key_store import KeyStore
from service.access.rate_limits import RateLimits
from service.settings import ServiceSettings

_KEYS_TIMEOUT_SECONDS = 2.0
"""A request waits for the keys where none was ever read."""
_REDIS_TIMEOUT_SECONDS = 0.25
"""Each request is counted; one of a Redis that is slower than that is let through or refused."""


def build_access(settings: ServiceSettings, client: Elasticsearch) -> Access:
    """Return the guard; nothing is sent yet. Without keys there are no limits of rate either."""
    audit = AuditLog(settings.audit_file)
    masks = settings.service_log_queries == "masked"
    proxies, origins = proxies_of(settings), origins_of(settings)
    if not keys_required(settings):
        return Access(None, None, proxies, origins, audit, masks)
    store = KeyStore(client.options(request_timeout=_KEYS_TIMEOUT_SECONDS))
    ring = KeyRing(store.list, ttl_seconds=settings.service_key_cache_seconds)
    queue = redis.Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=_REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
    )
    rates = RateLimits(
        queue,
        per_key=settings.service_rate_per_key,
        per_address=settings.service_rate_per_address,
        closed=settings.service_rate_without_redis == "closed",
    )
    return Access(ring, rates, proxies, origins, audit, masks, settings.service_metrics_open)
