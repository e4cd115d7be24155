"""Fine-tuning over HTTP: asked for, followed, cancelled, and what it made served by a rebuild."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.image_registry import image_encoder_spec
from mappings.finetunings import FINETUNINGS_INDEX, Finetuning, Finetunings
from mappings.index_lifecycle import create_index
from mappings.index_versions import find_next
from tests.service.conftest import TEMPLATE, running_app

pytestmark = pytest.mark.cluster


@pytest.fixture
def app(elasticsearch, redis_server) -> Iterator[Flask]:
    with running_app(elasticsearch.url, redis_server.url) as app:
        yield app


@pytest.fixture
def photo_shop(cluster, index_name, tmp_path) -> str:
    encoders = {
        "text_vector": HashingEncoder(template=TEMPLATE).spec,
        "image_vector": image_encoder_spec("hashing-image", model_directory=tmp_path),
    }
    create_index(cluster, index_name, encoders)
    return index_name


@pytest.fixture
def path(photo_shop: str) -> str:
    return f"/v1/indexes/{photo_shop}/finetune"


def finish(cluster, finetuning_id: str, encoder: str) -> Finetuning:
    """Store what a worker would have made."""
    known = Finetunings(cluster).get(finetuning_id)
    done = replace(known, state="done", encoder=encoder, before={"a": 0.1}, after={"a": 0.5})
    cluster.index(index=FINETUNINGS_INDEX, id=finetuning_id, document=done.to_json(), refresh=True)
    return done


def test_one_is_asked_for_followed_and_cancelled(client: FlaskClient, path):
    assert client.get(path).json == {"finetunings": []}
    started = client.post(path, json={"minutes": 2, "colour": "colour"})
    assert (started.status_code, started.json["state"]) == (202, "waiting")
    assert started.json["options"] == {
        "base": "tower",
        "minutes": 2.0,
        "colour": "colour",
        "seed": 0,
    }
    one = f"{path}/{started.json['id']}"
    assert client.get(one).json == started.json
    assert client.get(path).json == {"finetunings": [started.json]}
    again = client.post(path)
    assert (again.status_code, again.json["error"]["field"]) == (400, "index")
    assert client.delete(one).json["state"] == "cancelled"
    assert client.delete(one).json["state"] == "cancelled"
    assert client.post(path).status_code == 202


def test_what_it_made_is_served_by_a_rebuild(cluster, client: FlaskClient, path, photo_shop):
    asked = client.post(path).json["id"]
    finish(cluster, asked, "hashing-image")
    done = client.get(f"{path}/{asked}").json
    assert (done["after"], done["reindex"]) == ({"a": 0.5}, {"image_encoder": "hashing-image"})
    rebuild = f"/v1/indexes/{photo_shop}/reindex"
    assert client.post(rebuild, json={"image_encoder": "/etc"}).status_code == 400
    assert client.post(rebuild, json=done["reindex"]).status_code == 202
    assert find_next(cluster, photo_shop) is not None
    client.delete(rebuild)


def test_a_finished_encoder_is_a_base_for_the_next(cluster, client: FlaskClient, path):
    asked = client.post(path).json["id"]
    assert client.post(path, json={"base": "/models/mine"}).json["error"]["field"] == "index"
    finish(cluster, asked, "/models/mine")
    assert client.post(path, json={"base": "/models/mine"}).status_code == 202


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"base": "/etc"}, "base"),
        ({"base": "--overwrite"}, "base"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 10_000}, "minutes"),
        ({"kind": "--overwrite"}, "kind"),
        ({"colour": ""}, "colour"),
        ({"seed": -1}, "seed"),
        ({"out": "/tmp"}, "out"),
        ([], "body"),
    ],
    ids=str,
)
def test_a_bad_request_names_the_field_and_starts_nothing(client: FlaskClient, path, body, field):
    answer = client.post(path, json=body)
    assert (answer.status_code, answer.json["error"]["field"]) == (400, field)
    assert client.get(path).json == {"finetunings": []}


def test_an_index_without_photos_has_nothing_to_learn_from(client: FlaskClient, small_shop):
    answer = client.post(f"/v1/indexes/{small_shop}/finetune")
    assert (answer.status_code, answer.json["error"]["field"]) == (400, "index")


def test_one_of_another_index_is_not_shown(client: FlaskClient, path, shop):
    asked = client.post(path).json["id"]
    for one in (f"/v1/indexes/{shop}/finetune/{asked}", f"{path}/no-such"):
        assert client.get(one).status_code == 404
        assert client.delete(one).status_code == 404
    assert client.get(f"{path}/{asked}").json["state"] == "waiting"
