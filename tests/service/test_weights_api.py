"""`/v1/indexes/{index}/weights` and `/experiment` against a real Elasticsearch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from flask import Flask
from flask.testing import FlaskClient
from jsonschema_rs import Draft202012Validator

from service.api.openapi import openapi_document
from service.weights.store import WeightsStore
from tests.service.test_experiments_search import A, B, document

pytestmark = pytest.mark.cluster
Call = Callable[..., dict[str, Any]]


@pytest.fixture
def store(cluster: Elasticsearch) -> WeightsStore:
    return WeightsStore(cluster)


@pytest.fixture
def call(app: Flask, small_shop: str) -> Call:
    """Ask the API for something of the small shop, which must go as expected."""
    web: FlaskClient = app.test_client()

    def call(method: str, path: str, status: int = 200, **options: Any) -> dict[str, Any]:
        response = web.open(f"/v1/indexes/{small_shop}/{path}", method=method, **options)
        assert response.status_code == status, response.text
        found: dict[str, Any] = response.get_json()
        return found if status < 400 else found["error"]

    return call


def assert_documented(name: str, answer: object) -> None:
    schemas = openapi_document()["components"]["schemas"]
    whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    Draft202012Validator(whole).validate(answer)


def test_version_is_imported_activated_rolled_back_and_forgotten(
    call: Call, small_shop: str
) -> None:
    assert call("GET", "weights")["versions"] == []
    first = call("POST", "weights", 201, json=document("elsewhere", A))["version"]
    second = call("POST", "weights?activate=true", 201, json=document("elsewhere", B))["version"]
    assert (first, second) == (f"{small_shop}-1", f"{small_shop}-2")
    state = call("POST", "weights/activate", json={"version": first})
    assert_documented("WeightsStateAnswer", state)
    assert state["active"] == first and state["shipped"].startswith("default-")
    assert call("POST", "weights/rollback")["active"] == second
    listed = call("GET", "weights")
    assert_documented("WeightsAnswer", listed)
    assert [(one["version"], one["active"]) for one in listed["versions"]] == [
        (second, True),
        (first, False),
    ]
    assert [one["action"] for one in listed["history"]] == ["rollback", "activate", "activate"]
    assert {one["who"] for one in listed["history"]} == {"anybody: keys are off"}
    assert "answers searches" in call("DELETE", f"weights/{second}", 400)["message"]
    assert call("POST", "weights/deactivate")["active"] is None
    assert call("DELETE", f"weights/{second}") == {"version": second, "deleted": True}
    assert call("GET", f"weights/{second}", 404)["code"] == "unknown_weights"


def test_exported_version_can_be_imported(
    call: Call, store: WeightsStore, small_shop: str
) -> None:
    version = store.save(document(small_shop, A, note="über"))
    exported = call("GET", f"weights/{version}")
    assert_documented("WeightsDocumentBody", exported)
    assert exported["model"] == store.get(small_shop, version)["model"]
    again = call("POST", "weights", 201, json=exported)
    assert_documented("ImportedWeightsAnswer", again)
    assert store.get(small_shop, again["version"])["note"] == "über"


def test_weights_that_cannot_rank_never_answer(
    call: Call, store: WeightsStore, small_shop: str
) -> None:
    broken = document(small_shop, A, model={"weights": {}})
    refused = call("POST", "weights?activate=true", 400, json=broken)
    assert refused["code"] == "unusable_weights" and "nothing was kept" in refused["message"]
    kept = call("POST", "weights", 201, json=broken)
    assert "'calibrations' is missing" in kept["problem"]
    refused = call("POST", "weights/activate", 400, json={"version": kept["version"]})
    assert (refused["code"], refused["field"]) == ("unusable_weights", "version")
    good = store.save(document(small_shop, A))
    compared = {"kind": "ab", "versions": [good, kept["version"]]}
    assert call("POST", "experiment", 400, json=compared)["field"] == "versions"
    assert store.state(small_shop).in_use == ()


def test_difference_names_what_each_has(call: Call, store: WeightsStore, small_shop: str) -> None:
    first, second = (store.save(document(small_shop, one)) for one in (A, B))
    found = call("GET", f"weights/difference?from={first}&to={second}")
    assert_documented("WeightsDifferenceAnswer", found)
    assert found["versions"] == [first, second]
    assert found["weights"]["lexical"] == [0.5, 0.0]
    assert found["weights"]["text_vector"] == [0.0, 0.9]
    assert call("GET", f"weights/difference?from={first}", 400)["field"] == "to"
    assert call("GET", f"weights/difference?from={first}&to=x", 404)["code"] == "unknown_weights"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("weights/activate", {}, "version"),
        ("weights/activate", {"version": 3}, "version"),
        ("weights/activate", {"version": "x", "who": "me"}, "who"),
        ("weights?activate=yes", {}, "activate"),
        ("weights", ["no object"], "body"),
        ("weights", {"fusion": "weighted_sum"}, "model"),
        ("experiment", {"kind": "coin", "versions": ["a", "b"]}, "kind"),
        ("experiment", {"versions": ["a", "b"]}, "kind"),
        ("experiment", {"kind": "ab", "versions": ["a"]}, "versions"),
        ("experiment", {"kind": "ab", "versions": "a,b"}, "versions"),
        ("experiment", {"kind": "ab", "versions": ["a", "b"], "share": 1.5}, "share"),
        ("experiment", {"kind": "ab", "versions": ["a", "b"], "share": True}, "share"),
        ("experiment", {"kind": "ab", "versions": ["a", "b"], "salt": "x"}, "salt"),
    ],
)
def test_what_is_wrong_with_a_body_is_named(
    app: Flask, shop: str, path: str, body: object, field: str
) -> None:
    response = app.test_client().post(f"/v1/indexes/{shop}/{path}", json=body)
    assert (response.status_code, response.get_json()["error"]["field"]) == (400, field)


def test_experiment_runs_until_it_is_stopped(
    call: Call, store: WeightsStore, small_shop: str
) -> None:
    first, second = (store.save(document(small_shop, one)) for one in (A, B))
    assert call("GET", "experiment")["experiment"] is None
    assert call("DELETE", "experiment", 400)["message"].startswith("no experiment runs")
    compared = {"kind": "ab", "versions": [first, second], "share": 0.25}
    started = call("POST", "experiment", 201, json=compared)
    assert_documented("ExperimentAnswer", started)
    shown = started["experiment"]
    assert "salt" not in shown, "who knows it can choose an arm"
    assert {name: shown[name] for name in compared} == compared
    assert call("GET", "experiment") == started
    assert call("GET", "weights")["experiment"] == shown
    assert "runs already" in call("POST", "experiment", 400, json=compared)["message"]
    assert "stop it" in call("POST", "weights/activate", 400, json={"version": first})["message"]
    assert call("DELETE", "experiment") == started
    assert store.state(small_shop).experiment is None


def test_report_says_which_time_it_cannot_read_and_what_it_lacks(
    call: Call, store: WeightsStore, small_shop: str
) -> None:
    for since in ("soon", "2026-13-01", "7y"):
        assert call("GET", f"experiment/report?since={since}", 400)["field"] == "since", since
    assert call("GET", "experiment/report", 400)["field"] == "experiment"
    versions = [store.save(document(small_shop, one)) for one in (A, B)]
    call("POST", "experiment", 201, json={"kind": "ab", "versions": versions})
    assert call("GET", "experiment/report", 503)["code"] == "missing_setting"


def test_weights_of_an_index_that_is_not_there_are_unknown(app: Flask) -> None:
    for path in ("weights", "experiment"):
        response = app.test_client().get(f"/v1/indexes/no-such-shop/{path}")
        assert response.status_code == 404
        assert response.get_json()["error"]["code"] == "unknown_index"
