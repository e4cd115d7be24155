"""The OpenAPI document: valid, and in step with the routes, the requests and the answers."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from jsonschema_rs import Draft202012Validator

from service.api import similar
from service.api.openapi import openapi_document
from service.api.search import JSON_PARAMETERS, NUMBER_PARAMETERS, TEXT_PARAMETERS
from service.app import create_app
from service.bootstrap import build_services
from service.search_request import SearchRequest
from service.settings import ServiceSettings

PAGES = ("/shop", "/studio")
"""HTML and pictures for people, with all below; what they show comes from the API."""
UNDOCUMENTED = {"/openapi.json", "/docs", "/docs/start.js", "/docs/{name}"}
METHODS = {"get", "put", "post", "delete", "patch"}


@pytest.fixture(scope="module")
def offline_app():
    """An application whose servers are not there."""
    services = build_services(
        ServiceSettings(
            text_encoder="hashing",
            elasticsearch_url="http://127.0.0.1:9",
            redis_url="redis://127.0.0.1:9/0",
        )
    )
    yield create_app(services)
    services.client.close()
    services.task_records._client.close()


@pytest.fixture
def offline(offline_app) -> FlaskClient:
    return offline_app.test_client()


@pytest.fixture(scope="module")
def document(offline_app) -> dict:
    response = offline_app.test_client().get("/openapi.json")
    assert response.mimetype == "application/json"
    return response.json


def operations(document):
    for path, item in document["paths"].items():
        for method in METHODS & set(item):
            yield path, method, item


def test_every_route_is_documented_and_every_documented_route_is_there(offline_app, document):
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in offline_app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    documented = {(path, method) for path, method, _ in operations(document)}
    told = {
        (path, method)
        for path, method in routes
        if path not in UNDOCUMENTED and not path.startswith(PAGES)
    }
    assert told == documented


def test_every_reference_leads_somewhere(document):
    text = str(document)
    names = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert names == set(document["components"]["schemas"]) & names
    assert "#/$defs/" not in text


def test_every_schema_is_a_schema(document):
    schemas = document["components"]["schemas"]
    for name in schemas:
        whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        Draft202012Validator(whole)


def test_operations_have_a_name_of_their_own_and_complete_answers(document):
    names = []
    for path, method, item in operations(document):
        operation = item[method]
        names.append(operation["operationId"])
        assert operation["summary"]
        parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
        in_path = {p["name"] for p in parameters if p["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))
        for status, answer in operation["responses"].items():
            assert answer["description"], (path, method, status)
            assert answer["content"], (path, method, status)
    assert len(set(names)) == len(names)


def test_document_has_what_openapi_3_1_asks_for(document):
    assert document["openapi"].startswith("3.1.")
    assert {"title", "version"} <= set(document["info"])
    assert all(path.startswith("/") for path in document["paths"])


def test_parameters_of_get_are_those_that_it_reads(document):
    documented = document["paths"]["/v1/indexes/{index}/search"]["get"]["parameters"]
    names = [parameter["name"] for parameter in documented]
    assert sorted(names) == sorted(TEXT_PARAMETERS + NUMBER_PARAMETERS + JSON_PARAMETERS)
    assert set(names) == set(SearchRequest.model_fields) - {"vectors", "image", "client_id"}


def test_parameters_of_similar_are_those_that_it_reads(document):
    path = "/v1/indexes/{index}/products/{product_id}/similar"
    names = [parameter["name"] for parameter in document["paths"][path]["get"]["parameters"]]
    read = similar.TEXT_PARAMETERS + similar.NUMBER_PARAMETERS + similar.JSON_PARAMETERS
    assert sorted(names) == sorted((similar.BY, *read))


@pytest.mark.parametrize("parameter", NUMBER_PARAMETERS)
def test_limits_of_parameters_are_those_of_the_request(parameter):
    documented = openapi_document()["paths"]["/v1/indexes/{index}/search"]["get"]["parameters"]
    (schema,) = [entry["schema"] for entry in documented if entry["name"] == parameter]
    field = SearchRequest.model_json_schema()["properties"][parameter]
    assert (schema["minimum"], schema["maximum"]) == (field["minimum"], field["maximum"])


def test_docs_are_served_without_the_internet(offline):
    page = offline.get("/docs")
    assert page.status_code == 200
    assert "http" not in page.text.replace("https://shelfwise", "")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        answer = offline.get(address)
        assert answer.status_code == 200, address
        answer.close()
    assert offline.get("/docs/other.js").status_code == 404


EVERY_ROUTE = [
    ("post", "/v1/indexes/shop/search"),
    ("get", "/v1/indexes/shop/search"),
    ("post", "/v1/indexes/shop/products"),
    ("patch", "/v1/indexes/shop/products"),
    ("delete", "/v1/indexes/shop/products"),
    ("get", "/v1/indexes/shop/products/1"),
    ("get", "/v1/indexes/shop/products/1/similar"),
    ("put", "/v1/indexes/shop/products/1"),
    ("post", "/v1/indexes/shop/products/1"),
    ("patch", "/v1/indexes/shop/products/1"),
    ("delete", "/v1/indexes/shop/products/1"),
    ("get", "/v1/tasks/1"),
    ("get", "/v1/dead-letters"),
    ("get", "/v1/dead-letters/1"),
    ("delete", "/v1/dead-letters/1"),
    ("post", "/v1/dead-letters/1/retry"),
]


def assert_error_shape(response) -> dict:
    assert response.mimetype == "application/json"
    assert set(response.json) == {"error"}
    error = response.json["error"]
    assert set(error) == {"code", "message", "field", "request_id"}
    assert error["code"]
    assert error["message"]
    assert error["request_id"] == response.headers["X-Request-Id"]
    return error


@pytest.mark.parametrize(("method", "path"), EVERY_ROUTE)
def test_servers_away_is_a_503_of_the_one_shape_on_every_route(offline, method, path):
    response = offline.open(path, method=method.upper(), json={"ids": ["1"]})
    if response.status_code == 400:  # the body of another route: checked before any server
        assert_error_shape(response)
        return
    assert response.status_code == 503
    error = assert_error_shape(response)
    assert error["code"] in ("cluster_unavailable", "queue_unavailable")
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize(("method", "path"), EVERY_ROUTE)
def test_unknown_parameter_is_a_400_of_the_one_shape_on_every_route(offline, method, path):
    response = offline.open(path, method=method.upper(), query_string={"nope": "1"}, json={})
    assert response.status_code == 400
    assert assert_error_shape(response)["field"] == "nope"


@pytest.mark.parametrize("path", sorted({path for _, path in EVERY_ROUTE} | {"/healthz", "/docs"}))
def test_wrong_method_is_a_405_of_the_one_shape_with_what_is_allowed(offline, path):
    response = offline.open(path, method="PROPFIND")
    assert response.status_code == 405
    assert assert_error_shape(response)["code"] == "method_not_allowed"
    assert "GET" in response.headers["Allow"] or "POST" in response.headers["Allow"]


@pytest.mark.parametrize(
    "path",
    ["/v2/indexes/shop/search", "/v1/indexes//search", "/v1//tasks/1", "/é", "/healthz/"],
)
def test_unknown_path_is_a_404_of_the_one_shape(offline, path):
    response = offline.get(path)
    assert response.status_code == 404
    assert assert_error_shape(response)["code"] == "not_found"


def test_fault_of_ours_is_a_500_of_the_one_shape_that_tells_nothing(offline_app, monkeypatch):
    def break_down(*_):
        raise KeyError("secret detail")

    monkeypatch.setattr("service.api.search.SearchRequest.parse", break_down)
    response = offline_app.test_client().post("/v1/indexes/shop/search", json={})
    assert response.status_code == 500
    assert assert_error_shape(response)["code"] == "internal_error"
    assert "secret" not in response.text


def test_health_asks_nobody_and_readiness_says_who_is_away(offline):
    assert offline.get("/healthz").json == {"status": "ok", "checks": {}} or offline.get(
        "/healthz"
    ).json == {"status": "ok"}
    ready = offline.get("/readyz")
    assert ready.status_code == 503
    assert ready.json["status"] == "unavailable"
    assert all(text != "ok" for text in ready.json["checks"].values())
    assert set(ready.json["checks"]) == {"elasticsearch", "encoders", "redis"}


def test_responses_are_counted_by_status(offline):
    offline.get("/nowhere")
    text = offline.get("/metrics").text
    assert 'shelfwise_http_responses_total{status="404"}' in text
