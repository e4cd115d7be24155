"""`/healthz`: this process lives. `/readyz`: it can answer. `/metrics`: how it does."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from flask import Blueprint, Response

from mappings.errors import ShelfwiseError
from mappings.task_records import RETRY_AFTER_SECONDS
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.draining import is_draining
from service.services import current_services
from service.telemetry import CONTENT_TYPE

log = structlog.get_logger(__name__)

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@needs(None)
def live() -> Response:
    """Answer while the process lives; asks nobody else."""
    return json_answer({"status": "ok"})


@blueprint.get("/readyz")
@needs(None)
def ready() -> Response:
    """Check the cluster, every index's encoders, and the queue.

    Searches go on without the queue, and by words without an encoder: that is `degraded`, and
    still ready. A service that took itself out of the way for it would leave nobody to answer.
    """
    services = current_services()
    # Whoever may ask without a key is told no name of an index.
    in_full = not services.access.keys_required
    checks = {
        "elasticsearch": _outcome(services.indexes.list_served, in_full=in_full),
        "encoders": _outcome(services.check_encoders, in_full=in_full),
        "redis": _outcome(services.check_queue, in_full=in_full),
    }
    answers = checks["elasticsearch"] == "ok" and not is_draining()
    sound = all(outcome == "ok" for outcome in checks.values())
    status = "ok" if sound else "degraded" if answers else "unavailable"
    if is_draining():
        status = "stopping"
    response = json_answer({"status": status, "checks": checks}, 200 if answers else 503)
    if not answers:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


@blueprint.get("/metrics")
@needs(Scope.METRICS)
def metrics() -> Response:
    """Return the counters for Prometheus."""
    return Response(current_services().telemetry.exposition(), content_type=CONTENT_TYPE)


def _outcome(check: Callable[[], object], *, in_full: bool) -> str:
    try:
        check()
    except ShelfwiseError as error:
        log.warning("not_ready", code=error.code, reason=error.message)
        return error.message if in_full else error.code
    return "ok"
