"""`/v1/indexes/{index}/finetune`: train an encoder of photos on the shop's own, and follow it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from mappings.errors import UnknownTask
from mappings.finetunings import Finetuning, Finetunings
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, json_object
from service.finetune_request import FinetuneRequest, start_finetuning
from service.services import current_services

blueprint = Blueprint("finetune", __name__)


@blueprint.post("/v1/indexes/<index>/finetune")
@needs(Scope.ADMIN)
def start(index: str) -> Response:
    """Ask for a fine-tuning; a worker does it, and the index keeps its encoder meanwhile."""
    check_parameters(())
    services = current_services()
    live = services.indexes.get(index)
    wanted = FinetuneRequest.parse(json_object() if request.content_length else {})
    return json_answer(_shown(start_finetuning(Finetunings(services.client), live, wanted)), 202)


@blueprint.get("/v1/indexes/<index>/finetune")
@needs(Scope.ADMIN)
def list_all(index: str) -> Response:
    """Return the fine-tunings of an index, newest first."""
    check_parameters(())
    services = current_services()
    services.indexes.get(index)
    found = Finetunings(services.client).list(index)
    return json_answer({"finetunings": [_shown(one) for one in found]})


@blueprint.get("/v1/indexes/<index>/finetune/<finetuning_id>")
@needs(Scope.ADMIN)
def read(index: str, finetuning_id: str) -> Response:
    """Return one: how far it is, or its figures of before and after."""
    check_parameters(())
    return json_answer(_shown(_of_index(index, finetuning_id)))


@blueprint.delete("/v1/indexes/<index>/finetune/<finetuning_id>")
@needs(Scope.ADMIN)
def cancel(index: str, finetuning_id: str) -> Response:
    """Stop one; what is finished stays."""
    check_parameters(())
    known = _of_index(index, finetuning_id)
    return json_answer(_shown(Finetunings(current_services().client).cancel(known.id)))


def _of_index(index: str, finetuning_id: str) -> Finetuning:
    services = current_services()
    services.indexes.get(index)
    known = Finetunings(services.client).get(finetuning_id)
    if known.index != index:
        raise UnknownTask(f"no fine-tuning {finetuning_id!r}", field="finetuning_id")
    return known


def _shown(finetuning: Finetuning) -> dict[str, Any]:
    # The body of the rebuild that serves it is the next step.
    following = {"image_encoder": finetuning.encoder} if finetuning.state == "done" else None
    return {**finetuning.to_json(), "reindex": following}
