"""`shelfwise weights` against a real Elasticsearch."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch

from embedded.elasticsearch import EmbeddedElasticsearch
from mappings.command_line import cli
from mappings.errors import InvalidQuery, UnknownWeights
from service.ranking.features import FEATURES
from service.weights.experiments import Experiment
from service.weights.store import WeightsStore
from tests.indexer.programs import environment

pytestmark = pytest.mark.cluster
Invoke = Callable[..., Result]
FIRST, SECOND = list(FEATURES)[:2]


@pytest.fixture
def name() -> str:
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
def store(cluster: Elasticsearch) -> WeightsStore:
    return WeightsStore(cluster)


@pytest.fixture
def invoke(
    elasticsearch: EmbeddedElasticsearch, name: str, monkeypatch: pytest.MonkeyPatch
) -> Invoke:
    monkeypatch.setenv("COLUMNS", "200")
    for variable, value in environment(elasticsearch.url, "redis://127.0.0.1:9/0").items():
        monkeypatch.setenv(variable, value)

    def call(*arguments: str, answer: str = "") -> Result:
        return CliRunner().invoke(cli, ["weights", *arguments, "--index", name], input=answer)

    return call


def said(result: Result) -> str:
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def document(index: str, weight: float = 0.5, **changes: object) -> dict[str, Any]:
    scale = {"kind": "linear", "low": 0.0, "high": 1.0}
    return {
        "index": index,
        "fusion": "weighted_sum",
        "model": {
            "calibrations": {FIRST: scale, SECOND: scale},
            "weights": {FIRST: weight, SECOND: 0.25},
        },
        "features": [FIRST, SECOND],
        "training": {"source": "hand"},
        "metrics": {"ndcg@10": weight},
        **changes,
    }


def write(folder: Path, body: object) -> str:
    file = folder / "weights.json"
    file.write_text(json.dumps(body), encoding="utf-8")
    return str(file)


def test_version_becomes_active_and_is_listed_so(invoke, store, name):
    for weight in (0.5, 0.75):
        store.save(document(name, weight, note=f"with {weight}"))
    assert f"'{name}' is ranked by {name}-2" in said(invoke("activate", f"{name}-2"))
    listed = said(invoke("list"))
    (active,) = [line for line in listed.splitlines() if "active" in line]
    assert f"{name}-2" in active and "with 0.75" in active
    assert f"{name}-1" in listed
    found = json.loads(said(invoke("list", "--json")))
    assert found["active"] == f"{name}-2"
    assert [one["version"] for one in found["versions"]] == [f"{name}-2", f"{name}-1"]


def test_rollback_and_deactivation_are_shown_with_who(invoke, store, name):
    for weight in (0.5, 0.75):
        said(invoke("activate", store.save(document(name, weight))))
    assert f"ranked by {name}-1" in said(invoke("rollback"))
    assert "ranked by the default weights" in said(invoke("deactivate"))
    state = json.loads(said(invoke("show", "--json")))
    actions = [change["action"] for change in state["history"]]
    assert actions == ["activate", "activate", "rollback", "deactivate"]
    assert all("@" in change["who"] for change in state["history"])
    assert "rollback" in said(invoke("show"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fusion": "astrology"}, "fusion 'astrology' is not known"),
        ({"model": {"weights": {}}}, "weighted_sum model is broken: 'calibrations' is missing"),
        ({"model": {"calibrations": 7, "weights": {}}}, "weighted_sum model is broken"),
    ],
)
def test_version_that_cannot_rank_is_refused_with_status_2(invoke, store, name, changes, reason):
    good, bad = store.save(document(name)), store.save(document(name, **changes))
    said(invoke("activate", good))
    refused = invoke("activate", bad)
    assert refused.exit_code == 2
    assert f"'{bad}' cannot become active" in refused.output and reason in refused.output
    assert store.state(name).active == good
    compared = invoke(
        "experiment", "start", "--kind", "ab", "--versions", f"{good},{bad}", "--share", "0.1"
    )
    assert compared.exit_code == 2 and reason in compared.output
    assert store.state(name).experiment is None


def test_feature_that_the_service_does_not_have_is_refused(invoke, store, name):
    body = document(name)
    body["model"]["calibrations"]["star_sign"] = {"kind": "linear"}
    body["model"]["weights"]["star_sign"] = 1.0
    refused = invoke("activate", store.save(body))
    assert refused.exit_code == 2
    assert "star_sign" in refused.output


def test_unknown_version_is_an_error_with_near_names(invoke, store, name):
    store.save(document(name))
    for arguments in (("activate",), ("show",), ("export",), ("delete", "--yes")):
        failed = invoke(*arguments, f"{name}-7")
        assert isinstance(failed.exception, UnknownWeights)
        assert f"{name}-1" in str(failed.exception)


def test_exported_version_is_imported_as_a_new_one(invoke, store, name, tmp_path):
    version = store.save(document(name, note="über", training={"source": "hand", "queries": 3}))
    file = tmp_path / "out.json"
    assert said(invoke("export", version, "--output", str(file)))
    assert json.loads(said(invoke("export", version))) == json.loads(file.read_text("utf-8"))
    output = said(invoke("import", str(file), "--activate"))
    assert f"kept '{name}-2'" in output and f"ranked by {name}-2" in output
    first, second = (store.get(name, f"{name}-{number}") for number in (1, 2))
    for field in ("version", "created_at"):
        del first[field], second[field]
    assert first == second


def test_hand_made_weights_need_neither_index_nor_training(invoke, store, name, tmp_path):
    body = document("another")
    for field in ("index", "training", "features", "metrics"):
        del body[field]
    assert "kept" in said(invoke("import", write(tmp_path, body)))
    assert store.get(name, f"{name}-1")["training"] == {"source": "hand"}
    assert store.state(name).active is None


def test_import_that_shall_become_active_keeps_nothing_that_cannot_rank(
    invoke, store, name, tmp_path
):
    file = write(tmp_path, document(name, model={"weights": {}}))
    refused = invoke("import", file, "--activate")
    assert refused.exit_code == 2 and "nothing was kept" in refused.output
    assert store.list(name) == []
    assert "cannot become active" in said(invoke("import", file))
    assert len(store.list(name)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON"),
        ("[1]", "is a JSON object"),
        ('{"fusion": "weighted_sum", "model": {}, "weights": {}}', "no field 'weights'"),
        ('{"fusion": "weighted_sum"}', "model None"),
        (" " * 10_000_000, "10,000,000 bytes"),
    ],
    ids=["broken", "list", "field", "model", "large"],
)
def test_bad_file_is_refused_and_nothing_is_kept(invoke, store, name, tmp_path, text, message):
    file = tmp_path / "bad.json"
    file.write_text(text, encoding="utf-8")
    failed = invoke("import", str(file))
    assert isinstance(failed.exception, InvalidQuery)
    assert message in str(failed.exception)
    assert store.list(name) == []


def test_two_versions_are_compared(invoke, store, name):
    first, second = (store.save(document(name, weight)) for weight in (0.5, 0.75))
    assert f"weight {FIRST}" in said(invoke("diff", first, second))
    found = json.loads(said(invoke("diff", first, second, "--json")))
    assert found == {
        "versions": [first, second],
        "fusion": ["weighted_sum", "weighted_sum"],
        "added": [],
        "removed": [],
        "weights": {FIRST: [0.5, 0.75], SECOND: [0.25, 0.25]},
        "metrics": {"ndcg@10": [0.5, 0.75]},
    }


def test_delete_asks_first_and_keeps_what_is_active(invoke, store, name):
    first, second = (store.save(document(name, weight)) for weight in (0.5, 0.75))
    store.activate(name, first)
    assert invoke("delete", second, answer="n\n").exit_code == 1
    assert len(store.list(name)) == 2
    assert "forgot" in said(invoke("delete", second, answer="y\n"))
    assert isinstance(invoke("delete", first, "--yes").exception, InvalidQuery)
    assert [one["version"] for one in store.list(name)] == [first]


def test_experiment_is_started_shown_and_stopped(invoke, store, name):
    first, second = (store.save(document(name, weight)) for weight in (0.5, 0.75))
    assert "no experiment runs" in said(invoke("experiment", "show"))
    start = ("experiment", "start", "--versions", f"{first},{second}", "--kind")
    output = said(invoke(*start, "interleave", "--share", "0.25"))
    assert "in one list to 0.25 of the clients" in output
    running = store.state(name).experiment
    assert isinstance(running, Experiment) and len(running.salt) == 16
    assert (running.kind, running.versions, running.share) == ("interleave", (first, second), 0.25)
    assert json.loads(said(invoke("experiment", "show", "--json"))) == running.to_json()
    assert isinstance(invoke(*start, "ab").exception, InvalidQuery)
    assert "the default weights" in said(invoke("experiment", "stop"))
    assert store.state(name).experiment is None
    assert isinstance(invoke("experiment", "stop").exception, InvalidQuery)
    said(invoke(*start, "ab"))
    assert store.state(name).experiment.salt != running.salt


@pytest.mark.parametrize("versions", ["a", "a,b,c", ""])
def test_experiment_wants_two_versions(invoke, versions):
    failed = invoke("experiment", "start", "--kind", "ab", "--versions", versions)
    assert isinstance(failed.exception, InvalidQuery)
    assert failed.exception.field == "versions"
