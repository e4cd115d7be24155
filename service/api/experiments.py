"""`/v1/indexes/{index}/experiment`: two versions of the weights compared on live traffic."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from flask import Blueprint, Response, g, request

from mappings.errors import InvalidQuery, MissingSetting
from mappings.validation_faults import shorten
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, json_object
from service.api.weights import only_fields, weights_store
from service.events.commands import age
from service.events.event_key import find_event_key
from service.events.event_store import EventStore
from service.experiments_reading import ExperimentReading, read_experiment
from service.services import current_services
from service.weights.experiments import Experiment
from service.weights.query_ids import QueryIds
from service.weights.switching import start_experiment

MOST_EVENTS = 200_000
"""Read for one report, in some seconds; the command line has no such limit."""

DEFAULT_SHARE = 0.1

blueprint = Blueprint("experiments", __name__)


@blueprint.get("/v1/indexes/<index>/experiment")
@needs(Scope.ADMIN)
def read(index: str) -> Response:
    """Return the experiment that runs, null without."""
    check_parameters(())
    return _answer(index, weights_store(index).state(index).experiment)


@blueprint.post("/v1/indexes/<index>/experiment")
@needs(Scope.ADMIN)
def start(index: str) -> Response:
    """Begin to compare two versions."""
    check_parameters(())
    body = json_object()
    only_fields(body, ("kind", "versions", "share"))
    kind, versions = body.get("kind"), body.get("versions")
    share = body.get("share", DEFAULT_SHARE)
    if not isinstance(kind, str):
        raise InvalidQuery(f"kind: should be ab or interleave, got {shorten(kind)}", field="kind")
    if not isinstance(versions, list) or not all(isinstance(one, str) for one in versions):
        raise InvalidQuery(
            f"versions: should be a list of two names, got {shorten(versions)}", field="versions"
        )
    if isinstance(share, bool) or not isinstance(share, int | float):
        raise InvalidQuery(f"share: should be a number, got {shorten(share)}", field="share")
    g.audit = {"kind": kind[:20], "versions": [one[:200] for one in versions[:2]]}
    state = start_experiment(weights_store(index), index, kind, versions, float(share))
    return _answer(index, state.experiment, 201)


@blueprint.delete("/v1/indexes/<index>/experiment")
@needs(Scope.ADMIN)
def stop(index: str) -> Response:
    """End the experiment, and return it; what was active before answers all searches again."""
    check_parameters(())
    ended = weights_store(index).stop_experiment(index)
    g.audit = {"experiment": ended.id}
    return _answer(index, ended)


@blueprint.get("/v1/indexes/<index>/experiment/report")
@needs(Scope.ADMIN)
def report(index: str) -> Response:
    """Return what clients did with the two versions, how sure that is, and how long it takes."""
    check_parameters(("experiment", "since", "until"))
    found = read_report(
        index,
        experiment_id=request.args.get("experiment") or None,
        since=moment("since"),
        until=moment("until"),
    )
    return json_answer(found.to_json())


def read_report(
    index: str,
    *,
    experiment_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> ExperimentReading:
    """Return the report; raises as `read_experiment`.

    Raises MissingSetting when one runs of which nothing is counted, for want of an event key.
    """
    services = current_services()
    running = weights_store(index).state(index).experiment
    try:
        key = find_event_key(services.settings)
    except MissingSetting as error:
        if running is not None:
            raise
        raise InvalidQuery(
            f"no experiment runs on {index!r}, and no earlier one can be counted: {error.message}",
            field="experiment",
        ) from error
    return read_experiment(
        index,
        EventStore(services.client),
        QueryIds(key),
        running=running,
        now=datetime.now(UTC),
        experiment_id=experiment_id,
        since=since,
        until=until,
        most_events=MOST_EVENTS,
    )


def moment(name: str) -> datetime | None:
    """Return the time that a URL parameter says: an age such as 7d, or ISO 8601; UTC by default.

    None without it; raises InvalidQuery for anything else.
    """
    value = request.args.get(name)
    if not value:
        return None
    try:
        if re.fullmatch("[0-9]+[hdw]", value):
            return datetime.now(UTC) - age(value)
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (InvalidQuery, OverflowError, ValueError) as error:
        raise InvalidQuery(
            f"{name}: should be an age such as 7d or a time in ISO 8601, got {shorten(value)}",
            field=name,
        ) from error


def _answer(index: str, experiment: Experiment | None, status: int = 200) -> Response:
    found = None if experiment is None else experiment.to_public()
    return json_answer({"index": index, "experiment": found}, status)
