"""`POST /v1/events`: what shoppers did with the results of a search."""

from __future__ import annotations

from flask import Blueprint, Response

from service.api.answers import json_answer
from service.api.bodies import check_parameters, json_body
from service.services import current_services

blueprint = Blueprint("events", __name__)


@blueprint.post("/v1/events")
def add_events() -> Response:
    """Store one event, or {"events": [...]}: all of them or none."""
    check_parameters(())
    accepted = current_services().events.accept(json_body())
    return json_answer({"accepted": accepted}, 202)
