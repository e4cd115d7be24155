"""Answers: JSON fast, and every error in one shape."""

from __future__ import annotations

import secrets
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from mappings.errors import ShelfwiseError
from service.api import request_log

log = structlog.get_logger(__name__)

REQUEST_ID_HEADER = "X-Request-Id"
_HTTP_CODES = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "request_too_large",
    415: "unsupported_media_type",
}


def json_answer(body: Any, status: int = 200) -> Response:  # noqa: ANN401 - any JSON value
    """Return a JSON response."""
    return Response(orjson.dumps(body), status=status, mimetype="application/json")


def error_answer(status: int, code: str, message: str, *, field: str | None = None) -> Response:
    """Return the one shape of every error."""
    body = {
        "error": {"code": code, "message": message, "field": field, "request_id": g.request_id}
    }
    return json_answer(body, status)


def register(app: Flask) -> None:
    """Give every request an id, and every error its shape."""

    @app.before_request
    def name_request() -> None:
        g.request_id = secrets.token_hex(8)
        request_log.begin(g.request_id)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers[REQUEST_ID_HEADER] = g.get("request_id", "")
        response.headers["X-Content-Type-Options"] = "nosniff"
        request_log.finish(response)
        return response

    request_log.register(app)

    @app.errorhandler(ShelfwiseError)
    def ours(error: ShelfwiseError) -> Response:
        if error.http_status >= 500:
            log.warning("request_failed", code=error.code, reason=str(error))
        response = error_answer(error.http_status, error.code, error.message, field=error.field)
        if error.retry_after_seconds is not None:
            response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or 500
        code = _HTTP_CODES.get(status, "bad_request" if status < 500 else "internal_error")
        message = (
            f"there is no {request.method} {request.path[:200]!r}"
            if status == 404
            else error.description or error.name
        )
        response = error_answer(status, code, message)
        for name, value in error.get_headers():
            if name.lower() == "allow":
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        log.error("request_broke", exc_info=error)
        return error_answer(500, "internal_error", "something of ours broke; it has been logged")
