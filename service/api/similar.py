"""`GET /v1/indexes/{index}/products/{product_id}/similar`: more like this."""

from __future__ import annotations

from flask import Blueprint, Response, request

from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, parameter_json, parameter_number
from service.api.products import check_product_id
from service.api.request_log import note
from service.search_request import SearchRequest
from service.services import current_services

blueprint = Blueprint("similar", __name__)

TEXT_PARAMETERS = ("cursor", "collapse", "mode")
NUMBER_PARAMETERS = ("limit", "offset")
JSON_PARAMETERS = ("filter", "facets", "fields", "explain")
BY = "by"


@blueprint.get("/v1/indexes/<index>/products/<product_id>/similar")
@needs(Scope.SEARCH)
def similar(index: str, product_id: str) -> Response:
    """Return products like that one, in the shape of a search's answer."""
    check_parameters((BY, *TEXT_PARAMETERS, *NUMBER_PARAMETERS, *JSON_PARAMETERS))
    check_product_id(product_id)
    texts = {name: request.args[name] for name in TEXT_PARAMETERS if name in request.args}
    numbers = {name: parameter_number(name) for name in NUMBER_PARAMETERS if name in request.args}
    parsed = {name: parameter_json(name) for name in JSON_PARAMETERS if name in request.args}
    body = SearchRequest.parse({**texts, **numbers, **parsed})
    services = current_services()
    answer = services.similar.find(index, product_id, request.args.get(BY, "both"), body)
    services.telemetry.searched(index, answer)
    note(query_id=answer.query_id, hits=len(answer.hits), total=answer.total.value)
    return json_answer(answer.to_json())
