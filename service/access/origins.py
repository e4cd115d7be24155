"""CORS: which sites' pages may call the service from a browser. None unless they are named."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

METHODS = "GET, POST, PUT, PATCH, DELETE"
HEADERS = "Authorization, Content-Type, X-Api-Key"
SHOWN_HEADERS = "X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
REMEMBERED_SECONDS = 600


class Origins:
    """Adds to answers what lets pages of the named origins read them.

    Around everything else, so that such a page sees a refusal as well. Credentials of the
    browser (cookies, its own passwords) are never allowed: a key is a header that a page sets.
    """

    def __init__(self, application: WSGIApplication, origins: Iterable[str]) -> None:
        self._application = application
        self._origins = frozenset(origins)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a preflight of a named origin; hand on everything else."""
        origin = environ.get("HTTP_ORIGIN")
        if not self._origins or origin is None:
            return self._application(environ, start_response)
        if origin not in self._origins:
            return self._application(environ, _adding(start_response, [("Vary", "Origin")]))
        allowed = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
        is_preflight = (
            environ["REQUEST_METHOD"] == "OPTIONS"
            and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
        )
        if is_preflight:
            answer = [
                *allowed,
                ("Access-Control-Allow-Methods", METHODS),
                ("Access-Control-Allow-Headers", HEADERS),
                ("Access-Control-Max-Age", str(REMEMBERED_SECONDS)),
                ("Content-Length", "0"),
            ]
            start_response("204 NO CONTENT", answer)
            return []
        shown = ("Access-Control-Expose-Headers", SHOWN_HEADERS)
        return self._application(environ, _adding(start_response, [*allowed, shown]))


def _adding(start_response: StartResponse, more: list[tuple[str, str]]) -> StartResponse:
    def start(
        status: str,
        headers: list[tuple[str, str]],
        exc_info: Any = None,  # noqa: ANN401 - WSGI's
    ) -> Callable[[bytes], object]:
        return start_response(status, [*headers, *more], exc_info)

    return start
