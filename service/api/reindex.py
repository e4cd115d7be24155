"""`/v1/indexes/{index}/reindex`: start a rebuild, follow it, and drop it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, request

from mappings.errors import InvalidQuery, UnknownIndex, UnknownTask
from mappings.index_lifecycle import LiveIndex
from mappings.index_versions import abandon_next, find_next, read_rebuild
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, json_object
from service.rebuild_request import RebuildRequest, start_rebuild
from service.services import current_services

blueprint = Blueprint("reindex", __name__)


@blueprint.post("/v1/indexes/<index>/reindex")
@needs(Scope.ADMIN)
def start(index: str) -> Response:
    """Start building the next version; it takes over by itself when it is verified."""
    check_parameters(())
    services = current_services()
    live = services.indexes.get(index)
    raw = json_object() if request.content_length else {}
    wanted = RebuildRequest.parse(raw)
    target = start_rebuild(services.client, live, wanted, services.settings)
    return json_answer(_state(live, target), 202)


@blueprint.get("/v1/indexes/<index>/reindex")
@needs(Scope.ADMIN)
def read(index: str) -> Response:
    """Return how far the rebuild is, or what the last one that took over has seen."""
    check_parameters(())
    services = current_services()
    live = services.indexes.get(index)
    target = find_next(services.client, index)
    return json_answer(_state(live, target or live))


@blueprint.delete("/v1/indexes/<index>/reindex")
@needs(Scope.ADMIN)
def abandon(index: str) -> Response:
    """Drop the version that is being built; the live one is untouched."""
    check_parameters(())
    services = current_services()
    live = services.indexes.get(index)
    target = find_next(services.client, index)
    if target is None:
        raise InvalidQuery(f"no version of {index!r} is being built", field="index")
    state = _state(live, target)
    if state["task_id"] is not None:
        with suppress(UnknownTask):  # its record has expired
            services.task_queue.cancel(state["task_id"])
    abandon_next(services.client, index)
    return json_answer({**state, "step": "dropped"})


def _state(live: LiveIndex, version: LiveIndex) -> dict[str, Any]:
    try:
        rebuild = read_rebuild(current_services().client, version.index)
    except UnknownIndex as error:
        raise UnknownIndex(f"index {live.name!r} was never rebuilt", field="index") from error
    return {
        "index": live.name,
        "source": rebuild.source,
        "target": version.index,
        "step": "done" if version.index == live.index else rebuild.step,
        "task_id": rebuild.task_id,
        "total": rebuild.total,
        "failed": rebuild.failed,
        "report": dict(rebuild.report),
    }
