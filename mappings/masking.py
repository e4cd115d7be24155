"""What must not stand in a log: secrets by their look, and what shoppers typed by what it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any

MASKED = "[masked]"
MIN_PRIVATE_LENGTH = 3
"""Shorter words of a query are parts of too many others, and tell nothing."""
MAX_PRIVATE = 200

_KEY = re.compile(r"\bsw_([0-9a-f]{12})_[A-Za-z0-9_-]{20,}")
_USER_INFO = re.compile(r"://[^/\s@'\"]+@")
_CREDENTIALS = re.compile(r"(?i)\b(bearer|apikey|basic)\s+(?!realm)[A-Za-z0-9+/=_.:-]{12,}")
_OURS = frozenset(
    {
        *("event", "level", "timestamp", "logger", "code", "act", "by", "outcome", "key"),
        *("method", "route", "status", "trace_id", "span_id"),
        *("request_id", "query_id", "index", "product_id", "task_id", "letter_id"),
    }
)
"""Fields of a line that say what and which, never what somebody typed."""

_private: ContextVar[Callable[[], Iterable[str]] | None] = ContextVar(
    "shelfwise_private", default=None
)


def keep_from_logs(texts: Callable[[], Iterable[str]] | None) -> None:
    """Mask texts in what this request logs from now on; None ends it.

    texts: called when something is logged, which is rare.
    """
    _private.set(texts)


def mask_secrets(text: str) -> str:
    """Return a text without API keys, passwords in addresses, and `Authorization` headers."""
    text = _KEY.sub(rf"sw_\1_{MASKED}", text)
    text = _USER_INFO.sub(f"://{MASKED}@", text)
    return _CREDENTIALS.sub(rf"\1 {MASKED}", text)


def mask_event(logger: object, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Mask the texts of an event; a processor of structlog, after the traceback is text."""
    masked = {name: _masked(value) for name, value in event.items()}
    told = {name: value for name, value in masked.items() if name not in _OURS}
    source = _private.get()
    if source is None or not any(isinstance(value, str | list) for value in told.values()):
        return masked
    words = {text for text in source() if len(text) >= MIN_PRIVATE_LENGTH}
    for word in sorted(words, key=len, reverse=True)[:MAX_PRIVATE]:
        for spelling in {word, repr(word)[1:-1]}:
            told = {name: _without(value, spelling) for name, value in told.items()}
    return {**masked, **told}


def _masked(value: object) -> object:
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, list | tuple):
        return [_masked(one) for one in value]
    if isinstance(value, dict):
        return {name: _masked(one) for name, one in value.items()}
    return value


def _without(value: object, word: str) -> object:
    if isinstance(value, str):
        return value.replace(word, MASKED)
    if isinstance(value, list | tuple):
        return [_without(one, word) for one in value]
    return value
