"""Traces of real calls: a search with its stages, and a change from the API to the worker."""

from __future__ import annotations

import json

import pytest
from celery import Celery
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from indexer.settings import IndexerSettings
from indexer.tasks import register_tasks
from indexer.worker import WorkerParts
from mappings.product_changes import INDEX_CHANGES_TASK, queue_of
from mappings.task_records import connect
from mappings.tracing import trace_with
from tests.service.conftest import TEMPLATE, running_app

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace_with(provider)
    yield exporter
    trace_with(None)


def test_search_is_part_of_the_callers_trace_stage_by_stage(client, shop, spans):
    words = "present for uncle albert"
    headers = {"traceparent": TRACEPARENT}
    answer = client.post(f"/v1/indexes/{shop}/search", json={"q": words}, headers=headers)
    assert answer.status_code == 200
    found = {one.name: one for one in spans.get_finished_spans()}
    stages = ("understand", "encode", "retrieve", "score", "fuse", "fetch")
    assert {f"search.{stage}" for stage in stages} <= set(found)
    request = found["POST /v1/indexes/<index>/search"]
    assert {format(one.context.trace_id, "032x") for one in found.values()} == {TRACE}
    assert found["search"].parent.span_id == request.context.span_id
    assert found["search.retrieve"].parent.span_id == found["search"].context.span_id
    assert request.attributes["http.response.status_code"] == 200
    assert "albert" not in "".join(one.to_json() for one in found.values())


@pytest.mark.stack
def test_change_is_followed_from_the_api_to_its_batch(
    elasticsearch, redis_server, small_shop, spans
):
    queue = connect(redis_server.url)
    queue.flushall()
    with running_app(elasticsearch.url, redis_server.url) as app:
        path = f"/v1/indexes/{small_shop}/products"
        product = {"id": "new", "title": "A mouse that is traced"}
        answer = app.test_client().post(path, json=product, headers={"traceparent": TRACEPARENT})
        assert answer.status_code == 202
    message = json.loads(queue.lpop(queue_of("changes")))
    assert message["headers"]["request_id"] == answer.headers["X-Request-Id"]
    parts = _parts(elasticsearch.url, redis_server.url)
    app = Celery(set_as_current=False)
    register_tasks(app, parts.runner, lambda: parts.photos.task)
    _deliver(app, message, answer.json["task_id"], small_shop)
    batch = [one for one in spans.get_finished_spans() if one.name == "worker.batch"]
    names = {one.name for one in spans.get_finished_spans()}
    assert {"worker.read", "worker.encode", "worker.write"} <= names
    assert format(batch[0].context.trace_id, "032x") == TRACE
    queue.flushall()


def _parts(elasticsearch_url: str, redis_url: str) -> WorkerParts:
    return WorkerParts(
        IndexerSettings.model_validate(
            {
                "elasticsearch_url": elasticsearch_url,
                "redis_url": redis_url,
                "text_encoder": "hashing",
                "text_template": TEMPLATE,
                "indexer_gather_milliseconds": 0,
            }
        )
    )


def _deliver(app: Celery, message: dict, task_id: str, index: str) -> None:
    """Run the task as a worker does with a message that it has taken from Redis."""
    task = app.tasks[INDEX_CHANGES_TASK]
    task.push_request(
        id=message["headers"]["id"],
        headers=message["headers"],
        delivery_info={"routing_key": queue_of("changes")},
    )
    try:
        task.run(task_id=task_id, batch=0, index=index)
    finally:
        task.pop_request()
