"""Bodies that hold files beside the JSON: multipart/form-data, as forms and `curl -F` send it."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any

from flask import Request, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from mappings.errors import InvalidQuery, RequestTooLarge
from mappings.validation_faults import shorten
from service.api.bodies import decode_json, json_body
from service.services import current_services

REQUEST_PART = "request"
"""The part that holds the JSON."""

MAX_PARTS = 16

_MULTIPART = "multipart/form-data"


class InMemoryRequest(Request):
    """A request whose files are kept in memory, which the limit of the body bounds.

    By default a file of more than 500 kB goes to the disk, which may be full or read-only.
    """

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return io.BytesIO()


def json_and_files() -> tuple[Any, Mapping[str, bytes]]:
    """Return the decoded JSON of a body, and its files by the names of their parts.

    A body that is not multipart is JSON, and has no files. Raises what `json_body` raises,
    and InvalidQuery for a body without the part of the JSON, or with two parts of one name.
    """
    if request.mimetype != _MULTIPART:
        return json_body(), {}
    limit = current_services().settings.service_max_body_bytes
    request.max_form_parts = MAX_PARTS
    try:
        parts, files = request.form, request.files
    except RequestEntityTooLarge as error:
        raise RequestTooLarge(
            f"the body has more than {limit} bytes or {MAX_PARTS} parts, or its part "
            f"{REQUEST_PART!r} is too long",
            field="body",
        ) from error
    except ClientDisconnected as error:
        raise InvalidQuery("the body ended early", field="body") from error
    for name, count in Counter([*_names(parts), *_names(files)]).items():
        if name is None:
            raise InvalidQuery("body: has a part without a name", field="body")
        if count > 1:
            raise InvalidQuery(f"body: has {count} parts named {shorten(name)}", field="body")
    found = {name: file.stream.read() for name, file in files.items()}
    raw = parts[REQUEST_PART].encode() if REQUEST_PART in parts else found.pop(REQUEST_PART, None)
    if raw is None:
        raise InvalidQuery(
            f"body: has no part {REQUEST_PART!r}, which should hold the search as JSON; it has "
            f"{shorten(sorted([*parts, *found]), 200)}",
            field="body",
        )
    return decode_json(raw), found


def _names(parts: MultiDict[str, Any]) -> list[str | None]:
    # Werkzeug gives None to a part without a name, whatever its types say.
    return [name for name, values in parts.lists() for _ in values]
