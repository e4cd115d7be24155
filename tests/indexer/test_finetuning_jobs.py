"""Fine-tunings that were asked for: done by a worker, stopped, and taken over from a dead one."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.image_registry import image_encoder_spec
from indexer.finetune import jobs
from indexer.finetune.jobs import FinetuningJobs
from indexer.pipeline import Pipeline
from indexer.settings import IndexerSettings
from mappings.finetunings import Finetuning, Finetunings
from mappings.index_lifecycle import create_index
from mappings.product_changes import ProductChange
from tests.indexer.finetune_shop import write_shop, write_tower

pytestmark = pytest.mark.models

OPTIONS = {"epochs": 2, "batch_size": 16}
LONG = {"epochs": 10_000, "batch_size": 16}


@pytest.fixture
def environ(monkeypatch, elasticsearch, redis_server, tmp_path) -> dict[str, str]:
    environ = {
        "SHELFWISE_ELASTICSEARCH_URL": elasticsearch.url,
        "SHELFWISE_REDIS_URL": redis_server.url,
        "SHELFWISE_TEXT_ENCODER": "hashing",
        "SHELFWISE_MODEL_DIRECTORY": str(tmp_path / "models"),
        "SHELFWISE_INDEXER_IMAGE_DIRECTORY": str(tmp_path / "shop"),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0.2)
    return environ


@pytest.fixture
def finetunings(cluster) -> Finetunings:
    """No others wait: the jobs take the oldest of all indexes."""
    kept = Finetunings(cluster)
    for known in kept.list():
        kept.cancel(known.id)
    return kept


@pytest.fixture
def drawn_shop(cluster, index_name, tmp_path) -> str:
    catalogue = write_shop(tmp_path / "shop", products=90)
    create_index(cluster, index_name, {"text_vector": HashingEncoder().spec})
    changes = []
    for line in catalogue.read_text().splitlines():
        product = json.loads(line)
        product["images"] = [f"file:{name}" for name in product["images"]]
        changes.append(ProductChange("upsert", product.pop("id"), product))
    outcome = Pipeline(cluster, HashingEncoder()).process(index_name, changes)
    assert outcome.indexed == 90
    cluster.indices.refresh(index=index_name)
    return index_name


@pytest.fixture
def base(tmp_path) -> str:
    return str(write_tower(tmp_path / "base" / "tower"))


def worker(cluster, environ, stopped: threading.Event | None = None) -> FinetuningJobs:
    settings = IndexerSettings.from_environment(environ)
    return FinetuningJobs(cluster, settings, stopped or threading.Event())


def begin(jobs_of_worker: FinetuningJobs, finetunings: Finetunings, asked: Finetuning):
    """Let a worker begin in a thread; return the thread once its training has said something."""
    thread = threading.Thread(target=jobs_of_worker.do_next)
    thread.start()
    deadline = time.monotonic() + 60
    while not finetunings.get(asked.id).said:
        assert time.monotonic() < deadline and thread.is_alive()
        time.sleep(0.1)
    return thread


def test_what_cannot_be_done_says_why(cluster, environ, finetunings, index_name):
    asked = finetunings.ask_for(index_name, OPTIONS)
    worker(cluster, environ).do_next()
    failed = finetunings.get(asked.id)
    assert failed.state == "failed" and index_name in failed.said


def test_a_cancelled_one_stops_soon_and_stays_cancelled(
    cluster, environ, finetunings, drawn_shop, base
):
    asked = finetunings.ask_for(drawn_shop, {**LONG, "base": base})
    thread = begin(worker(cluster, environ), finetunings, asked)
    assert finetunings.cancel(asked.id).state == "cancelled"
    thread.join(30)
    assert not thread.is_alive()
    assert finetunings.get(asked.id).state == "cancelled"


def test_what_one_worker_leaves_the_next_goes_on_with(
    cluster, environ, finetunings, drawn_shop, base, tmp_path
):
    asked = finetunings.ask_for(drawn_shop, {**OPTIONS, "base": base})
    stopped = threading.Event()
    thread = begin(worker(cluster, environ, stopped), finetunings, asked)
    stopped.set()
    thread.join(30)
    left = finetunings.get(asked.id)
    assert left.state == "running"
    assert worker(cluster, environ).do_next() is None  # its worker may still live
    silent = replace(left, seen_at="2020-01-01T00:00:00.000+00:00")
    cluster.index(
        index="shelfwise-finetunings", id=left.id, document=silent.to_json(), refresh=True
    )
    assert worker(cluster, environ).do_next().id == asked.id
    done = finetunings.get(asked.id)
    assert (done.state, done.encoder) == ("done", left.encoder), done.said
    assert done.after.keys() == done.before.keys() and any(done.after.values())
    assert not (Path(done.encoder) / ".work").exists()
    spec = image_encoder_spec(done.encoder, model_directory=tmp_path)
    assert spec.text_space == HashingEncoder().spec.revision
    assert worker(cluster, environ).do_next() is None
