"""The Flask application."""

from __future__ import annotations

from flask import Flask

from service.api import (
    answers,
    dead_letters,
    docs,
    events,
    health,
    products,
    reindex,
    search,
    similar,
    tasks,
)
from service.api.uploads import InMemoryRequest
from service.services import EXTENSION, Services


def create_app(services: Services) -> Flask:
    """Return the application around services that are already wired."""
    app = Flask("service", static_folder=None)
    app.request_class = InMemoryRequest
    # An address with an empty part is an unknown one, not another one to be sent on to.
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = services.settings.service_max_body_bytes
    app.extensions[EXTENSION] = services
    answers.register(app)
    for part in (search, similar, products, reindex, tasks, dead_letters, events, health, docs):
        app.register_blueprint(part.blueprint)
    return app
