"""`POST /v1/indexes/{index}/search`, and `GET` with `q`."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, request

from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, parameter_json, parameter_number
from service.api.request_log import note
from service.api.uploads import json_and_files
from service.insight.noting import logged
from service.prepared_search import Given
from service.search_request import SearchRequest
from service.services import current_services

blueprint = Blueprint("search", __name__)

TEXT_PARAMETERS = (
    "q",
    "cursor",
    "collapse",
    "fusion",
    "mode",
    "weights_version",
    "rules",
    "understand",
)
NUMBER_PARAMETERS = ("limit", "offset", "rank_constant", "rank_window_size", "num_candidates")
# No client_id: addresses are logged on their way, and who searched is not for logs. Nor is the
# address of a photo, which may hold a key.
JSON_PARAMETERS = ("filter", "facets", "sort", "weights", "fields", "explain")


@blueprint.post("/v1/indexes/<index>/search")
@needs(Scope.SEARCH)
def search(index: str) -> Response:
    """Search with a JSON body, or with a multipart one that holds JSON and a photo."""
    check_parameters(())
    body, files = json_and_files()
    return _answer(index, body, files)


@blueprint.get("/v1/indexes/<index>/search")
@needs(Scope.SEARCH)
def search_by_parameters(index: str) -> Response:
    """Search with URL parameters; those that are not plain text or numbers hold JSON."""
    check_parameters(TEXT_PARAMETERS + NUMBER_PARAMETERS + JSON_PARAMETERS)
    body = {name: request.args[name] for name in TEXT_PARAMETERS if name in request.args}
    numbers = {name: parameter_number(name) for name in NUMBER_PARAMETERS if name in request.args}
    parsed = {name: parameter_json(name) for name in JSON_PARAMETERS if name in request.args}
    return _answer(index, {**body, **numbers, **parsed}, {})


def _answer(index: str, body: object, files: Mapping[str, bytes]) -> Response:
    parsed = SearchRequest.parse(body)
    services = current_services()
    answer = services.searcher.search(index, parsed, Given(uploads=files))
    services.telemetry.searched(index, answer)
    services.recorder.note(logged(index, "search", parsed, answer))
    note(query_id=answer.query_id, hits=len(answer.hits), total=answer.total.value)
    return json_answer(answer.to_json())
