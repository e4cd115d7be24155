"""`/healthz`: this process lives. `/readyz`: it can answer. `/metrics`: how it does."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from mappings.errors import ShelfwiseError
from mappings.task_records import RETRY_AFTER_SECONDS
from service.api.answers import json_answer
from service.services import current_services
from service.telemetry import CONTENT_TYPE

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def live() -> Response:
    """Answer while the process lives; asks nobody else."""
    return json_answer({"status": "ok"})


@blueprint.get("/readyz")
def ready() -> Response:
    """Check the cluster with every index's encoder, and the queue."""
    services = current_services()
    checks = {
        "elasticsearch": _outcome(services.indexes.check_all),
        "redis": _outcome(services.check_queue),
    }
    sound = all(outcome == "ok" for outcome in checks.values())
    response = json_answer(
        {"status": "ok" if sound else "unavailable", "checks": checks}, 200 if sound else 503
    )
    if not sound:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the counters for Prometheus."""
    return Response(current_services().telemetry.exposition(), content_type=CONTENT_TYPE)


def _outcome(check: Callable[[], object]) -> str:
    try:
        check()
    except ShelfwiseError as error:
        return error.message
    return "ok"
