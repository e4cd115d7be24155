"""Spans: none without a destination, one trace from a request to its batch with one."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mappings.tracing import (
    annotate,
    continued_from,
    outgoing_context,
    span,
    start_tracing,
    trace_with,
)


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace_with(provider)
    yield exporter
    trace_with(None)


def test_off_nothing_of_opentelemetry_is_imported_and_no_header_is_sent():
    code = (
        "import sys, mappings.tracing as t\n"
        "with t.span('a'), t.continued_from({'traceparent': 'x'}): t.annotate(b=1)\n"
        "assert t.outgoing_context() == {} and not t.start_tracing('p', {})\n"
        "sys.exit('opentelemetry' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_spans_nest_and_go_on_in_another_program(spans):
    with span("request"):
        annotate(**{"http.response.status_code": 202})
        headers = outgoing_context()
    with continued_from(headers), span("worker.batch", index="shop"), span("worker.encode"):
        pass
    request, encode, batch = spans.get_finished_spans()
    assert [one.name for one in (request, batch, encode)] == [
        *("request", "worker.batch", "worker.encode"),
    ]
    assert batch.parent.span_id == request.context.span_id
    assert encode.parent.span_id == batch.context.span_id
    assert len({one.context.trace_id for one in (request, batch, encode)}) == 1
    assert request.attributes == {"http.response.status_code": 202}
    assert batch.attributes == {"index": "shop"}


def test_failed_span_tells_the_kind_of_error_and_not_its_text(spans):
    with pytest.raises(ValueError), span("search"):
        raise ValueError("present for uncle albert")
    (failed,) = spans.get_finished_spans()
    assert not failed.status.is_ok and failed.status.description == "ValueError"
    assert "albert" not in failed.to_json()


@pytest.mark.parametrize(
    "headers", [{}, {"traceparent": "nonsense"}, {"traceparent": "00-" + "0" * 32 + "-0-01"}]
)
def test_header_that_is_no_trace_begins_a_new_one(spans, headers):
    with continued_from(headers), span("request"):
        pass
    (request,) = spans.get_finished_spans()
    assert request.parent is None


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
    ],
)
def test_environment_decides_whether_traces_are_sent(environ, expected):
    try:
        assert start_tracing("shelfwise-test", environ) is expected
    finally:
        trace_with(None)
