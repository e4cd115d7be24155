"""`POST /v1/webhooks/{name}`: what shop systems send when a product changes."""

from __future__ import annotations

from flask import Blueprint, Response, request

from service.access.scopes import needs
from service.api.answers import json_answer
from service.api.bodies import decode_json, raw_body
from service.services import current_services

blueprint = Blueprint("webhooks", __name__)


@blueprint.post("/v1/webhooks/<name>")
@needs(None)
def receive_webhook(name: str) -> Response:
    """Check the signature, which stands for a key, and queue what the webhook says.

    Shop systems sign the body as it came, so it is read before anything is made of it.
    Parameters of the address are left alone: some systems add their own.
    """
    headers = {header.lower(): value for header, value in request.headers}
    received = current_services().webhooks.receive(name, raw_body(), headers, decode_json)
    answer = {
        "task_id": received.task_id,
        "accepted": received.accepted,
        "reason": received.reason or None,
    }
    # WooCommerce saves a webhook only when its test is answered with 200.
    return json_answer(answer, 200 if received.is_ping else 202)
