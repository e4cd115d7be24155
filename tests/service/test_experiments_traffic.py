"""An experiment from its start to its report, over HTTP and the command line."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient
from jsonschema_rs import Draft202012Validator

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from mappings.command_line import cli
from mappings.errors import InvalidQuery, MissingSetting
from service.api import experiments
from service.api.openapi import openapi_document
from service.events.event_index import PATTERN
from service.weights.store import WeightsStore
from tests.indexer.programs import environment
from tests.service.conftest import running_app
from tests.service.test_experiments_search import KEY, A, B, document, post

pytestmark = pytest.mark.cluster
Weights = Callable[..., str]
CLIENTS = 40


@pytest.fixture
def web(
    elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis, cluster: Elasticsearch
) -> Iterator[FlaskClient]:
    with running_app(elasticsearch.url, redis_server.url, service_events_key=KEY) as app:
        yield app.test_client()
    for name in cluster.indices.get(index=PATTERN):
        cluster.indices.delete(index=name)


@pytest.fixture
def weights(
    elasticsearch: EmbeddedElasticsearch, small_shop: str, monkeypatch: pytest.MonkeyPatch
) -> Weights:
    """`shelfwise weights ...` for the small shop."""
    variables = environment(elasticsearch.url, "redis://127.0.0.1:9/0", service_events_key=KEY)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)

    def call(*arguments: str) -> str:
        result = CliRunner().invoke(
            cli, ["weights", *arguments, "--index", small_shop], catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        return result.output

    return call


def searched(web: FlaskClient, index: str, client: str) -> dict[str, Any]:
    body = {"q": "model", "client_id": client, "limit": 12, "fields": ["title"]}
    answer: dict[str, Any] = post(web.application, index, **body).get_json()
    assert answer["hits"], answer
    return answer


def wait_for(web: FlaskClient, index: str, says: Callable[[dict[str, Any]], bool]) -> None:
    deadline = time.monotonic() + 10
    while not says(searched(web, index, "somebody")):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def tell(
    web: FlaskClient, index: str, client: str, answer: dict[str, Any], clicked: str | None
) -> None:
    """Send what a shop sends: an impression, and a click where there was one."""
    about = {
        "query_id": answer["query_id"],
        "client_id": client,
        "timestamp": datetime.now(UTC).isoformat(),
        "user_query": "model",
        "index": index,
    }
    places = {hit["id"]: place for place, hit in enumerate(answer["hits"], start=1)}
    shown = [{"object_id": product, "ordinal": place} for product, place in places.items()]
    events: list[dict[str, Any]] = [
        {**about, "action_name": "impression", "event_attributes": {"objects": shown}}
    ]
    if clicked is not None:
        attributes = {"object": {"object_id": clicked}, "position": {"ordinal": places[clicked]}}
        events.append({**about, "action_name": "click", "event_attributes": attributes})
    response = web.post("/v1/events", json={"events": events})
    assert response.status_code == 202, response.text


def test_interleaving_from_its_start_to_its_report(
    web: FlaskClient,
    weights: Weights,
    cluster: Elasticsearch,
    small_shop: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = WeightsStore(cluster)
    first, second = (store.save(document(small_shop, one)) for one in (A, B))
    compared = ("--kind", "interleave", "--versions", f"{first},{second}", "--share", "1")
    weights("experiment", "start", *compared)
    wait_for(web, small_shop, lambda answer: answer["weights_version"] == f"{first}+{second}")
    for number in range(CLIENTS):
        client = f"client-{number}"
        answer = searched(web, small_shop, client)
        wanted = second if number < 30 else first
        best = next(hit["id"] for hit in answer["hits"] if hit["team"] == wanted)
        tell(web, small_shop, client, answer, best)
    # A rival who saw the same list, clicks in another's name and makes an id up.
    tell(web, small_shop, "rival", answer, best)
    tell(web, small_shop, "rival", {**answer, "query_id": answer["query_id"][:-4] + "AAAA"}, best)

    found = json.loads(weights("experiment", "report", "--json"))
    assert (found["versions"], found["clients"]) == ([first, second], CLIENTS)
    result = found["result"]
    assert (result["wins"], result["losses"], result["ties"]) == (30, 10, 0)
    assert found["left_out"] == {"other_client": 2, "not_verified": 1}
    text = weights("experiment", "report", "--since", "7d")
    assert "B is preferred by 75.0% of 40 clients" in text
    assert "p = 0.0022" in text

    address = f"/v1/indexes/{small_shop}/experiment/report"
    asked = web.get(address).get_json()
    assert (asked["result"], asked["verdicts"]) == (result, found["verdicts"])
    assert asked["verdicts"][0].startswith("Preference: B leads; p = 0.0022")
    schemas = openapi_document()["components"]["schemas"]
    named = {"$ref": "#/components/schemas/ExperimentReportAnswer"}
    Draft202012Validator({**named, "components": {"schemas": schemas}}).validate(asked)
    assert web.get(f"{address}?until=1d").get_json()["error"]["field"] == "until"
    monkeypatch.setattr(experiments, "MOST_EVENTS", 20)
    assert "more than 20 events" in web.get(address).get_json()["error"]["message"]

    ended = weights("experiment", "stop")
    (experiment_id,) = re.findall(r"--experiment ([0-9a-f]{8})", ended)
    wait_for(web, small_shop, lambda answer: "+" not in answer["weights_version"])
    again = json.loads(weights("experiment", "report", "--json"))
    assert again["result"] == result and again["split_p_value"] is None
    assert again["verdicts"] == found["verdicts"] != []
    named = weights("experiment", "report", "--experiment", experiment_id)
    assert named.startswith(f"experiment {experiment_id} on")


def test_ab_from_its_start_to_its_report(
    web: FlaskClient, weights: Weights, cluster: Elasticsearch, small_shop: str
) -> None:
    store = WeightsStore(cluster)
    first, second = (store.save(document(small_shop, one)) for one in (A, B))
    weights("experiment", "start", "--kind", "ab", "--versions", f"{first},{second}")
    # One client in ten gets the second, by a salt that is drawn anew.
    wait_for(web, small_shop, lambda answer: answer["weights_version"] in (first, second))
    weights("experiment", "stop")
    compared = ("--versions", f"{first},{second}", "--share", "0.5")
    weights("experiment", "start", "--kind", "ab", *compared)
    time.sleep(2.5)  # the service follows every two seconds; both experiments answer alike
    arms = dict.fromkeys((first, second), 0)
    for number in range(CLIENTS):
        client = f"client-{number}"
        answer = searched(web, small_shop, client)
        version = answer["weights_version"]
        arms[version] += 1
        # Of A every second client clicks, of B everybody does.
        clicks = version == second or arms[version] % 2 == 0
        tell(web, small_shop, client, answer, answer["hits"][0]["id"] if clicks else None)
    assert min(arms.values()) >= 8
    found = json.loads(weights("experiment", "report", "--json"))
    clicks = {version: one["successes"] for version, one in found["result"]["clicks"].items()}
    seen = {version: one["trials"] for version, one in found["result"]["clicks"].items()}
    assert seen == arms
    assert clicks == {first: arms[first] // 2, second: arms[second]}
    assert found["split_p_value"] > 0.001
    assert "of A, 100.0% of" in weights("experiment", "report")


def test_report_without_an_experiment_or_a_key_says_so(
    weights: Weights, small_shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidQuery, match=f"no experiment runs on '{small_shop}'"):
        weights("experiment", "report")
    with pytest.raises(InvalidQuery, match="age 'soon'"):
        weights("experiment", "report", "--since", "soon")
    monkeypatch.delenv("SHELFWISE_SERVICE_EVENTS_KEY")
    with pytest.raises(MissingSetting, match="SHELFWISE_SERVICE_EVENTS_KEY"):
        weights("experiment", "report")
