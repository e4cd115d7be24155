"""Keeps pages of other sites, open in a browser that reaches the service, from using it."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers

from mappings.errors import Forbidden
from service.access.addresses import names_this_machine

READING = ("GET", "HEAD", "OPTIONS")
_ELSEWHERE = ("cross-site", "same-site")
"""Values of `Sec-Fetch-Site`, which a browser sets and no page can; `same-site` is another host of
the same owner, or another port of this machine."""


def refuse_foreign_change(method: str, headers: Headers, origins: Collection[str]) -> None:
    """Refuse a request that may change something and that another site's page has sent.

    There are no cookies that a browser would add by itself, but where keys are off nothing else
    keeps such a page from writing, and where they are on it has no business here either.
    Programs send neither header and go on. origins: whose pages may call the service.
    Raises Forbidden.
    """
    origin = headers.get("Origin")
    if method in READING or origin in origins:
        return
    if headers.get("Sec-Fetch-Site", "").lower() in _ELSEWHERE:
        raise _foreign(origin or "another site")


def refuse_strangers(host: str, headers: Headers, origins: Collection[str]) -> None:
    """Keep other sites' pages out where keys are off.

    Then the only guard is that nobody else reaches a loopback address, and a page in a browser
    here does: by its own name for 127.0.0.1, or by a request across sites. Raises Forbidden.
    """
    if not names_this_machine(host):
        raise Forbidden(
            f"API keys are off, so only requests to this machine are answered, not to "
            f"{host[:80]!r}; set SHELFWISE_SERVICE_KEYS=required behind a proxy",
            field="host",
        )
    origin = headers.get("Origin")
    if origin is None or origin in origins:
        return
    if urlsplit(origin).netloc != host:
        raise _foreign(origin)


def _foreign(origin: str) -> Forbidden:
    return Forbidden(
        f"pages of {origin[:80]!r} may not call this service: name the origin in "
        "SHELFWISE_SERVICE_ORIGINS",
        field="origin",
    )
