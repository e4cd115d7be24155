"""A browser that opens `/` is led to the shop; any other client is answered by the API."""

from __future__ import annotations

from flask import Flask, Response, request


def register(app: Flask) -> None:
    """Lead browsers on before keys are asked for: there is nothing to see yet.

    Elasticsearch's clients ask `/` too, for JSON, and so does whoever accepts anything.
    """

    @app.before_request
    def lead_on() -> Response | None:
        if request.path != "/" or request.method != "GET" or not _is_browser():
            return None
        return Response(status=302, headers={"Location": "/shop", "Vary": "Accept"})


def _is_browser() -> bool:
    return "text/html" in request.headers.get("Accept", "").lower()
