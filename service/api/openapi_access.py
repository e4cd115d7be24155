"""What the OpenAPI document says of keys, and of every operation that needs one."""

from __future__ import annotations

from typing import Any

from service.access.keys import MAX_NAME_LENGTH, MAX_PATTERNS
from service.access.scopes import Scope
from service.api.openapi_parts import content, ref, responses
from service.api.openapi_webhooks import WEBHOOK_PATH

OPEN = ("/healthz", "/readyz", WEBHOOK_PATH)
"""Operations that ask for no key."""

SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "`Authorization: Bearer sw_...`; `ApiKey` and the password of `Basic` too. "
        "On a loopback address no key is asked for unless the settings say so.",
    },
    "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
}
_METHODS = ("get", "put", "post", "patch", "delete")


def keys_paths() -> dict[str, Any]:
    """Return the paths of `/v1/keys`."""
    text = {"type": "string"}
    new = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH},
            "scopes": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "enum": [scope.value for scope in Scope]},
            },
            "indexes": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_PATTERNS,
                "items": text,
                "description": "Patterns of index names; all indexes by default.",
            },
            "expires": {"type": "string", "pattern": "^[0-9]{1,4}[mhdw]$"},
        },
        "required": ["name", "scopes"],
        "additionalProperties": False,
    }
    return {
        "/v1/keys": {
            "post": {
                "operationId": "createKey",
                "summary": "Make an API key, which is shown this once",
                "requestBody": {"required": True, **content(new)},
                "responses": responses(201, ref("NewKeyAnswer"), "The key.", 400, 413, 503),
            },
            "get": {
                "operationId": "listKeys",
                "summary": "List the API keys, newest first, without their secrets",
                "responses": responses(200, ref("KeysAnswer"), "The keys.", 400, 503),
            },
        },
        "/v1/keys/{key_id}": {
            "parameters": [{"name": "key_id", "in": "path", "required": True, "schema": text}],
            "delete": {
                "operationId": "revokeKey",
                "summary": "Revoke an API key",
                "responses": responses(200, ref("KeyBody"), "It is revoked.", 400, 404, 503),
            },
        },
    }


def with_access(paths: dict[str, Any]) -> dict[str, Any]:
    """Return the paths, with what every operation may answer for want of a key or of room."""
    return {path: _with_access(path, item) for path, item in paths.items()}


def _with_access(path: str, item: dict[str, Any]) -> dict[str, Any]:
    error = content(ref("ErrorAnswer"))
    more = {
        "403": {"description": "The API key has not the scope or the index.", **error},
        "429": {"description": "Too many requests; again after `Retry-After`.", **error},
        "503": {"description": "Too many requests are under way, or Redis is away.", **error},
    }
    if path in OPEN:
        security: list[dict[str, list[str]]] = []
    else:
        security = [{name: []} for name in SECURITY_SCHEMES]
        more["401"] = {"description": "No API key, or one that does not work.", **error}
    changed = dict(item)
    for method in _METHODS:
        if method in item:
            answers = {**more, **item[method]["responses"]}
            changed[method] = {**item[method], "security": security, "responses": answers}
    return changed
