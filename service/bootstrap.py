"""Wires the service together from its settings; the one place that makes clients."""

from __future__ import annotations

from pathlib import Path

import structlog
from elasticsearch import Elasticsearch

from indexer.encoders.base import TextEncoder
from indexer.encoders.query_cache import CachedQueryEncoder
from indexer.encoders.registry import load_query_encoder, text_encoder_spec
from mappings.cluster import connect as connect_cluster
from mappings.dead_letters import DeadLetters
from mappings.encoder_spec import EncoderSpec
from mappings.errors import TemporaryError
from mappings.outbox import Outbox
from mappings.task_records import TaskRecords, queue_errors
from mappings.task_records import connect as connect_queue
from service.live_indexes import LiveIndexes
from service.ranking.weights import load_default
from service.searcher import Searcher
from service.services import Services
from service.settings import ServiceSettings
from service.task_queue import TaskQueue, publisher

log = structlog.get_logger(__name__)


def build_services(settings: ServiceSettings) -> Services:
    """Return the services; nothing is sent over the network yet.

    Raises EncoderUnavailable when the query encoder's files are not there.
    """
    encoder = build_query_encoder(settings)
    client = _cluster(settings)
    indexes = _indexes(settings, client, encoder.spec)
    redis_url = settings.redis_url.get_secret_value()
    queue = connect_queue(redis_url)
    records = TaskRecords(queue, ttl_seconds=settings.task_ttl_seconds)
    outbox = Outbox(queue, publisher(redis_url), ttl_seconds=settings.task_ttl_seconds)

    def check_queue() -> None:
        with queue_errors():
            queue.ping()

    return Services(
        settings=settings,
        client=client,
        indexes=indexes,
        searcher=Searcher(client, indexes, encoder, load_default()),
        task_records=records,
        task_queue=TaskQueue(outbox, indexes, batch_products=settings.service_batch_products),
        dead_letters=DeadLetters(queue),
        check_queue=check_queue,
    )


def build_searcher(settings: ServiceSettings) -> Searcher:
    """Return a searcher alone, for measuring without the web."""
    encoder = build_query_encoder(settings)
    client = _cluster(settings)
    return Searcher(client, _indexes(settings, client, encoder.spec), encoder, load_default())


def build_query_encoder(settings: ServiceSettings) -> TextEncoder:
    """Return the encoder of queries, behind its cache."""
    encoder: TextEncoder = load_query_encoder(
        settings.text_encoder,
        template=settings.text_template,
        model_directory=Path(settings.model_directory),
        threads=settings.service_encoder_threads,
    )
    if settings.service_query_cache_entries:
        encoder = CachedQueryEncoder(encoder, max_entries=settings.service_query_cache_entries)
    return encoder


def check_before_start(settings: ServiceSettings) -> None:
    """Refuse to start on an index that another encoder filled; loads no model.

    Raises EncoderMismatch or MappingMismatch. A cluster that is away is no reason not to
    start: readiness stays false until it answers, and then makes the same check.
    """
    spec = text_encoder_spec(
        settings.text_encoder,
        template=settings.text_template,
        model_directory=Path(settings.model_directory),
    )
    client = _cluster(settings)
    try:
        found = _indexes(settings, client, spec).check_all()
    except TemporaryError as error:
        log.warning("cluster_not_checked", reason=str(error))
    else:
        log.info("indexes_checked", indexes=[live.index for live in found])
    finally:
        client.close()


def _cluster(settings: ServiceSettings) -> Elasticsearch:
    client = connect_cluster(settings, connections_per_node=settings.service_threads)
    return client.options(request_timeout=settings.service_search_timeout_seconds)


def _indexes(
    settings: ServiceSettings, client: Elasticsearch, encoder: EncoderSpec
) -> LiveIndexes:
    served = [name.strip() for name in settings.service_indexes.split(",") if name.strip()]
    return LiveIndexes(
        client, encoder, served=served, ttl_seconds=settings.service_index_cache_seconds
    )
