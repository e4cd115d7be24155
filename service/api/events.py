"""`POST /v1/events`: what shoppers did with the results of a search."""

from __future__ import annotations

from flask import Blueprint, Response

from service.access.caller import current_caller
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, json_body
from service.services import current_services

blueprint = Blueprint("events", __name__)


@blueprint.post("/v1/events")
@needs(Scope.EVENTS)
def add_events() -> Response:
    """Store one event, or {"events": [...]}: all of them or none."""
    check_parameters(())
    may_use = current_caller().require_index
    accepted = current_services().events.accept(json_body(), require_use=may_use)
    return json_answer({"accepted": accepted}, 202)
