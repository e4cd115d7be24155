"""`/v1/indexes/{index}/train`: learn ranking weights in a process of its own, and follow it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response

from mappings.errors import InvalidQuery, UnknownTask
from service.access.caller import current_caller
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, json_object
from service.api.judgements import require_lists
from service.judgements.store import JudgementStore
from service.judging.frequent_queries import frequent_queries
from service.services import current_services
from service.training_jobs.records import TrainingJob, TrainingJobs
from service.training_jobs.request import TrainRequest
from service.training_jobs.starting import start_process

blueprint = Blueprint("training", __name__)

_PATH = "/v1/indexes/<index>/train"
_API = "the API"


@blueprint.post(_PATH)
@needs(Scope.ADMIN)
def start(index: str) -> Response:
    """Start a training; what ranks the index stays until a version is activated."""
    check_parameters(())
    services = current_services()
    services.indexes.get(index)
    wanted = TrainRequest.parse(json_object())
    if wanted.clicks:
        if not frequent_queries(services.client, index, days=wanted.days, most=1):
            raise InvalidQuery(
                f"clicks: no events of index {index!r} in the last {wanted.days} days",
                field="clicks",
            )
    else:
        require_lists(index)
        wanted.require_lists(JudgementStore(services.client))
    who = current_caller().name or current_caller().key_id or _API
    jobs = TrainingJobs(services.client)
    job = jobs.start(index, wanted.model_dump(), who=who)
    try:
        start_process(services.settings, job)
    except OSError as error:
        jobs.report(replace(job, state="failed", said=(f"no process could start: {error}",)))
        raise
    return json_answer(shown(job), 202)


@blueprint.get(_PATH)
@needs(Scope.ADMIN)
def list_all(index: str) -> Response:
    """Return the trainings of an index, newest first, without their figures."""
    check_parameters(())
    services = current_services()
    services.indexes.get(index)
    found = TrainingJobs(services.client).list(index)
    return json_answer({"trainings": [shown(one) for one in found]})


@blueprint.get(f"{_PATH}/<training_id>")
@needs(Scope.ADMIN)
def read(index: str, training_id: str) -> Response:
    """Return one: how far it is, or what came of it."""
    check_parameters(())
    return json_answer(shown(training_of(index, training_id)))


@blueprint.delete(f"{_PATH}/<training_id>")
@needs(Scope.ADMIN)
def cancel(index: str, training_id: str) -> Response:
    """Stop one; what is finished stays."""
    check_parameters(())
    known = training_of(index, training_id)
    return json_answer(shown(TrainingJobs(current_services().client).cancel(known.id)))


def training_of(index: str, training_id: str) -> TrainingJob:
    """Return a training of an index; raises UnknownIndex and UnknownTask."""
    services = current_services()
    services.indexes.get(index)
    known = TrainingJobs(services.client).get(training_id)
    if known.index != index:
        raise UnknownTask(f"no training {training_id!r}", field="training_id")
    return known


def shown(job: TrainingJob) -> dict[str, Any]:
    """Return a training as JSON, with its share of steps done."""
    total = sum(one["total"] for one in job.progress)
    done = sum(one["done"] for one in job.progress)
    share = 1.0 if job.state == "done" else done / total if total else 0.0
    return {**job.to_json(), "share": share}
