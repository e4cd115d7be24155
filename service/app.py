"""The Flask application."""

from __future__ import annotations

from flask import Flask

from service.access import gate
from service.access.admission import Admission, Room
from service.access.origins import Origins
from service.api import (
    answers,
    compat,
    dead_letters,
    docs,
    events,
    experiments,
    finetune,
    health,
    insight,
    judgements,
    keys,
    products,
    reindex,
    rules,
    rules_trials,
    search,
    similar,
    suggest,
    tasks,
    training,
    webhooks,
    weights,
)
from service.api.uploads import InMemoryRequest
from service.pages import views as pages
from service.services import EXTENSION, Services
from service.studio import views as studio

PARTS = (
    search,
    similar,
    suggest,
    products,
    reindex,
    finetune,
    tasks,
    dead_letters,
    events,
    webhooks,
    judgements,
    training,
    health,
    insight,
    keys,
    weights,
    rules,
    rules_trials,
    experiments,
    docs,
    compat,
)
"""The views, each with its blueprint."""


def create_app(services: Services) -> Flask:
    """Return the application around services that are already wired."""
    app = Flask("service", static_folder=None)
    app.request_class = InMemoryRequest
    # An address with an empty part is an unknown one, not another one to be sent on to.
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = services.settings.service_max_body_bytes
    app.extensions[EXTENSION] = services
    answers.register(app)
    # Before the gate: a page may be opened without a key, and then asks for one.
    pages.register(app, services)
    studio.register(app, services)
    gate.register(app, services.access)
    for part in PARTS:
        app.register_blueprint(part.blueprint)
    _guard(app, services)
    return app


def _guard(app: Flask, services: Services) -> None:
    """Put around the application what is decided before a request is looked at."""
    settings = services.settings
    room = Room(
        turns=settings.service_threads,
        waiting=settings.service_waiting,
        wait_seconds=settings.service_wait_milliseconds / 1e3,
        body_seconds=settings.service_body_seconds,
        request_seconds=settings.service_request_seconds,
    )
    inner = Admission(
        app.wsgi_app,
        room,
        on_refusal=lambda: services.telemetry.responded(503, route="refused"),
        on_lowered=services.telemetry.concurrency_lowered,
    )
    app.wsgi_app = Origins(inner, services.access.origins)  # type: ignore[method-assign]
