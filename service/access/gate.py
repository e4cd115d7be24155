"""What every request passes before its view: key, scope, index, rate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask, Response, g, request

from indexer.images.networks import parse_networks
from mappings.audit import AuditLog
from mappings.errors import Unauthorized
from mappings.masking import keep_from_logs
from service.access.addresses import (
    Network,
    client_address,
    client_group,
    is_loopback,
)
from service.access.caller import EVERYBODY, NOBODY, Caller, current_caller, set_caller
from service.access.credentials import find_key
from service.access.foreign_pages import READING, refuse_foreign_change, refuse_strangers
from service.access.key_ring import KeyRing
from service.access.private_words import words_of_request
from service.access.rate_limits import RateLimits, Verdict
from service.access.scopes import Scope, needed_scope, only_reads
from service.settings import ServiceSettings

CHALLENGE = 'Bearer realm="shelfwise", ApiKey realm="shelfwise"'
UNCOUNTED = ("/healthz",)
"""Asks nobody else, and must answer while everything else is refused."""


@dataclass(frozen=True)
class Access:
    """What decides who may do what. ring: None where keys are off."""

    ring: KeyRing | None
    rates: RateLimits | None
    trusted_proxies: tuple[Network, ...]
    origins: frozenset[str]
    audit: AuditLog
    masks_queries: bool = True
    metrics_open: bool = False

    @property
    def keys_required(self) -> bool:
        """Return whether a request needs a key."""
        return self.ring is not None


def keys_required(settings: ServiceSettings) -> bool:
    """Return whether requests need a key: only a service of this machine alone may go without."""
    return settings.service_keys == "required" or not is_loopback(settings.service_host)


def origins_of(settings: ServiceSettings) -> frozenset[str]:
    """Return the origins whose pages may call the service."""
    return frozenset(filter(None, map(str.strip, settings.service_origins.split(","))))


def proxies_of(settings: ServiceSettings) -> tuple[Network, ...]:
    """Return the networks of proxies that are believed."""
    return tuple(parse_networks(settings.service_trusted_proxies))


def register(app: Flask, access: Access) -> None:
    """Let no request reach its view that may not."""

    @app.before_request
    def admit() -> None:
        set_caller(NOBODY)
        refuse_foreign_change(request.method, request.headers, access.origins)
        keep_from_logs(words_of_request if access.masks_queries else None)
        g.may_search = lambda index: current_caller().may_use(index)
        if access.ring is None:
            refuse_strangers(request.host, request.headers, access.origins)
            set_caller(EVERYBODY)
        scope = _needed(app, access)
        caller, refusal = _identify(access.ring) if scope else (current_caller(), None)
        if access.rates is not None and request.path not in UNCOUNTED:
            g.rate = access.rates.count(_address(access), caller.key_id)
            g.rate.require()
        if scope is not None:
            if refusal is not None:
                raise refusal
            caller.require_scope(scope)
        index = (request.view_args or {}).get("index")
        if index is not None:
            caller.require_index(index)

    @app.after_request
    def tell(response: Response) -> Response:
        if response.status_code == 401:
            response.headers["WWW-Authenticate"] = CHALLENGE
        _record(app, access, response)
        verdict: Verdict | None = g.get("rate")
        if verdict is not None:
            response.headers.update(verdict.headers())
        return response


def _identify(ring: KeyRing | None) -> tuple[Caller, Unauthorized | None]:
    """Return who sends the request, or nobody and why."""
    if ring is None:
        return current_caller(), None
    found = find_key(request.headers)
    if found is None:
        return NOBODY, Unauthorized(
            "this needs an API key: Authorization: Bearer sw_..., or X-Api-Key: sw_...",
            field="authorization",
        )
    key = ring.find(found[0])
    if key is None or not key.opens_with(found[1]) or key.state(datetime.now(UTC)) != "active":
        return NOBODY, Unauthorized(
            "the API key is unknown, expired or revoked", field="authorization"
        )
    caller = Caller.of_key(key)
    set_caller(caller)
    return caller, None


def _needed(app: Flask, access: Access) -> Scope | None:
    if request.endpoint is None:  # no such address: nothing to protect
        return None
    scope = needed_scope(app.view_functions[request.endpoint])
    return None if scope is Scope.METRICS and access.metrics_open else scope


def _record(app: Flask, access: Access, response: Response) -> None:
    """Record what changes something in the name of an admin, or was refused to somebody known."""
    if request.endpoint is None or request.method in READING or response.status_code == 401:
        return
    view = app.view_functions[request.endpoint]
    if needed_scope(view) is not Scope.ADMIN or only_reads(view):
        return
    caller = current_caller()
    access.audit.record(
        request.endpoint,
        by=caller.key_id or "anybody: keys are off",
        name=caller.name,
        index=(request.view_args or {}).get("index"),
        request_id=g.get("request_id"),
        outcome="done" if response.status_code < 400 else f"refused: {response.status_code}",
        **g.get("audit", {}),
    )


def _address(access: Access) -> str:
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For"))
    peer = request.remote_addr or ""
    return client_group(client_address(peer, forwarded, access.trusted_proxies))
