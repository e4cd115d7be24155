"""`GET /v1/indexes/{index}/suggest`: what may be meant, while somebody types."""

from __future__ import annotations

from flask import Blueprint, Response, request

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, parameter_number
from service.search_request import MAX_QUERY_LENGTH
from service.services import current_services
from service.suggestions.suggester import DEFAULT_LIMIT, MAX_LIMIT

blueprint = Blueprint("suggest", __name__)


@blueprint.get("/v1/indexes/<index>/suggest")
@needs(Scope.SEARCH)
def suggest(index: str) -> Response:
    """Return past queries, brands, categories and products that begin as `q` does."""
    check_parameters(("q", "limit"))
    typed = request.args.get("q", "")
    if len(typed) > MAX_QUERY_LENGTH:
        raise InvalidQuery(
            f"q: should have at most {MAX_QUERY_LENGTH:,} characters, got {len(typed):,}",
            field="q",
        )
    limit = parameter_number("limit")
    limit = DEFAULT_LIMIT if limit is None else limit
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidQuery(
            f"limit: should be 1 to {MAX_LIMIT}, got {shorten(limit)}", field="limit"
        )
    return json_answer(current_services().suggester.suggest(index, typed, limit).to_json())
