"""The OpenAPI 3.1 document, built from the same models that check the requests."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mappings.product import Product
from service.api import answer_schemas
from service.api.dead_letters import DEFAULT_LETTERS, MAX_LETTERS, MAX_OFFSET
from service.api.openapi_access import SECURITY_SCHEMES, keys_paths, with_access
from service.api.openapi_compat import ERROR_SCHEMA, compat_paths
from service.api.openapi_compat import MODELS as COMPAT_MODELS
from service.api.openapi_finetune import finetune_paths
from service.api.openapi_insight import MODELS as INSIGHT_MODELS
from service.api.openapi_insight import insight_paths
from service.api.openapi_judgements import MODELS as JUDGEMENTS_MODELS
from service.api.openapi_judgements import judgements_paths
from service.api.openapi_parts import (
    INDEX,
    LETTER_ID,
    PRODUCT_ID,
    REF,
    TASK_ID,
    VERSION,
    content,
    ref,
    responses,
)
from service.api.openapi_rules import MODELS as RULES_MODELS
from service.api.openapi_rules import rules_paths
from service.api.openapi_search import search_paths
from service.api.openapi_training import MODELS as TRAINING_MODELS
from service.api.openapi_training import training_paths
from service.api.openapi_webhooks import webhooks_paths
from service.api.openapi_weights import MODELS as WEIGHTS_MODELS
from service.api.openapi_weights import experiment_paths, weights_paths
from service.events.event import MAX_EVENTS, Event
from service.finetune_request import FinetuneRequest
from service.rebuild_request import RebuildRequest
from service.search_request import SearchRequest


def _products_paths() -> dict[str, Any]:
    accepted = responses(
        202, ref("AcceptedAnswer"), "Queued; follow the task.", 400, 404, 413, 503
    )
    one_or_many = {
        "anyOf": [
            ref("ProductBody"),
            {"type": "array", "items": ref("ProductBody"), "minItems": 1},
            {
                "type": "object",
                "properties": {"products": {"type": "array", "items": ref("ProductBody")}},
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
        "requestBody": {"required": True, **content(ref("ProductBody"))},
        "responses": accepted,
    }
    return {
        "/v1/indexes/{index}/products": {
            "parameters": [INDEX],
            "post": {
                "operationId": "upsertProducts",
                "summary": "Add or replace products",
                "requestBody": {"required": True, **content(one_or_many)},
                "responses": accepted,
            },
            "patch": {
                "operationId": "patchProducts",
                "summary": "Change some fields of products; each names its id",
                "requestBody": {
                    "required": True,
                    **content({"anyOf": [some_fields, {"type": "array", "items": some_fields}]}),
                },
                "responses": accepted,
            },
            "delete": {
                "operationId": "deleteProducts",
                "summary": "Delete products",
                "requestBody": {"required": True, **content(ids)},
                "responses": accepted,
            },
        },
        "/v1/indexes/{index}/products/{product_id}": {
            "parameters": [INDEX, PRODUCT_ID],
            "get": {
                "operationId": "readProduct",
                "summary": "Read a product",
                "responses": responses(200, ref("ProductAnswer"), "The product.", 400, 404, 503),
            },
            "post": {"operationId": "upsertProduct", **upsert_one},
            "put": {"operationId": "putProduct", **upsert_one},
            "patch": {
                "operationId": "patchProduct",
                "summary": "Change some fields of a product",
                "requestBody": {"required": True, **content(some_fields)},
                "responses": accepted,
            },
            "delete": {
                "operationId": "deleteProduct",
                "summary": "Delete a product",
                "parameters": [VERSION],
                "responses": accepted,
            },
        },
    }


def _dead_letters_paths() -> dict[str, Any]:
    queued = responses(202, ref("AcceptedAnswer"), "Queued; follow the task.", 400, 404, 503)
    letter = responses(200, ref("DeadLetterBody"), "The letter.", 400, 404, 503)
    limit = {"type": "integer", "minimum": 0, "maximum": MAX_LETTERS, "default": DEFAULT_LETTERS}
    page = {
        "index": INDEX["schema"],
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
                "responses": responses(
                    200, ref("DeadLettersAnswer"), "The letters.", 400, 404, 503
                ),
            }
        },
        "/v1/dead-letters/{letter_id}": {
            "parameters": [LETTER_ID],
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
            "parameters": [LETTER_ID],
            "post": {
                "operationId": "retryDeadLetter",
                "summary": "Queue a dead letter's change again, as it was",
                "responses": queued,
            },
        },
    }


def _events_path() -> dict[str, Any]:
    event = ref("Event")
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
            "requestBody": {"required": True, **content({"anyOf": [event, several]})},
            "responses": responses(
                202, ref("EventsAnswer"), "They are stored.", 400, 413, 429, 503
            ),
        }
    }


def _reindex_path() -> dict[str, Any]:
    state = ref("RebuildAnswer")
    return {
        "parameters": [INDEX],
        "post": {
            "operationId": "startRebuild",
            "summary": "Build a new version of the index, which takes over when it is verified",
            "requestBody": {"required": False, **content(ref("RebuildRequest"))},
            "responses": responses(202, state, "It has begun.", 400, 404, 413, 503),
        },
        "get": {
            "operationId": "readRebuild",
            "summary": "Follow the rebuild",
            "responses": responses(200, state, "How far it is.", 400, 404, 503),
        },
        "delete": {
            "operationId": "dropRebuild",
            "summary": "Drop the version that is being built",
            "responses": responses(200, state, "It was dropped.", 400, 404, 503),
        },
    }


@cache
def openapi_document() -> dict[str, Any]:
    """Return the whole document."""
    models: list[type[BaseModel]] = [
        SearchRequest,
        Product,
        RebuildRequest,
        FinetuneRequest,
        Event,
        *answer_schemas.MODELS,
        *COMPAT_MODELS,
        *INSIGHT_MODELS,
        *WEIGHTS_MODELS,
        *RULES_MODELS,
        *JUDGEMENTS_MODELS,
        *TRAINING_MODELS,
    ]
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template=REF
    )
    schemas = definitions["$defs"]
    schemas["ElasticsearchError"] = ERROR_SCHEMA
    schemas["ProductBody"] = {
        **schemas["Product"],
        "properties": {**schemas["Product"]["properties"], "version": VERSION["schema"]},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Shelfwise",
            "version": version("shelfwise"),
            "description": "Hybrid product search: words, meaning and attributes, fused.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": with_access(
            {
                **search_paths(),
                **compat_paths(),
                **keys_paths(),
                **_products_paths(),
                "/v1/indexes/{index}/reindex": _reindex_path(),
                **finetune_paths(),
                **insight_paths(),
                **weights_paths(),
                **rules_paths(),
                **experiment_paths(),
                **judgements_paths(),
                **training_paths(),
                "/v1/tasks/{task_id}": {
                    "parameters": [TASK_ID],
                    "get": {
                        "operationId": "readTask",
                        "summary": "Follow a task",
                        "responses": responses(200, ref("TaskAnswer"), "The task.", 400, 404, 503),
                    },
                    "delete": {
                        "operationId": "cancelTask",
                        "summary": "Cancel what no worker has begun",
                        "responses": responses(200, ref("TaskAnswer"), "The task.", 400, 404, 503),
                    },
                },
                **_dead_letters_paths(),
                **webhooks_paths(),
                "/v1/events": _events_path(),
                "/healthz": {
                    "get": {
                        "operationId": "live",
                        "summary": "Whether the process lives",
                        "responses": responses(200, ref("HealthAnswer"), "It lives."),
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
                            **responses(200, ref("HealthAnswer"), "It can."),
                            "503": {"description": "Not now.", **content(ref("HealthAnswer"))},
                        },
                    }
                },
            }
        ),
        "components": {"schemas": schemas, "securitySchemes": SECURITY_SCHEMES},
    }
