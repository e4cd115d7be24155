"""How HTML and its files are sent, by the shop page and the studio alike."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from service.pages.assets import Asset

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' https: http: blob:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Only our own scripts and styles; photos also of the shop's hosts, and of the visitor's disk."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_YEAR_SECONDS = 31_536_000


def html_answer(text: str, *, status: int = 200) -> Response:
    """Return HTML that is already written, with the headers of every page."""
    return Response(text, status=status, mimetype="text/html", headers=HEADERS)


def render_html(template: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
    """Return a template as an answer. Whatever products and visitors say is escaped there."""
    return html_answer(render_template(template, **values), status=status)


def asset_answer(asset: Asset, *, is_named: bool) -> ResponseReturnValue:
    """Return a file. is_named: the address names its content, so it may be kept for good."""
    response = Response(asset.data, mimetype=asset.mimetype)
    response.headers["Cache-Control"] = (
        f"public, max-age={_YEAR_SECONDS}, immutable" if is_named else "no-cache"
    )
    response.set_etag(asset.tag)
    return response.make_conditional(request)
