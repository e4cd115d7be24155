"""Training over HTTP: a real process beside a real Elasticsearch, followed to its end."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient

from mappings.errors import InvalidQuery
from service.judgements.judgement_list import JudgementList
from service.judgements.store import JudgementStore
from service.learning.registry import TRAINERS
from service.learning.run import join_lists
from service.training_jobs.records import (
    GONE,
    SILENT_SECONDS,
    TRAININGS_INDEX,
    TrainingJob,
    TrainingJobs,
)
from service.training_jobs.request import TrainRequest
from service.training_jobs.starting import MODULE, settings_json
from service.weights.store import WeightsStore
from tests.service.catalogue import PRODUCTS
from tests.service.conftest import services_of
from tests.service.test_train_command import QUERIES, grade

cluster_test = pytest.mark.cluster


@pytest.fixture
def path(shop: str) -> str:
    return f"/v1/indexes/{shop}/train"


@pytest.fixture
def list_name(cluster: Elasticsearch) -> Iterator[str]:
    """A stored list of which a model can learn."""
    name, store = f"list-{secrets.token_hex(6)}", JudgementStore(cluster)
    grades = {
        query: {one["id"]: grade(query, one) for one in PRODUCTS[:120]} for query in QUERIES[:12]
    }
    store.save(name, JudgementList(grades))
    yield name
    store.delete(name)


@pytest.fixture
def weights(cluster: Elasticsearch, shop: str) -> Iterator[WeightsStore]:
    store = WeightsStore(cluster)
    yield store
    store.deactivate(shop)
    for one in store.list(shop):
        store.delete(shop, one["version"])


def options(name: str) -> dict:
    # The other kinds take torch, which takes seconds to import.
    return TrainRequest(judgements=[name], fusions=["weighted_sum"]).model_dump()


def followed(client: FlaskClient, address: str, *, seconds: float = 90) -> list[dict]:
    """What is said of a training until it ends."""
    seen, deadline = [], time.monotonic() + seconds
    while not seen or seen[-1]["state"] == "running":
        assert time.monotonic() < deadline, seen[-1]
        seen.append(client.get(address).json)
        time.sleep(0.2)
    return seen


@cluster_test
def test_a_training_is_started_followed_and_leaves_a_version(
    client, path, list_name, weights, shop
):
    body = {"judgements": [list_name], "fusions": ["weighted_sum"], "note": "by a test"}
    started = client.post(path, json=body)
    assert (started.status_code, started.json["state"]) == (202, "running"), started.text
    again = client.post(path, json=body)
    assert (again.status_code, again.json["error"]["code"]) == (409, "conflict")
    seen = followed(client, f"{path}/{started.json['id']}")
    done = seen[-1]
    assert done["state"] == "done", done["said"]
    shares = [one["share"] for one in seen]
    assert shares[0] < 1.0 == shares[-1]
    names = [one["name"] for one in done["progress"]]
    assert names[0] == "searching" and names[-1] == "weighted_sum"
    assert all(one["done"] == one["total"] for one in done["progress"])
    ways = done["figures"]["ways"]
    assert (
        ways["weighted_sum"]["low"] <= ways["weighted_sum"]["gain"] <= ways["weighted_sum"]["high"]
    )
    assert ways["fixed_blend"]["gain"] == 0
    kept = weights.get(shop, done["version"])
    assert (kept["note"], kept["training"]["queries"]) == ("by a test", 12)
    assert not done["is_active"] and weights.state(shop).active is None
    (listed,) = [one for one in client.get(path).json["trainings"] if one["id"] == done["id"]]
    assert listed == {**done, "figures": {}}


@cluster_test
def test_a_cancelled_training_ends_and_leaves_nothing(client, path, list_name, weights, shop):
    body = {"judgements": [list_name], "fusions": ["gated"]}
    one = f"{path}/{client.post(path, json=body).json['id']}"
    assert client.delete(one).json["state"] == "cancelled"
    assert client.delete(one).json["state"] == "cancelled"
    assert client.get(one).json["state"] == "cancelled"
    assert weights.list(shop) == []


@cluster_test
def test_too_few_queries_fail_with_the_reason(client, app, cluster, path, shop):
    name, store = f"list-{secrets.token_hex(6)}", JudgementStore(cluster)
    store.save(name, JudgementList({"mouse": {"p001": 3, "p002": 0}}))
    job = TrainingJobs(cluster).start(shop, options(name), who="")
    order = {"training": job.id, "settings": settings_json(services_of(app).settings)}
    try:
        child = subprocess.Popen([sys.executable, "-m", MODULE], stdin=subprocess.PIPE)
        with child:
            child.stdin.write(orjson.dumps(order) + b"\n")
            child.stdin.flush()
            assert child.wait(120) == 0
    finally:
        store.delete(name)
    failed = client.get(f"{path}/{job.id}").json
    assert failed["state"] == "failed"
    assert "learning takes at least 10" in failed["said"][-1]


@cluster_test
def test_a_training_whose_parent_is_gone_has_failed(client, app, cluster, path, shop, list_name):
    job = TrainingJobs(cluster).start(shop, options(list_name), who="")
    order = {"training": job.id, "settings": settings_json(services_of(app).settings)}
    ended = subprocess.run([sys.executable, "-m", MODULE], input=orjson.dumps(order) + b"\n")
    assert ended.returncode == 1
    failed = client.get(f"{path}/{job.id}").json
    assert (failed["state"], failed["version"]) == ("failed", None)
    assert "the service that ran it has ended" in failed["said"][-1]


@cluster_test
def test_a_silent_training_has_failed_and_another_may_start(cluster, shop, client, path):
    jobs = TrainingJobs(cluster)
    job = jobs.start(shop, {}, who="")
    late = datetime.now(UTC) - timedelta(seconds=SILENT_SECONDS + 1)
    silent = replace(job, seen_at=late.isoformat())
    document = {"kind": "training", **silent.to_json()}
    cluster.index(index=TRAININGS_INDEX, id=job.id, document=document, refresh=True)
    assert jobs.get(job.id).state == "failed" and jobs.get(job.id).said == (GONE,)
    assert jobs.list(shop)[0].state == "failed"
    other = jobs.start(shop, {}, who="")
    assert client.delete(f"{path}/{other.id}").json["state"] == "cancelled"
    assert not jobs.report(other)


@cluster_test
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "judgements: name lists, or say clicks"),
        ({"judgements": ["a"], "clicks": True}, "and not both"),
        ({"judgements": ["no-such-list"]}, "no list is named 'no-such-list'"),
        ({"judgements": ["../x"]}, "judgements.0"),
        ({"clicks": True, "days": 1}, "clicks: no events of index"),
        ({"judgements": ["a"], "fusions": ["magic"]}, "fusions.0"),
        ({"judgements": ["a"], "seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_trained_is_said_before_anything_starts(client, path, body, message):
    response = client.post(path, json=body)
    assert response.status_code == 400
    assert message in response.json["error"]["message"]


def test_every_trainer_may_be_asked_for():
    assert TrainRequest(judgements=["a"]).fusions == list(TRAINERS)


def test_lists_are_joined_by_the_mean_and_only_on_one_scale():
    a, b = {"q": {"p": 3, "r": 0}}, {"q": {"p": 2}, "s": {"t": 1}}
    assert join_lists({"a": (a, 3), "b": (b, 3)}) == {"q": {"p": 2.5, "r": 0.0}, "s": {"t": 1.0}}
    with pytest.raises(InvalidQuery, match="one scale of grades, got a 0 to 3, b 0 to 4"):
        join_lists({"a": (a, 3), "b": (b, 4)})


def test_a_record_is_read_as_it_was_written():
    job = TrainingJob("1", "shop", "2026-01-01T00:00:00+00:00", progress=({"name": "x"},))
    assert TrainingJob.from_json({"kind": "training", **job.to_json()}) == job
