"""The service's metrics: what a search counts, what waits in Redis, several processes as one."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mappings.errors import QueueUnavailable
from mappings.outbox import Outbox, Outgoing
from mappings.product_changes import LANES, ProductChange, queue_of
from mappings.queue_state import LaneState, QueueState, read_queue_state
from mappings.task_records import connect
from service.queue_metrics import QueueMetrics
from service.telemetry import METRICS, Telemetry


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float | None:
    return samples(text).get((name, tuple(sorted(labels.items()))))


def test_no_metric_has_a_label_without_bound():
    assert {label for metric in METRICS for label in metric.labels} <= {
        *("index", "stage", "leg", "filtered", "reason", "kind", "result"),
        *("status", "method", "route", "version", "lane"),
    }
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"shelfwise_[a-z_]+", name) for name in names)


@pytest.mark.cluster
def test_search_is_counted_by_stage_leg_and_neighbours(client, shop, search):
    def read(name: str, **labels: str) -> float:
        return value(client.get("/metrics").text, name, index=shop, **labels) or 0.0

    before = {leg: read("shelfwise_leg_hits_total", leg=leg) for leg in ("lexical", "text_vector")}
    shortfall = read("shelfwise_knn_shortfall_total", leg="text_vector")
    nothing = read("shelfwise_zero_results_total")
    answer = search(q="wireless mouse", limit=10, filter={"price": {"lt": 40}})
    for leg, count in before.items():
        shown = sum(hit["legs"][leg]["score"] is not None for hit in answer["hits"])
        assert read("shelfwise_leg_hits_total", leg=leg) == count + shown, leg
    leads = sum(read("shelfwise_leg_leads_total", leg=leg) for leg in ("lexical", "text_vector"))
    assert leads >= len(answer["hits"]) > 0
    for stage in ("total", "encode", "retrieve", "score", "fuse", "fetch"):
        assert read("shelfwise_search_latency_seconds_count", stage=stage) >= 1, stage
    labels = {"leg": "text_vector", "filtered": "true"}
    assert read("shelfwise_knn_neighbours_count", **labels) >= 1
    search(q="wireless mouse", filter={"price": {"lt": 0.01}})
    assert read("shelfwise_knn_shortfall_total", leg="text_vector") >= shortfall + 1
    assert read("shelfwise_zero_results_total") == nothing + 1


@pytest.mark.cluster
def test_query_vectors_that_are_remembered_count_as_hits(client, search):
    def count(result: str) -> float:
        text = client.get("/metrics").text
        return value(text, "shelfwise_query_cache_total", kind="text", result=result) or 0.0

    words = f"a query of {time.time()}"
    search(q=words)
    hits, misses = count("hit"), count("miss")
    search(q=words)
    assert (count("hit"), count("miss")) == (hits + 1, misses)


def test_requests_are_timed_by_the_pattern_of_their_address(client):
    client.get("/v1/indexes/no-such-shop/products/some-id")
    client.get("/nowhere/at/all")
    text = client.get("/metrics").text
    route = "/v1/indexes/<index>/products/<product_id>"
    assert value(text, "shelfwise_http_request_seconds_count", method="GET", route=route)
    assert value(text, "shelfwise_http_request_seconds_count", method="GET", route="none")
    assert "some-id" not in text and "nowhere" not in text


def test_queue_is_read_lane_by_lane(redis_server):
    queue = connect(redis_server.url)
    queue.flushall()
    outbox = Outbox(queue, lambda lane, *_: queue.lpush(queue_of(lane), "m"), ttl_seconds=100)
    changes = [ProductChange("patch", str(number), {"price": 1}) for number in range(3)]
    for number, lane in enumerate(("fast", "fast", "changes")):
        outbox.submit("shop", [Outgoing(number, lane, changes, range(3))])
    time.sleep(0.05)
    state = read_queue_state(queue)
    assert set(state.lanes) == set(LANES)
    fast = state.lanes["fast"]
    assert (fast.waiting, fast.batches, fast.changes) == (2, 2, 6)
    assert 0.04 < fast.oldest_seconds < 30
    assert state.lanes["bulk"] == LaneState()
    text = _shown(QueueMetrics(lambda: state, lambda: {"shop": 4}))
    assert value(text, "shelfwise_queue_batches", lane="changes") == 1
    assert value(text, "shelfwise_queue_oldest_seconds", lane="bulk") == 0
    assert value(text, "shelfwise_photos_due", index="shop") == 4
    queue.flushall()


def test_what_cannot_be_read_is_absent_and_not_nought():
    def away() -> QueueState:
        raise QueueUnavailable("Redis is away")

    text = _shown(QueueMetrics(away, lambda: {}))
    assert value(text, "shelfwise_queue_up") == 0
    assert "shelfwise_queue_batches" not in text and "shelfwise_dead_letters" not in text


def test_photos_are_counted_once_in_a_while():
    now, looks = [0.0], []

    def count() -> dict[str, int]:
        looks.append(now[0])
        return {"shop": len(looks)}

    state = QueueState({}, 0)
    metrics = QueueMetrics(lambda: state, count, clock=lambda: now[0])
    for seconds in (0.0, 1.0, 14.0, 16.0):
        now[0] = seconds
        list(metrics.collect())
    assert looks == [0.0, 16.0]


def _shown(queue: QueueMetrics) -> str:
    telemetry = Telemetry()
    telemetry.show_queue(queue)
    return telemetry.exposition().decode()


@pytest.mark.parametrize("program", ["service.cli", "indexer.cli"])
def test_commands_do_not_import_what_decides_whether_processes_count_together(program):
    code = f"import sys, {program}; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
