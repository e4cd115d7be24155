"""Request bodies and parameters, read with limits and clear messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from mappings.errors import InvalidQuery, RequestTooLarge
from mappings.validation_faults import shorten
from service.services import current_services


def json_body() -> Any:  # noqa: ANN401 - decoded JSON
    """Return the decoded body.

    Raises RequestTooLarge over the limit, InvalidQuery for an empty body or anything that
    is not JSON in UTF-8; NaN, infinities and numbers like 1e400 are not JSON.
    """
    return decode_json(raw_body())


def raw_body() -> bytes:
    """Return the body as it came.

    Raises RequestTooLarge over the limit, InvalidQuery when the client went away.
    """
    limit = current_services().settings.service_max_body_bytes
    too_large = RequestTooLarge(f"the body is longer than {limit} bytes", field="body")
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise too_large from error
    except ClientDisconnected as error:
        raise InvalidQuery("the body ended early", field="body") from error
    if request.content_length is None and len(raw) >= limit:
        raise too_large  # a body without a length is cut off at the limit without a word
    return raw


def decode_json(raw: bytes) -> Any:  # noqa: ANN401 - decoded JSON
    """Return what JSON in UTF-8 says; raises InvalidQuery when it is empty or none."""
    if not raw.strip():
        raise InvalidQuery("the body is empty, it should be JSON", field="body")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidQuery(f"the body is not JSON: {error}", field="body") from error


def json_object() -> Mapping[str, Any]:
    """Return the decoded body, which must be an object."""
    body = json_body()
    if not isinstance(body, dict):
        raise InvalidQuery(f"the body should be a JSON object, got {shorten(body)}", field="body")
    return body


def check_parameters(allowed: tuple[str, ...]) -> None:
    """Raise InvalidQuery for a URL parameter that the endpoint does not know."""
    for name in request.args:
        if name not in allowed:
            raise InvalidQuery(
                f"there is no parameter {shorten(name)}; there are {', '.join(allowed) or 'none'}",
                field=name[:80],
            )


def parameter_json(name: str) -> Any:  # noqa: ANN401 - decoded JSON
    """Return a URL parameter that holds JSON; raises InvalidQuery when it does not."""
    value = request.args[name]
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise InvalidQuery(
            f"{name}: is not JSON: {error}, got {shorten(value)}", field=name
        ) from error


def parameter_number(name: str) -> int | None:
    """Return a URL parameter that is a whole number, None when it is not there."""
    value = request.args.get(name)
    if value is None:
        return None
    try:
        if len(value) > 20 or not value.isascii():
            raise ValueError
        return int(value)
    except ValueError as error:
        raise InvalidQuery(
            f"{name}: should be a whole number, got {shorten(value)}", field=name
        ) from error
