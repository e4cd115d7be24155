"""Makes the recorder and the reader of a service from its settings."""

from __future__ import annotations

from collections.abc import Callable

from elasticsearch import Elasticsearch

from mappings.task_records import connect as connect_queue
from service.events.event_store import EventStore
from service.insight.insight import Insight
from service.insight.log_store import LogStore
from service.insight.recorder import Recorder, Retention
from service.queue_metrics import REDIS_SECONDS
from service.settings import ServiceSettings

_WRITE_SECONDS = 5.0
"""Longest wait for one write; nobody waits but the thread that does it."""
_READ_SECONDS = 30.0
"""Longest wait for figures of a month, which nobody has asked for lately."""


def build_insight(settings: ServiceSettings, client: Elasticsearch) -> Insight:
    """Return what reads the figures."""
    patient = client.options(request_timeout=_READ_SECONDS)
    return Insight(patient, is_recording=settings.service_search_log)


def build_recorder(
    settings: ServiceSettings, client: Elasticsearch, *, on_drop: Callable[[int], None]
) -> Recorder:
    """Return the recorder; nothing is sent over the network before it is started."""
    redis_url = settings.redis_url.get_secret_value()
    return Recorder(
        LogStore(client.options(request_timeout=_WRITE_SECONDS)),
        EventStore(client),
        connect_queue(redis_url, timeout_seconds=REDIS_SECONDS),
        retention=Retention(settings.service_search_log_days, settings.service_events_days),
        is_on=settings.service_search_log,
        on_drop=on_drop,
    )
