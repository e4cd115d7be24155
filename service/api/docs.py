"""`/openapi.json`, and `/docs` to read and try it: Swagger UI from its own package, no CDN."""

from __future__ import annotations

from importlib.resources import files

from flask import Blueprint, Response, send_from_directory
from werkzeug.exceptions import NotFound

from service.access.scopes import needs
from service.api.answers import json_answer
from service.api.openapi import openapi_document

blueprint = Blueprint("docs", __name__)

_ASSETS = {
    "swagger-ui.css": ("css", "text/css"),
    "swagger-ui-bundle.js": ("js", "text/javascript"),
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shelfwise API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true});\n'
# Swagger UI sets styles inline and draws its icons from data addresses.
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@blueprint.get("/openapi.json")
@needs(None)
def document() -> Response:
    """Return the OpenAPI document."""
    return json_answer(openapi_document())


@blueprint.get("/docs")
@needs(None)
def page() -> Response:
    """Return the page."""
    return Response(_PAGE, mimetype="text/html", headers={"Content-Security-Policy": _POLICY})


@blueprint.get("/docs/start.js")
@needs(None)
def start() -> Response:
    """Return the page's own script."""
    return Response(_START, mimetype="text/javascript")


@blueprint.get("/docs/<name>")
@needs(None)
def asset(name: str) -> Response:
    """Return a file of Swagger UI."""
    if name not in _ASSETS:
        raise NotFound
    folder, mimetype = _ASSETS[name]
    root = files("flask_openapi3_swagger").joinpath("templates", "swagger", folder)
    return send_from_directory(str(root), name, mimetype=mimetype, max_age=86_400)
