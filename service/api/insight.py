"""`GET /v1/indexes/{index}/insight/...`: what is searched for, and what comes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast, get_args

from flask import Blueprint, Response, request

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.access.scopes import Scope, needs
from service.api.answers import json_answer
from service.api.bodies import check_parameters, parameter_number
from service.insight.csv_text import csv_text
from service.insight.insight import Insight
from service.insight.positions import MAX_POSITION
from service.insight.queries import LEAST_SHOWN, MAX_QUERIES, Only
from service.insight.rows import ROWS, Answer
from service.insight.time_range import TimeRange
from service.services import current_services

blueprint = Blueprint("insight", __name__)

RANGE_PARAMETERS = ("from", "to", "format")
FORMATS = ("json", "csv")


@blueprint.get("/v1/indexes/<index>/insight/summary")
@needs(Scope.ADMIN)
def summary(index: str) -> Response:
    """Return the figures of the whole span, and searches over time."""
    insight, span = _asked(index)
    return _answer(index, "summary", insight.summary(index, span))


@blueprint.get("/v1/indexes/<index>/insight/queries")
@needs(Scope.ADMIN)
def queries(index: str) -> Response:
    """Return the most frequent queries: all, without results, or without clicks."""
    insight, span = _asked(index, "only", "limit", "least")
    only = request.args.get("only", "all")
    if only not in get_args(Only):
        raise InvalidQuery(
            f"only: should be one of {', '.join(get_args(Only))}, got {shorten(only)}",
            field="only",
        )
    found = insight.queries(
        index,
        span,
        only=cast(Only, only),
        limit=_number("limit", 50, MAX_QUERIES),
        least=_number("least", LEAST_SHOWN, 1_000_000),
    )
    return _answer(index, "queries", found)


@blueprint.get("/v1/indexes/<index>/insight/positions")
@needs(Scope.ADMIN)
def positions(index: str) -> Response:
    """Return click and purchase rate by position."""
    insight, span = _asked(index, "limit")
    found = insight.positions(index, span, limit=_number("limit", 24, MAX_POSITION))
    return _answer(index, "positions", found)


@blueprint.get("/v1/indexes/<index>/insight/latency")
@needs(Scope.ADMIN)
def latency(index: str) -> Response:
    """Return the times of the answers over time."""
    insight, span = _asked(index)
    return _answer(index, "latency", insight.latency(index, span))


@blueprint.get("/v1/indexes/<index>/insight/lag")
@needs(Scope.ADMIN)
def lag(index: str) -> Response:
    """Return how far the index was behind over time."""
    insight, span = _asked(index)
    return _answer(index, "lag", insight.lag(span))


def _asked(index: str, *parameters: str) -> tuple[Insight, TimeRange]:
    check_parameters((*RANGE_PARAMETERS, *parameters))
    if (given := request.args.get("format", "json")) not in FORMATS:
        raise InvalidQuery(f"format: should be json or csv, got {shorten(given)}", field="format")
    now = datetime.now(UTC)
    span = TimeRange.parse(request.args.get("from"), request.args.get("to"), now=now)
    services = current_services()
    services.elasticsearch_api.targets.get(index)
    return services.insight, span


def _number(name: str, default: int, most: int) -> int:
    value = parameter_number(name)
    if value is None:
        return default
    if not 1 <= value <= most:
        raise InvalidQuery(f"{name}: should be from 1 to {most:,}, got {value}", field=name)
    return value


def _answer(index: str, part: str, found: Answer) -> Response:
    if request.args.get("format") == "csv":
        text = csv_text(ROWS[type(found)], found.rows)
        response = Response(text.encode("utf-8"), content_type="text/csv; charset=utf-8")
        name = f"{index}-{part}.csv"  # an index's name holds nothing that needs quoting
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    else:
        response = json_answer(found.model_dump(mode="json", by_alias=True))
    response.headers["Cache-Control"] = "no-store"
    return response
