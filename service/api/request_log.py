"""What is said of each request: its metrics, its span, and a line in the log if wanted.

No line holds what a shopper typed: the address is logged by its pattern, without parameters.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

import structlog
from flask import Flask, Response, g, request

from mappings.tracing import annotate, continued_from, span
from service.access.admission import KIND
from service.services import current_services

_NAMED = ("index", "product_id", "task_id", "letter_id")
"""Parts of an address that a line names; each is an id and nothing else."""

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
log = structlog.get_logger("service.access")


def note(**fields: object) -> None:
    """Add to the line of this request, e.g. the id of its query."""
    g.log_fields = {**g.get("log_fields", {}), **fields}


def begin(request_id: str) -> None:
    """Bind the request's id to every line of its thread, and open its span."""
    structlog.contextvars.bind_contextvars(request_id=request_id)
    g.started = time.perf_counter()
    spans = g.spans = ExitStack()
    spans.enter_context(continued_from({name.lower(): text for name, text in request.headers}))
    method = request.method if request.method in _METHODS else "other"
    spans.enter_context(span(f"{method} {_route() or 'unknown'}", request_id=request_id))


def finish(response: Response) -> None:
    """Count the answer, say what kind it is, and log it where the settings say so."""
    services = current_services()
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    method, route = request.method if request.method in _METHODS else "other", _route()
    # Refusals are quicker than answers, so they are a kind of their own.
    request.environ[KIND] = f"{method} {route} {response.status_code}"
    services.telemetry.responded(response.status_code, method=method, route=route, seconds=seconds)
    annotate(**{"http.response.status_code": response.status_code})
    if services.settings.service_access_log:
        named = {key: text for key, text in (request.view_args or {}).items() if key in _NAMED}
        fields = {**named, **g.get("log_fields", {})}
        log.info(
            "request",
            method=method,
            route=route or None,
            status=response.status_code,
            milliseconds=round(seconds * 1e3, 1),
            bytes=response.content_length,
            **fields,
        )


def register(app: Flask) -> None:
    """Close what `begin` has opened, whatever became of the request."""

    @app.teardown_request
    def close(error: BaseException | None) -> None:
        spans: ExitStack | None = g.pop("spans", None)
        if spans is not None:
            spans.close()
        structlog.contextvars.clear_contextvars()


def _route() -> str:
    return request.url_rule.rule if request.url_rule is not None else ""
