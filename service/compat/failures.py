"""Our errors in Elasticsearch's envelope, so that its clients raise what they always raise."""

from __future__ import annotations

from typing import Any

from mappings.errors import (
    Forbidden,
    RequestError,
    RequestTooLarge,
    ShelfwiseError,
    TemporaryError,
    Unauthorized,
    UnknownIndex,
)

_TYPES: tuple[tuple[type[ShelfwiseError], str], ...] = (
    (UnknownIndex, "index_not_found_exception"),
    (Forbidden, "security_exception"),
    (Unauthorized, "security_exception"),
    (RequestTooLarge, "content_too_long_exception"),
    (RequestError, "illegal_argument_exception"),
    (TemporaryError, "unavailable_exception"),
)


def error_envelope(error: ShelfwiseError) -> dict[str, Any]:
    """Return the body of an error's answer; its reason names the field."""
    kind = next((name for known, name in _TYPES if isinstance(error, known)), "status_exception")
    reason = error.message
    field = error.field
    if field and field not in reason:
        reason = f"{field}: {reason}"
    return envelope(kind, reason, error.http_status)


def envelope(kind: str, reason: str, status: int) -> dict[str, Any]:
    """Return Elasticsearch's envelope of an error."""
    cause = {"type": kind, "reason": reason}
    return {"error": {"root_cause": [cause], **cause}, "status": status}
