"""What the OpenAPI document says of webhooks."""

from __future__ import annotations

from typing import Any

from service.api.openapi_parts import content, ref, responses

WEBHOOK_PATH = "/v1/webhooks/{name}"


def webhooks_paths() -> dict[str, Any]:
    """Return the path of the webhooks."""
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    answers = responses(
        202, ref("WebhookAnswer"), "It is queued, or there is nothing to do.", 400, 404, 413, 503
    )
    ping = {"description": "It is the test of a new webhook.", **content(ref("WebhookAnswer"))}
    refused = {
        "description": "The signature is missing or wrong.",
        **content(ref("ErrorAnswer")),
    }
    return {
        WEBHOOK_PATH: {
            "parameters": [name],
            "post": {
                "operationId": "receiveWebhook",
                "summary": "Take a shop system's webhook, which its signature lets in",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {}}},
                },
                "responses": {**answers, "200": ping, "401": refused},
            },
        }
    }
