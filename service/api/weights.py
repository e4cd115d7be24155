"""`/v1/indexes/{index}/weights`: versions of the ranking weights, and which of them answers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, g, request

from mappings.errors import InvalidQuery, UnknownIndex
from mappings.validation_faults import shorten
from service.access.caller import current_caller
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, json_body, json_object
from service.ranking.weights import load_default
from service.services import current_services
from service.weights.difference import compare
from service.weights.state import WeightsState
from service.weights.store import WeightsStore
from service.weights.switching import activate_version, import_version

blueprint = Blueprint("weights", __name__)


@blueprint.get("/v1/indexes/<index>/weights")
@needs(Scope.ADMIN)
def list_weights(index: str) -> Response:
    """Return the newest thousand versions without their models, and what answers."""
    check_parameters(())
    store = weights_store(index)
    state = store.state(index)
    versions = [
        {**one, "active": one["version"] == state.active}
        for one in store.list(index)
        if one["version"] not in state.deleting
    ]
    return json_answer({**state_body(state), "versions": versions})


@blueprint.post("/v1/indexes/<index>/weights")
@needs(Scope.ADMIN)
def import_weights(index: str) -> Response:
    """Keep a weights document as a new version; with `activate=true` let it answer at once."""
    check_parameters(("activate",))
    activates = request.args.get("activate", "false")
    if activates not in ("true", "false"):
        raise InvalidQuery(
            f"activate: should be true or false, got {shorten(activates)}", field="activate"
        )
    kept = import_version(
        weights_store(index), index, json_body(), activates=activates == "true", who=whoever()
    )
    g.audit = {"version": kept.version, "activated": activates == "true"}
    body = {"version": kept.version, "problem": kept.problem, "active": kept.state.active}
    return json_answer(body, 201)


@blueprint.get("/v1/indexes/<index>/weights/<version>")
@needs(Scope.ADMIN)
def read_weights(index: str, version: str) -> Response:
    """Return one version with its model, as it can be imported elsewhere."""
    check_parameters(())
    return json_answer(weights_store(index).get(index, version))


@blueprint.delete("/v1/indexes/<index>/weights/<version>")
@needs(Scope.ADMIN)
def delete_weights(index: str, version: str) -> Response:
    """Forget a version for good; one that is active or in an experiment is kept."""
    check_parameters(())
    g.audit = {"version": version[:200]}
    weights_store(index).delete(index, version)
    return json_answer({"version": version, "deleted": True})


@blueprint.post("/v1/indexes/<index>/weights/activate")
@needs(Scope.ADMIN)
def activate(index: str) -> Response:
    """Let a version answer; every process follows within two seconds."""
    check_parameters(())
    body = json_object()
    only_fields(body, ("version",))
    version = body.get("version")
    if not isinstance(version, str):
        raise InvalidQuery(f"version: should be text, got {shorten(version)}", field="version")
    g.audit = {"version": version[:200]}
    state = activate_version(weights_store(index), index, version, who=whoever())
    return json_answer(state_body(state))


@blueprint.post("/v1/indexes/<index>/weights/rollback")
@needs(Scope.ADMIN)
def rollback(index: str) -> Response:
    """Go back to what was active before; an experiment ends."""
    check_parameters(())
    state = weights_store(index).rollback(index, who=whoever())
    g.audit = {"version": state.active}
    return json_answer(state_body(state))


@blueprint.post("/v1/indexes/<index>/weights/deactivate")
@needs(Scope.ADMIN)
def deactivate(index: str) -> Response:
    """Let the shipped weights answer; an experiment ends."""
    check_parameters(())
    return json_answer(state_body(weights_store(index).deactivate(index, who=whoever())))


@blueprint.get("/v1/indexes/<index>/weights/difference")
@needs(Scope.ADMIN)
def difference(index: str) -> Response:
    """Return what the version `to` has that `from` has not, and what else differs."""
    check_parameters(("from", "to"))
    for name in ("from", "to"):
        if not request.args.get(name):
            raise InvalidQuery(f"{name}: should name a version", field=name)
    store = weights_store(index)
    first, second = (store.get(index, request.args[name]) for name in ("from", "to"))
    return json_answer(asdict(compare(first, second)))


def weights_store(index: str) -> WeightsStore:
    """Return the store for an index that is there, ours or attached; raises UnknownIndex."""
    services = current_services()
    if services.elasticsearch_api.targets.find(index) is None:
        raise UnknownIndex(f"no index named {index[:80]!r}", field="index")
    return WeightsStore(services.client)


def whoever() -> str:
    """Return who asks, for the history: the name and the id of the key."""
    caller = current_caller()
    return f"{caller.name} ({caller.key_id})" if caller.key_id else "anybody: keys are off"


def only_fields(body: Any, known: tuple[str, ...]) -> None:  # noqa: ANN401 - decoded JSON
    """Raise InvalidQuery for a field of a body that is not known."""
    for name in body:
        if name not in known:
            raise InvalidQuery(
                f"there is no field {shorten(name)}; there are {', '.join(known)}",
                field=str(name)[:80],
            )


def state_body(state: WeightsState) -> dict[str, Any]:
    """Return what answers, newest change first."""
    experiment = state.experiment
    return {
        "index": state.index,
        "active": state.active,
        "shipped": load_default().version,
        "experiment": None if experiment is None else experiment.to_public(),
        "history": [asdict(change) for change in reversed(state.history)],
    }
