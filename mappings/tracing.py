"""Spans: how long each step took, for OpenTelemetry and for whoever else measures.

Without either a span costs a microsecond, and OpenTelemetry is not imported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mappings.errors import MissingSetting

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer, TracerProvider

Observer = Callable[[str, float], None]
"""Told the name of a span that has ended, and its seconds."""

_SCOPE = "shelfwise"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class _Sinks:
    """Where the spans of this process go; set once at its start."""

    tracer: Tracer | None = None
    observers: tuple[Observer, ...] = ()


@contextmanager
def span(name: str, **attributes: str | int | float) -> Iterator[None]:
    """Measure the block. attributes: for the trace alone; never what a shopper typed."""
    tracer, observers = _Sinks.tracer, _Sinks.observers
    if tracer is None and not observers:
        yield
        return
    start = time.perf_counter()
    try:
        if tracer is None:
            yield
        else:
            with _traced(tracer, name, attributes):
                yield
    finally:
        for observer in observers:
            observer(name, time.perf_counter() - start)


def annotate(**attributes: str | int | float) -> None:
    """Add attributes to the span that is open."""
    if _Sinks.tracer is not None:
        from opentelemetry import trace

        trace.get_current_span().set_attributes(attributes)


def outgoing_context() -> dict[str, str]:
    """Return the headers by which another program goes on with this trace, W3C; {} when off."""
    if _Sinks.tracer is None:
        return {}
    from opentelemetry.trace.propagation import tracecontext

    carrier: dict[str, str] = {}
    tracecontext.TraceContextTextMapPropagator().inject(carrier)
    return carrier


@contextmanager
def continued_from(headers: Mapping[str, str]) -> Iterator[None]:
    """Make the spans of the block part of the trace that the headers name, if they name one."""
    if _Sinks.tracer is None:
        yield
        return
    from opentelemetry import context
    from opentelemetry.trace.propagation import tracecontext

    found = tracecontext.TraceContextTextMapPropagator().extract(headers)
    token = context.attach(found)
    try:
        yield
    finally:
        context.detach(token)


def observe(observer: Observer) -> None:
    """Tell an observer of every span of this process from now on."""
    _Sinks.observers = (*_Sinks.observers, observer)


def unobserve(observer: Observer) -> None:
    """Tell it nothing more."""
    _Sinks.observers = tuple(one for one in _Sinks.observers if one != observer)


def start_tracing(program: str, environ: Mapping[str, str]) -> bool:
    """Send traces if the environment says where to (`OTEL_*`); return whether it does.

    To be called after a fork, as the sender is a thread. program: the service's name, unless
    OTEL_SERVICE_NAME is set. Raises MissingSetting without the extra `otel`.
    """
    if not _is_wanted(environ):
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingSetting(
            f"OTEL_EXPORTER_OTLP_ENDPOINT: traces need the package {error.name!r}; install "
            "shelfwise[otel]"
        ) from error
    name = environ.get("OTEL_SERVICE_NAME") or program
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace_with(provider)
    return True


def trace_with(provider: TracerProvider | None) -> None:
    """Send the spans of this process to a provider; None ends that."""
    _Sinks.tracer = None if provider is None else provider.get_tracer(_SCOPE)


def _is_wanted(environ: Mapping[str, str]) -> bool:
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").lower()
    return exporter != "none" and (
        exporter == "otlp" or any(environ.get(name) for name in _ENDPOINTS)
    )


@contextmanager
def _traced(tracer: Tracer, name: str, attributes: Mapping[str, Any]) -> Iterator[None]:
    # The text of an exception may repeat what a shopper typed: its kind alone is sent.
    with tracer.start_as_current_span(
        name, attributes=dict(attributes), record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except Exception as error:
            from opentelemetry.trace import Status, StatusCode

            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
