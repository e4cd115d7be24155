"""Parts that every path of the OpenAPI document is made of."""

from __future__ import annotations

from typing import Any

from mappings.index_names import MAX_NAME_LENGTH

REF = "#/components/schemas/{model}"
JSON = "application/json"

INDEX = {
    "name": "index",
    "in": "path",
    "required": True,
    "description": "Name of the index (its read alias).",
    "schema": {
        "type": "string",
        "pattern": "^[a-z0-9][a-z0-9_-]*$",
        "maxLength": MAX_NAME_LENGTH,
    },
}
PRODUCT_ID = {
    "name": "product_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 512},
}
TASK_ID = {"name": "task_id", "in": "path", "required": True, "schema": {"type": "string"}}
VERSION_NAME = {"name": "version", "in": "path", "required": True, "schema": {"type": "string"}}
LETTER_ID = {"name": "letter_id", "in": "path", "required": True, "schema": {"type": "string"}}
VERSION = {
    "name": "version",
    "in": "query",
    "description": "The shop's counter or time; an older change than the stored one is left out.",
    "schema": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
}


def ref(name: str) -> dict[str, Any]:
    """Return a reference to a schema of the document."""
    return {"$ref": REF.format(model=name)}


def content(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the `content` of a body that is JSON."""
    return {"content": {JSON: {"schema": schema}}}


def responses(good: int, schema: dict[str, Any], text: str, *errors: int) -> dict[str, Any]:
    """Return the `responses` of an operation. errors: statuses beside the good one."""
    reasons = {
        400: "The request is malformed; `field` names where.",
        404: "No such index, product, task or dead letter.",
        409: "It has changed since it was read.",
        413: "The body is too long.",
        429: "A client has sent too many events; try again after `Retry-After`.",
        503: "Elasticsearch or Redis is away, or another encoder filled the index.",
    }
    answers: dict[str, Any] = {str(good): {"description": text, **content(schema)}}
    for status in errors:
        answers[str(status)] = {"description": reasons[status], **content(ref("ErrorAnswer"))}
    return answers


def of_index(schema: dict[str, Any], text: str, *errors: int, good: int = 200) -> dict[str, Any]:
    """Return the `responses` of what any operation under an index can say. errors: others yet."""
    return responses(good, schema, text, 400, 404, *errors, 503)


def query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter of the query string that may be left out."""
    return {"name": name, "in": "query", "schema": schema}


def closed_object(**properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has these properties, all of them and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
