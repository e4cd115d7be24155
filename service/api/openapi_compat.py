"""The addresses of Elasticsearch's own in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from service.api.openapi_parts import JSON, content, ref
from service.compat.options import ShelfwiseOptions, UbiOptions
from service.compat.parameters import COUNT, IN_POINT, MSEARCH, OUTPUT, PAGE, POINT, SCROLLED

MODELS = (ShelfwiseOptions, UbiOptions)
_NDJSON = "application/x-ndjson"
_ANY = {"type": "object", "description": "As Elasticsearch's documentation says."}
_SHOP_INDEX = {
    "name": "index",
    "in": "path",
    "required": True,
    "description": "Name of an index or an alias, or several with commas; no wildcards.",
    "schema": {"type": "string", "pattern": "^[a-z0-9][^/]*$", "maxLength": 255},
}
_PATH = {
    "name": "path",
    "in": "path",
    "required": True,
    "description": "An endpoint such as `_doc/1` or `_mapping`.",
    "schema": {"type": "string", "pattern": "^_[a-z_]+(/.*)?$"},
}
_ERROR = {"anyOf": [ref("ElasticsearchError"), ref("ErrorAnswer")]}
"""The second one of what is no address at all, or is refused before anything is looked at."""

_ERRORS = {
    400: "The body or a parameter cannot be honoured; the reason names the field.",
    403: "It is not passed on by the settings, or the key is not for it.",
    404: "There is no such index.",
    413: "The body is too long.",
    503: "Elasticsearch is away.",
}


def compat_paths() -> dict[str, Any]:
    """Return the paths that answer as Elasticsearch does."""
    body = {
        "type": "object",
        "description": "A body of Elasticsearch's `_search`.",
        "properties": {
            "ext": {
                "type": "object",
                "properties": {"shelfwise": ref("ShelfwiseOptions"), "ubi": ref("UbiOptions")},
            }
        },
    }
    lines = {_NDJSON: {"schema": {"type": "string", "description": "Headers and bodies."}}}
    return {
        "/": {"get": _operation("elasticsearchInfo", "What the cluster tells of itself", OUTPUT)},
        "/{index}/_search": _both("elasticsearchSearch", "Search", SCROLLED, content(body)),
        "/{index}/_count": _both("elasticsearchCount", "Count", COUNT, content(_ANY)),
        "/{index}/_msearch": _both(
            "elasticsearchMultiSearch", "Search several times", MSEARCH, {"content": lines}
        ),
        "/{index}/_pit": {
            "parameters": [_SHOP_INDEX],
            "post": {
                **_operation("openPointInTime", "Open a point in time, if it may pass", POINT),
                "requestBody": {"required": False, **content(_ANY)},
            },
        },
        "/_pit": {"delete": _closing("closePointInTime", "Close a point in time")},
        "/_search": _both(
            "searchPointInTime",
            "Search in a point in time, with a body that is not made hybrid",
            IN_POINT,
            content(body),
            in_index=False,
        ),
        "/_search/scroll": {
            **_both(
                "nextPage", "Return the next page of a scroll", PAGE, content(_ANY), in_index=False
            ),
            "delete": _closing("clearScrolls", "Close scrolls"),
        },
        "/_msearch": _both(
            "elasticsearchMultiSearchAnywhere",
            "Search several times; each search names its index",
            MSEARCH,
            {"content": lines},
            in_index=False,
        ),
        "/{index}": {
            "parameters": [_SHOP_INDEX],
            "get": _operation("readIndex", "Read an index, where the settings let it pass"),
            "put": _changing("makeIndex", "Make an index, where the settings let it pass"),
            "delete": _operation("dropIndex", "Drop an index, where the settings let it pass"),
        },
        "/{index}/{path}": {
            "parameters": [_SHOP_INDEX, _PATH],
            "get": _operation("readThrough", "Read, where the settings let it pass"),
            "post": _changing("postThrough", "Post, where the settings let it pass"),
            "put": _changing("putThrough", "Put, where the settings let it pass"),
            "delete": _operation("deleteThrough", "Delete, where the settings let it pass"),
        },
    }


def _both(
    name: str,
    summary: str,
    parameters: frozenset[str],
    body: dict[str, Any],
    *,
    in_index: bool = True,
) -> dict[str, Any]:
    """Return a path that takes a body by GET as well as by POST."""
    posted = _operation(name, f"{summary}, as Elasticsearch does", parameters)
    read = _operation(f"{name}ByGet", f"{summary} by GET", parameters)
    return {
        **({"parameters": [_SHOP_INDEX]} if in_index else {}),
        "post": {**posted, "requestBody": {"required": False, **body}},
        "get": read,
    }


def _closing(name: str, summary: str) -> dict[str, Any]:
    found = _operation(name, summary, OUTPUT)
    return {**found, "requestBody": {"required": False, **content(_ANY)}}


def _changing(name: str, summary: str) -> dict[str, Any]:
    return {**_operation(name, summary), "requestBody": {"required": False, **content(_ANY)}}


def _operation(
    name: str, summary: str, parameters: frozenset[str] = frozenset()
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": {"description": "Elasticsearch's envelope.", "content": _json(_ANY)},
            **{
                str(status): {"description": text, "content": _json(_ERROR)}
                for status, text in _ERRORS.items()
            },
        },
    }
    if parameters:
        found["parameters"] = [
            {"name": one, "in": "query", "schema": {"type": "string"}}
            for one in sorted(parameters)
        ]
    return found


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {JSON: {"schema": schema}}


_REASONS = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "reason": {"type": "string"},
        "root_cause": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["type", "reason", "root_cause"],
}
ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        # Elasticsearch says what it cannot read of the address in a text.
        "error": {"anyOf": [_REASONS, {"type": "string"}]},
        "status": {"type": "integer"},
    },
    "required": ["error", "status"],
}
