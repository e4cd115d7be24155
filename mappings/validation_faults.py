"""What pydantic found wrong, as one fault: where it lies in what was sent, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_KINDS = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "literal_error": "",  # pydantic names the words
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}
"""Errors that say only that a value is of another kind, and the kind in words."""

_REASONS = {
    "extra_forbidden": "there is no such field",
    "missing": "is missing",
    "string_unicode": "holds half of a surrogate pair, which is not text",
}


@dataclass(frozen=True)
class Fault:
    """One mistake in a decoded JSON object.

    path: dotted, empty for the object as a whole. reason: begins with a small letter.
    value: what stands at the path, None when nothing does.
    """

    path: str
    reason: str
    value: object

    def describe(self, whole: str) -> str:
        """Return path, reason and value in words. whole: what the object is called."""
        return f"{self.path or whole}: {self.reason}, got {shorten(self.value)}"


def first_fault(error: ValidationError, raw: object) -> Fault:
    """Return the first fault in `raw`.

    Where a value may be of several kinds, pydantic tells why it is none of them. The member
    that understood most of the value, and fails for more than its kind, tells the reason.
    """
    errors = error.errors(include_url=False)
    paths = [_path_in(raw, item["loc"]) for item in errors]
    first = paths[0]
    same = [
        (path, item)
        for path, item in zip(paths, errors, strict=True)
        if path[: len(first)] == first and item["loc"][:1] == errors[0]["loc"][:1]
    ]
    depth = max(len(path) for path, _ in same)
    deepest = [(path, item) for path, item in same if len(path) == depth]
    path, item = next(
        ((path, item) for path, item in deepest if item["type"] not in _KINDS), deepest[0]
    )
    siblings = [other for found, other in deepest if found == path]
    name = item["loc"][-1] if item["loc"] else None
    if item["type"] == "missing" and isinstance(name, str) and path[-1:] != [name]:
        path = [*path, name]  # so far it is that of the object that lacks it
    return Fault(".".join(path), _reason(item, siblings), item["input"])


def _reason(item: ErrorDetails, siblings: Sequence[ErrorDetails]) -> str:
    if item["type"] in _REASONS:
        return _REASONS[item["type"]]
    if item["type"] == "too_long" and isinstance(item["input"], str):
        return f"should have at most {item['ctx']['max_length']} characters"
    if item["type"] not in _KINDS:
        text = item["msg"].removeprefix("Value error, ")
        return text[:1].lower() + text[1:]
    kinds = {other["type"]: other for other in siblings if other["type"] in _KINDS}
    if "float_type" in kinds:
        kinds.pop("int_type", None)
    words = list(dict.fromkeys(_kind(other) for other in kinds.values()))
    return "should be " + " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _kind(item: ErrorDetails) -> str:
    return _KINDS[item["type"]] or str(item.get("ctx", {}).get("expected", "a known word"))


def _path_in(raw: object, location: Sequence[int | str]) -> list[str]:
    """Return the path of a fault, without pydantic's own names of union members."""
    path: list[str] = []
    value: Any = raw
    for depth, part in enumerate(location):
        inside = isinstance(value, Mapping) and part in value
        listed = isinstance(value, list | tuple) and isinstance(part, int) and part < len(value)
        if inside or listed:
            value = value[part]
            path.append(str(part))
        elif depth == 0:
            path.append(str(part))
    return path


def shorten(value: object, limit: int = 80) -> str:
    """Return a value's text for a message, at most `limit` characters long."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
