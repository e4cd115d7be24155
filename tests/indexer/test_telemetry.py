"""The workers' metrics: of one process, of a forking pool, and what they say of a batch."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
import structlog

from embedded import ports
from indexer.telemetry import METRICS, WorkerTelemetry
from mappings.batch_messages import REQUEST_ID, publisher
from mappings.outbox import Outbox, Outgoing
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome, Reject, TaskRecords, connect
from mappings.tracing import observe, span, unobserve
from service.task_queue import publisher as service_publisher
from tests.indexer.programs import Program, environment, run, wait_until


def value(text: str, name: str, **labels: str) -> float:
    """The value of a sample, 0 for one that is not there."""
    shown = ",".join(f'{key}="{label}"' for key, label in labels.items())
    found = re.search(
        rf"^{re.escape(name)}{re.escape('{' + shown + '}') if shown else ''} (\S+)$",
        text,
        re.MULTILINE,
    )
    return float(found[1]) if found else 0.0


def test_no_metric_has_a_label_without_bound():
    assert {label for metric in METRICS for label in metric.labels} <= {
        *("lane", "result", "index", "outcome", "stage"),
    }


def test_batch_is_counted_by_outcome_and_by_its_oldest_change():
    telemetry = WorkerTelemetry(clock=lambda: 100.0)
    rejects = (Reject("3", None, "broken"),)
    outcome = BatchOutcome(indexed=2, rejects=rejects, rejected=1)
    telemetry.finished("changes", "shop", outcome, 96_000_000)
    text = telemetry.exposition().decode()
    assert value(text, "shelfwise_worker_changes_total", index="shop", outcome="indexed") == 2
    assert value(text, "shelfwise_worker_changes_total", index="shop", outcome="rejected") == 1
    assert value(text, "shelfwise_index_lag_seconds_sum", lane="changes") == 4.0


def test_steps_are_timed_while_they_are_observed():
    telemetry = WorkerTelemetry()
    observe(telemetry.observed)
    try:
        with pytest.raises(ZeroDivisionError), span("worker.encode"):
            raise ZeroDivisionError
        with span("search.encode"):
            pass
    finally:
        unobserve(telemetry.observed)
    with span("worker.encode"):
        pass
    text = telemetry.exposition().decode()
    assert value(text, "shelfwise_worker_stage_seconds_count", stage="encode") == 1
    assert "search" not in text


@pytest.mark.stack
@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_worker_answers_prometheus_for_all_its_processes(
    elasticsearch, redis_server, cluster, index_name, tmp_path, pool
):
    (port,) = ports.pick_free(1)
    env = environment(
        elasticsearch.url, redis_server.url, indexer_pool=pool, indexer_metrics_port=port
    )
    run("index", "create", index_name, env=env, log=tmp_path / "index.log")
    queue = connect(redis_server.url)
    records = TaskRecords(queue, ttl_seconds=100)
    outbox = Outbox(queue, service_publisher(redis_server.url), ttl_seconds=100)

    def scrape() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return answer.read().decode()

    with Program("worker", env=env, log=tmp_path / "log") as worker:
        worker.wait_until_says("ready.")
        for number in range(4):
            change = ProductChange(
                "upsert", str(number), {"title": f"Mouse {number} of {index_name}"}
            )
            with structlog.contextvars.bound_contextvars(request_id=f"request-{number}"):
                task = outbox.submit(index_name, [Outgoing(0, "changes", [change], [0])])
            wait_until(lambda task=task: records.read(task).state == "done")
        bad = ProductChange("upsert", "bad", {"price": "a lot"})
        task = outbox.submit(index_name, [Outgoing(0, "changes", [bad], [0])])
        wait_until(lambda: records.read(task).state == "done")
        wait_until(
            lambda: (
                value(scrape(), "shelfwise_worker_batches_total", lane="changes", result="done")
                == 5
            ),
            seconds=10,
        )
        text = scrape()
        said = worker.said
    labels = {"index": index_name, "outcome": "indexed"}
    assert value(text, "shelfwise_worker_changes_total", **labels) == 4
    assert value(text, "shelfwise_index_lag_seconds_count", lane="changes") == 5
    assert value(text, "shelfwise_worker_stage_seconds_count", stage="encode") >= 4
    assert value(text, "shelfwise_worker_stage_seconds_count", stage="write") >= 4
    assert value(text, "shelfwise_vector_cache_total", result="miss") >= 4
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert len(lines) == len(said.splitlines()), "Celery's lines are JSON too"
    rejected = [line for line in lines if line["event"] == "product_rejected"]
    assert [line["product"] for line in rejected] == ["bad"]
    done = [line for line in lines if line["event"] == "batch_done" and "request_id" in line]
    assert [(line["request_id"], line["products"]) for line in done] == [
        (f"request-{number}", [str(number)]) for number in range(4)
    ]


def test_message_carries_the_id_of_the_request_that_brought_it():
    sent = []
    publish = publisher(lambda *_, **options: sent.append(options["headers"]), failure="-")
    publish("fast", "task", 0, "shop")
    with structlog.contextvars.bound_contextvars(request_id="abc"):
        publish("fast", "task", 0, "shop")
    assert [headers.get(REQUEST_ID) for headers in sent] == [None, "abc"]
