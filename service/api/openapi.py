"""The OpenAPI 3.1 document, built from the same models that check the requests."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mappings.index_names import MAX_NAME_LENGTH
from mappings.product import Product
from service.api import answer_schemas
from service.api.dead_letters import DEFAULT_LETTERS, MAX_LETTERS, MAX_OFFSET
from service.events.event import MAX_EVENTS, Event
from service.rebuild_request import RebuildRequest
from service.search_request import SearchRequest

_REF = "#/components/schemas/{model}"
_JSON = "application/json"

_INDEX = {
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
_PRODUCT_ID = {
    "name": "product_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 512},
}
_TASK_ID = {"name": "task_id", "in": "path", "required": True, "schema": {"type": "string"}}
_LETTER_ID = {"name": "letter_id", "in": "path", "required": True, "schema": {"type": "string"}}
_VERSION = {
    "name": "version",
    "in": "query",
    "description": "The shop's counter or time; an older change than the stored one is left out.",
    "schema": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _REF.format(model=name)}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {_JSON: {"schema": schema}}}


def _responses(good: int, schema: dict[str, Any], text: str, *errors: int) -> dict[str, Any]:
    reasons = {
        400: "The request is malformed; `field` names where.",
        404: "No such index, product, task or dead letter.",
        413: "The body is too long.",
        429: "A client has sent too many events; try again after `Retry-After`.",
        503: "Elasticsearch or Redis is away, or another encoder filled the index.",
    }
    answers: dict[str, Any] = {str(good): {"description": text, **_content(schema)}}
    for status in errors:
        answers[str(status)] = {"description": reasons[status], **_content(_ref("ErrorAnswer"))}
    return answers


def _search_parameters() -> list[dict[str, Any]]:
    properties = SearchRequest.model_json_schema(ref_template=_REF)["properties"]
    plain = {
        "q": {"type": "string", "maxLength": 1_000},
        "limit": {"type": "integer", "minimum": 0, "maximum": 200},
        "offset": {"type": "integer", "minimum": 0, "maximum": 10_000},
        "cursor": {"type": "string"},
        **{name: {"enum": properties[name]["enum"]} for name in ("mode", "fusion", "understand")},
        "weights_version": {"type": "string", "maxLength": 200},
        "collapse": {"enum": ["parent_id"]},
        "rank_constant": {"type": "integer", "minimum": 1, "maximum": 10_000},
        "rank_window_size": {"type": "integer", "minimum": 1, "maximum": 1_000},
        "num_candidates": {"type": "integer", "minimum": 1, "maximum": 10_000},
    }
    as_json = ("filter", "facets", "sort", "weights", "fields", "explain")
    parameters = [
        {
            "name": name,
            "in": "query",
            "description": properties[name].get("description", ""),
            "schema": schema,
        }
        for name, schema in plain.items()
    ]
    parameters += [
        {
            "name": name,
            "in": "query",
            "description": f"{properties[name].get('description', '')} (JSON)",
            "content": {_JSON: {"schema": {}}},
        }
        for name in as_json
    ]
    return parameters


def _products_paths() -> dict[str, Any]:
    accepted = _responses(
        202, _ref("AcceptedAnswer"), "Queued; follow the task.", 400, 404, 413, 503
    )
    one_or_many = {
        "anyOf": [
            _ref("ProductBody"),
            {"type": "array", "items": _ref("ProductBody"), "minItems": 1},
            {
                "type": "object",
                "properties": {"products": {"type": "array", "items": _ref("ProductBody")}},
                "required": ["products"],
            },
        ]
    }
    some_fields = {"type": "object", "description": "Fields to change; null removes one."}
    ids = {
        "type": "object",
        "properties": {"ids": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
        "required": ["ids"],
        "additionalProperties": False,
    }
    upsert_one = {
        "summary": "Add or replace a product",
        "requestBody": {"required": True, **_content(_ref("ProductBody"))},
        "responses": accepted,
    }
    return {
        "/v1/indexes/{index}/products": {
            "parameters": [_INDEX],
            "post": {
                "operationId": "upsertProducts",
                "summary": "Add or replace products",
                "requestBody": {"required": True, **_content(one_or_many)},
                "responses": accepted,
            },
            "patch": {
                "operationId": "patchProducts",
                "summary": "Change some fields of products; each names its id",
                "requestBody": {
                    "required": True,
                    **_content({"anyOf": [some_fields, {"type": "array", "items": some_fields}]}),
                },
                "responses": accepted,
            },
            "delete": {
                "operationId": "deleteProducts",
                "summary": "Delete products",
                "requestBody": {"required": True, **_content(ids)},
                "responses": accepted,
            },
        },
        "/v1/indexes/{index}/products/{product_id}": {
            "parameters": [_INDEX, _PRODUCT_ID],
            "get": {
                "operationId": "readProduct",
                "summary": "Read a product",
                "responses": _responses(200, _ref("ProductAnswer"), "The product.", 400, 404, 503),
            },
            "post": {"operationId": "upsertProduct", **upsert_one},
            "put": {"operationId": "putProduct", **upsert_one},
            "patch": {
                "operationId": "patchProduct",
                "summary": "Change some fields of a product",
                "requestBody": {"required": True, **_content(some_fields)},
                "responses": accepted,
            },
            "delete": {
                "operationId": "deleteProduct",
                "summary": "Delete a product",
                "parameters": [_VERSION],
                "responses": accepted,
            },
        },
    }


def _dead_letters_paths() -> dict[str, Any]:
    queued = _responses(202, _ref("AcceptedAnswer"), "Queued; follow the task.", 400, 404, 503)
    letter = _responses(200, _ref("DeadLetterBody"), "The letter.", 400, 404, 503)
    limit = {"type": "integer", "minimum": 0, "maximum": MAX_LETTERS, "default": DEFAULT_LETTERS}
    page = {
        "index": _INDEX["schema"],
        "limit": limit,
        "offset": {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET},
    }
    return {
        "/v1/dead-letters": {
            "get": {
                "operationId": "listDeadLetters",
                "summary": "List changes that were given up, newest first",
                "parameters": [
                    {"name": name, "in": "query", "schema": schema}
                    for name, schema in page.items()
                ],
                "responses": _responses(
                    200, _ref("DeadLettersAnswer"), "The letters.", 400, 404, 503
                ),
            }
        },
        "/v1/dead-letters/{letter_id}": {
            "parameters": [_LETTER_ID],
            "get": {
                "operationId": "readDeadLetter",
                "summary": "Read a dead letter",
                "responses": letter,
            },
            "delete": {
                "operationId": "deleteDeadLetter",
                "summary": "Forget a dead letter; answers what it was",
                "responses": letter,
            },
        },
        "/v1/dead-letters/{letter_id}/retry": {
            "parameters": [_LETTER_ID],
            "post": {
                "operationId": "retryDeadLetter",
                "summary": "Queue a dead letter's change again, as it was",
                "responses": queued,
            },
        },
    }


def _events_path() -> dict[str, Any]:
    event = _ref("Event")
    several = {
        "type": "object",
        "properties": {
            "events": {"type": "array", "items": event, "minItems": 1, "maxItems": MAX_EVENTS}
        },
        "required": ["events"],
        "additionalProperties": False,
    }
    return {
        "post": {
            "operationId": "addEvents",
            "summary": "Tell what shoppers did with results: all events are stored, or none",
            "requestBody": {"required": True, **_content({"anyOf": [event, several]})},
            "responses": _responses(
                202, _ref("EventsAnswer"), "They are stored.", 400, 413, 429, 503
            ),
        }
    }


def _reindex_path() -> dict[str, Any]:
    state = _ref("RebuildAnswer")
    return {
        "parameters": [_INDEX],
        "post": {
            "operationId": "startRebuild",
            "summary": "Build a new version of the index, which takes over when it is verified",
            "requestBody": {"required": False, **_content(_ref("RebuildRequest"))},
            "responses": _responses(202, state, "It has begun.", 400, 404, 413, 503),
        },
        "get": {
            "operationId": "readRebuild",
            "summary": "Follow the rebuild",
            "responses": _responses(200, state, "How far it is.", 400, 404, 503),
        },
        "delete": {
            "operationId": "dropRebuild",
            "summary": "Drop the version that is being built",
            "responses": _responses(200, state, "It was dropped.", 400, 404, 503),
        },
    }


@cache
def openapi_document() -> dict[str, Any]:
    """Return the whole document."""
    models: list[type[BaseModel]] = [
        SearchRequest,
        Product,
        RebuildRequest,
        Event,
        *answer_schemas.MODELS,
    ]
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REF
    )
    schemas = definitions["$defs"]
    schemas["ProductBody"] = {
        **schemas["Product"],
        "properties": {**schemas["Product"]["properties"], "version": _VERSION["schema"]},
    }
    search = _responses(200, _ref("SearchAnswerBody"), "Ranked products.", 400, 404, 413, 503)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Shelfwise",
            "version": version("shelfwise"),
            "description": "Hybrid product search: words, meaning and attributes, fused.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/v1/indexes/{index}/search": {
                "parameters": [_INDEX],
                "post": {
                    "operationId": "search",
                    "summary": "Search",
                    "requestBody": {"required": True, **_content(_ref("SearchRequest"))},
                    "responses": search,
                },
                "get": {
                    "operationId": "searchByParameters",
                    "summary": "Search with URL parameters",
                    "parameters": _search_parameters(),
                    "responses": search,
                },
            },
            **_products_paths(),
            "/v1/indexes/{index}/reindex": _reindex_path(),
            "/v1/tasks/{task_id}": {
                "parameters": [_TASK_ID],
                "get": {
                    "operationId": "readTask",
                    "summary": "Follow a task",
                    "responses": _responses(200, _ref("TaskAnswer"), "The task.", 400, 404, 503),
                },
                "delete": {
                    "operationId": "cancelTask",
                    "summary": "Cancel what no worker has begun",
                    "responses": _responses(200, _ref("TaskAnswer"), "The task.", 400, 404, 503),
                },
            },
            **_dead_letters_paths(),
            "/v1/events": _events_path(),
            "/healthz": {
                "get": {
                    "operationId": "live",
                    "summary": "Whether the process lives",
                    "responses": _responses(200, _ref("HealthAnswer"), "It lives."),
                }
            },
            "/metrics": {
                "get": {
                    "operationId": "metrics",
                    "summary": "Counters in Prometheus' text format",
                    "responses": {
                        "200": {
                            "description": "The counters.",
                            "content": {"text/plain": {"schema": {"type": "string"}}},
                        }
                    },
                }
            },
            "/readyz": {
                "get": {
                    "operationId": "ready",
                    "summary": "Whether it can answer",
                    "responses": {
                        **_responses(200, _ref("HealthAnswer"), "It can."),
                        "503": {"description": "Not now.", **_content(_ref("HealthAnswer"))},
                    },
                }
            },
        },
        "components": {"schemas": schemas},
    }
