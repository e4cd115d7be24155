"""`/v1/tasks/{id}`: what became of the products that were sent, and how to take them back."""

from __future__ import annotations

from flask import Blueprint, Response

from mappings.errors import UnknownTask
from mappings.task_records import TaskRecord
from service.access.caller import current_caller
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters
from service.services import current_services

blueprint = Blueprint("tasks", __name__)


@blueprint.get("/v1/tasks/<task_id>")
@needs(Scope.WRITE)
def read_task(task_id: str) -> Response:
    """Return the task's progress, counts and rejects."""
    check_parameters(())
    return json_answer(_task(task_id).to_json())


@blueprint.delete("/v1/tasks/<task_id>")
@needs(Scope.WRITE)
def cancel_task(task_id: str) -> Response:
    """Cancel what no worker has begun, and return the task; what has begun is finished."""
    check_parameters(())
    services = current_services()
    services.task_queue.cancel(_task(task_id).id)
    return json_answer(services.task_records.read(task_id).to_json())


def _task(task_id: str) -> TaskRecord:
    task = current_services().task_records.read(task_id)
    if not current_caller().may_use(task.index):  # its id must not tell that it is there
        raise UnknownTask(f"no task {task_id[:80]!r}, or it has expired", field="task_id")
    return task
