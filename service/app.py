"""The Flask application."""

from __future__ import annotations

from flask import Flask

from service.access import gate
from service.api import (
    answers,
    dead_letters,
    docs,
    events,
    finetune,
    health,
    keys,
    products,
    reindex,
    search,
    similar,
    tasks,
)
from service.api.uploads import InMemoryRequest
from service.services import EXTENSION, Services

PARTS = (
    search,
    similar,
    products,
    reindex,
    finetune,
    tasks,
    dead_letters,
    events,
    health,
    keys,
    docs,
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
    gate.register(app, services.access)
    for part in PARTS:
        app.register_blueprint(part.blueprint)
    return app
