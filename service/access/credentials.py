"""The API key of a request, from whichever header a client can set."""

from __future__ import annotations

import base64
import binascii

from werkzeug.datastructures import Headers

from service.access.keys import split_key

MAX_HEADER_LENGTH = 1_000


def find_key(headers: Headers) -> tuple[str, str] | None:
    """Return the id and the secret of the key that the headers hold, None without one.

    `X-Api-Key: KEY` goes first, as a proxy in front may want `Authorization` for itself. Then
    `Authorization: Bearer KEY`, `ApiKey KEY` (as the official Elasticsearch clients send what
    they are given, in base64 or not), or `Basic`, whose password is the key. A key in the
    address is not read: addresses are logged on their way.
    """
    direct = headers.get("X-Api-Key")
    if direct is not None:
        return _read(direct)
    scheme, _, value = headers.get("Authorization", "").strip().partition(" ")
    if len(value) > MAX_HEADER_LENGTH:
        return None
    kind = scheme.lower()
    if kind == "bearer":
        return _read(value)
    if kind == "apikey":
        return _read(value) or _read(_password(value))
    return _read(_password(value)) if kind == "basic" else None


def _read(text: str) -> tuple[str, str] | None:
    return split_key(text.strip())


def _password(encoded: str) -> str:
    """Return what follows the last colon of a text in base64, all of it without one."""
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return text.rpartition(":")[2]
