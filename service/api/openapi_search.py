"""The paths of searches in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from service.api.openapi_parts import INDEX, JSON, PRODUCT_ID, REF, content, ref, responses
from service.api.similar import JSON_PARAMETERS, NUMBER_PARAMETERS, TEXT_PARAMETERS
from service.api.uploads import MAX_PARTS, REQUEST_PART
from service.search_request import MAX_QUERY_LENGTH, SearchRequest
from service.similar_products import WAYS
from service.suggestions.suggester import DEFAULT_LIMIT, MAX_LIMIT


def search_paths() -> dict[str, Any]:
    """Return the paths that answer with ranked products."""
    found = responses(200, ref("SearchAnswerBody"), "Ranked products.", 400, 404, 413, 503)
    similar = responses(200, ref("SearchAnswerBody"), "Ranked products.", 400, 404, 503)
    suggested = responses(200, ref("SuggestAnswer"), "What may be meant.", 400, 404, 503)
    return {
        "/v1/indexes/{index}/search": {
            "parameters": [INDEX],
            "post": {
                "operationId": "search",
                "summary": "Search by words, by a photo, or by both",
                "requestBody": {"required": True, **_bodies()},
                "responses": found,
            },
            "get": {
                "operationId": "searchByParameters",
                "summary": "Search with URL parameters",
                "parameters": _search_parameters(),
                "responses": found,
            },
        },
        "/v1/indexes/{index}/products/{product_id}/similar": {
            "parameters": [INDEX, PRODUCT_ID],
            "get": {
                "operationId": "similarProducts",
                "summary": "Find products like one of the index, by its own vectors",
                "parameters": _similar_parameters(),
                "responses": similar,
            },
        },
        "/v1/indexes/{index}/suggest": {
            "parameters": [INDEX],
            "get": {
                "operationId": "suggest",
                "summary": "Suggest queries, brands, categories and products while somebody types",
                "parameters": _suggest_parameters(),
                "responses": suggested,
            },
        },
    }


def _bodies() -> dict[str, Any]:
    """Return the two kinds of body: JSON, and JSON with a file beside it."""
    body = content(ref("SearchRequest"))
    body["content"]["multipart/form-data"] = {
        "schema": {
            "type": "object",
            "description": f"The search in the part `{REQUEST_PART}`, and the photo in the part "
            f"that `image.upload` names; at most {MAX_PARTS} parts.",
            "properties": {REQUEST_PART: ref("SearchRequest")},
            "required": [REQUEST_PART],
            "additionalProperties": {"type": "string", "format": "binary"},
        },
        "encoding": {REQUEST_PART: {"contentType": JSON}},
    }
    return body


def _similar_parameters() -> list[dict[str, Any]]:
    by = {
        "name": "by",
        "in": "query",
        "description": "What is compared; `both` goes by what the product has.",
        "schema": {"enum": list(WAYS), "default": "both"},
    }
    names = (*TEXT_PARAMETERS, *NUMBER_PARAMETERS, *JSON_PARAMETERS)
    known = {parameter["name"]: parameter for parameter in _search_parameters()}
    return [by, *(known[name] for name in names)]


def _suggest_parameters() -> list[dict[str, Any]]:
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    return [
        {
            "name": "q",
            "in": "query",
            "description": "What is typed so far; nothing gives what is frequent.",
            "schema": {"type": "string", "maxLength": MAX_QUERY_LENGTH},
        },
        {
            "name": "limit",
            "in": "query",
            "description": "Most suggestions of each kind.",
            "schema": limit,
        },
    ]


def _search_parameters() -> list[dict[str, Any]]:
    properties = SearchRequest.model_json_schema(ref_template=REF)["properties"]
    plain = {
        "q": {"type": "string", "maxLength": 1_000},
        "limit": {"type": "integer", "minimum": 0, "maximum": 200},
        "offset": {"type": "integer", "minimum": 0, "maximum": 10_000},
        "cursor": {"type": "string"},
        **{name: {"enum": properties[name]["enum"]} for name in ("mode", "fusion", "understand")},
        "weights_version": {"type": "string", "maxLength": 200},
        "rules": {"type": "string", "maxLength": 200},
        "collapse": {"enum": ["parent_id"]},
        "rank_constant": {"type": "integer", "minimum": 1, "maximum": 10_000},
        "rank_window_size": {"type": "integer", "minimum": 1, "maximum": 1_000},
        "num_candidates": {"type": "integer", "minimum": 1, "maximum": 10_000},
    }
    as_json = ("filter", "facets", "sort", "weights", "fields", "explain")
    parameters = [
        {
            "name": name,
            "in": "query",
            "description": properties[name].get("description", ""),
            "schema": schema,
        }
        for name, schema in plain.items()
    ]
    parameters += [
        {
            "name": name,
            "in": "query",
            "description": f"{properties[name].get('description', '')} (JSON)",
            "content": {JSON: {"schema": {}}},
        }
        for name in as_json
    ]
    return parameters
