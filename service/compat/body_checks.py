"""What is looked at in every body before anything is done with it: depth, and other indexes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from mappings.errors import InvalidQuery

MAX_DEPTH = 100
"""Levels of objects and lists: our own steps through a body are recursive."""

_SHAPES = ("indexed_shape", "pre_indexed_shape")
_SHAPES_INDEX = "shapes"
"""Where Elasticsearch looks for a shape when a query does not say."""


def decode_body(raw: bytes) -> dict[str, Any]:
    """Return the JSON object of a body, empty for an empty one.

    Raises InvalidQuery for what is no object, or goes too deep.
    """
    if not raw.strip():
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidQuery(f"the body is not JSON: {error}", field="body") from error
    if not isinstance(body, dict):
        raise InvalidQuery(
            f"the body should be a JSON object, got {type(body).__name__}", field="body"
        )
    return body


def foreign_indexes(body: Mapping[str, Any]) -> set[str]:
    """Return the indexes that parts of a body name themselves, as a terms lookup does.

    Raises InvalidQuery for a body that goes too deep, or hides a part of itself.
    """
    found: set[str] = set()
    waiting: list[tuple[Any, int]] = [(body, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise InvalidQuery(
                f"the body goes deeper than {MAX_DEPTH} levels of objects and lists", field="body"
            )
        if isinstance(node, dict):
            found.update(name for name in _named(node) if isinstance(name, str))
            waiting += [
                (child, depth + 1) for child in node.values() if isinstance(child, dict | list)
            ]
        else:
            waiting += [(child, depth + 1) for child in node if isinstance(child, dict | list)]
    return found


def _named(node: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the indexes that one object names."""
    if "index" in node and "id" in node and "path" in node:  # terms lookup
        yield node["index"]
    if "_index" in node and ("_id" in node or "doc" in node):  # more_like_this, mget
        yield node["_index"]
    if node.get("type") == "lookup":  # runtime field
        yield node.get("target_index")
    for shape in _SHAPES:
        if isinstance(node.get(shape), dict):
            yield node[shape].get("index", _SHAPES_INDEX)
    if isinstance(node.get("percolate"), dict):
        yield node["percolate"].get("index")
    wrapped = node.get("wrapper")
    if isinstance(wrapped, dict) and _is_wrapped(wrapped.get("query")):
        raise InvalidQuery(
            "wrapper: a query in base64 cannot be looked into; send it as JSON", field="wrapper"
        )


def _is_wrapped(text: object) -> bool:
    # A field may be called wrapper: its words are no object in base64.
    try:
        decoded = base64.b64decode(text, validate=False) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return False
    return decoded.lstrip()[:1] == b"{"
