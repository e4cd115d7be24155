"""The paths of fine-tuning in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from service.api.openapi_parts import INDEX, content, ref, responses

FINETUNING_ID = {
    "name": "finetuning_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
}


def finetune_paths() -> dict[str, Any]:
    """Return path to operations."""
    one = ref("FinetuningAnswer")
    several = {
        "type": "object",
        "properties": {"finetunings": {"type": "array", "items": one}},
        "required": ["finetunings"],
        "additionalProperties": False,
    }
    return {
        "/v1/indexes/{index}/finetune": {
            "parameters": [INDEX],
            "post": {
                "operationId": "startFinetuning",
                "summary": "Train an encoder of photos on the products of the index",
                "requestBody": {"required": False, **content(ref("FinetuneRequest"))},
                "responses": responses(202, one, "It waits for a worker.", 400, 404, 413, 503),
            },
            "get": {
                "operationId": "listFinetunings",
                "summary": "List the fine-tunings of the index, newest first",
                "responses": responses(200, several, "The newest 100.", 400, 404, 503),
            },
        },
        "/v1/indexes/{index}/finetune/{finetuning_id}": {
            "parameters": [INDEX, FINETUNING_ID],
            "get": {
                "operationId": "readFinetuning",
                "summary": "Follow a fine-tuning, and read its figures of before and after",
                "responses": responses(200, one, "How far it is.", 400, 404, 503),
            },
            "delete": {
                "operationId": "cancelFinetuning",
                "summary": "Stop a fine-tuning; a finished one stays",
                "responses": responses(200, one, "What it is now.", 400, 404, 503),
            },
        },
    }
