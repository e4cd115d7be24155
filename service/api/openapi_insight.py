"""The paths of insight in the OpenAPI document."""

from __future__ import annotations

from typing import Any, get_args

from service.api.openapi_parts import INDEX, of_index, ref
from service.insight.positions import MAX_POSITION
from service.insight.queries import LEAST_SHOWN, MAX_QUERIES, Only
from service.insight.rows import (
    LagAnswer,
    LatencyAnswer,
    PositionsAnswer,
    QueriesAnswer,
    SummaryAnswer,
)
from service.insight.time_range import DEFAULT_FROM

MODELS = (SummaryAnswer, QueriesAnswer, PositionsAnswer, LatencyAnswer, LagAnswer)

_MOMENT = "ISO 8601, or an age such as `90m`, `24h`, `7d` or `4w`."


def insight_paths() -> dict[str, Any]:
    """Return the paths below `/v1/indexes/{index}/insight`."""
    only = {"type": "string", "enum": list(get_args(Only)), "default": "all"}
    limit = _number("limit", "Most rows.", 50, MAX_QUERIES)
    places = _number("limit", "The last position.", 24, MAX_POSITION)
    least = _number("least", "With `no_clicks`: searches that were shown.", LEAST_SHOWN, 1_000_000)
    return {
        "/v1/indexes/{index}/insight/summary": _path(
            "insightSummary", "SummaryAnswer", "Searches over time, and their figures"
        ),
        "/v1/indexes/{index}/insight/queries": _path(
            "insightQueries",
            "QueriesAnswer",
            "The most frequent queries: all, those without results, or those without clicks",
            _parameter("only", "Which queries.", only),
            limit,
            least,
        ),
        "/v1/indexes/{index}/insight/positions": _path(
            "insightPositions", "PositionsAnswer", "Click and purchase rate by position", places
        ),
        "/v1/indexes/{index}/insight/latency": _path(
            "insightLatency", "LatencyAnswer", "Times of the answers over time"
        ),
        "/v1/indexes/{index}/insight/lag": _path(
            "insightLag", "LagAnswer", "How far the index was behind over time"
        ),
    }


def _path(operation: str, model: str, summary: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "string"}
    formats = {"type": "string", "enum": ["json", "csv"], "default": "json"}
    answers = of_index(ref(model), "The figures.")
    # The same rows, as a table.
    answers["200"]["content"]["text/csv"] = {"schema": text}
    return {
        "parameters": [INDEX],
        "get": {
            "operationId": operation,
            "summary": summary,
            "parameters": [
                _parameter("from", f"{_MOMENT} By default `{DEFAULT_FROM}`.", text),
                _parameter("to", f"{_MOMENT} By default now.", text),
                *parameters,
                _parameter("format", "`csv` gives the rows as a file.", formats),
            ],
            "responses": answers,
        },
    }


def _parameter(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _number(name: str, text: str, default: int, most: int) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return _parameter(name, text, schema)
