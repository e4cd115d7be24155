"""Wires the service together from its settings; the one place that makes clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import redis
import structlog
from elasticsearch import Elasticsearch

from indexer.encoders.base import WordList
from mappings.attachments import Attachments
from mappings.cluster import connect as connect_cluster
from mappings.dead_letters import DeadLetters
from mappings.errors import EncoderMismatch, TemporaryError
from mappings.index_lifecycle import LiveIndex, find_index
from mappings.outbox import Outbox
from mappings.raw_cluster import RawCluster
from mappings.task_records import TaskRecords, queue_errors
from mappings.task_records import connect as connect_queue
from service.access.wiring import build_access
from service.compat.cursors import Cursors, key_of_secrets
from service.compat.elasticsearch_api import ElasticsearchApi
from service.compat.targets import SearchTargets
from service.deadlines import Deadline
from service.events.event_key import find_event_key
from service.events.event_store import EventStore
from service.events.intake import EventIntake
from service.events.rate_guard import RateGuard
from service.feature_ranking import LearnedRanking
from service.insight.recorder import Recorder
from service.insight.wiring import build_insight, build_recorder
from service.judging.claims import Claims
from service.judging.desk import JudgingDesk
from service.leg_breaker import LegBreaker
from service.live_indexes import LiveIndexes
from service.prepared_search import SearchPreparer
from service.query_encoders import QueryEncoders
from service.query_photos import QueryPhotos
from service.queue_metrics import REDIS_SECONDS, queue_metrics
from service.ranking.weights import load_default
from service.rules.curation import CompiledRules, compile_rules, kept_by_all
from service.rules.following import ActiveRules, NoRules
from service.rules.wiring import build_rules
from service.search_results import UnderstoodQuery
from service.searcher import Searcher
from service.services import Services
from service.settings import ServiceSettings
from service.similar_products import SimilarProducts
from service.suggestions.suggester import Suggester
from service.task_queue import TaskQueue, publisher
from service.telemetry import Telemetry
from service.understanding.dictionaries import Dictionaries
from service.understanding.parser import understand
from service.webhooks.config import Webhook, read_webhooks
from service.webhooks.families import Families
from service.webhooks.intake import WebhookIntake
from service.weights.active import ActiveWeights
from service.weights.parsing import parse_ranking
from service.weights.query_ids import QueryIdSigner
from service.weights.store import WeightsStore

log = structlog.get_logger(__name__)

_WEIGHTS_TIMEOUT_SECONDS = 2.0


def build_services(settings: ServiceSettings) -> Services:
    """Return the services; nothing is sent over the network yet.

    Raises EncoderUnavailable when the query encoder's files are not there.
    """
    telemetry = Telemetry()
    encoders = QueryEncoders(settings, deadline=_deadline(settings), on_lookup=telemetry.looked_up)
    encoders.load_configured()
    client = _cluster(settings)
    indexes = _indexes(settings, client, encoders, degrades=True)
    redis_url = settings.redis_url.get_secret_value()
    queue = connect_queue(redis_url)
    records = TaskRecords(queue, ttl_seconds=settings.task_ttl_seconds)
    outbox = Outbox(queue, publisher(redis_url), ttl_seconds=settings.task_ttl_seconds)

    telemetry.show_queue(
        queue_metrics(connect_queue(redis_url, timeout_seconds=REDIS_SECONDS), client, indexes)
    )
    rankings: ActiveWeights[LearnedRanking | None] = ActiveWeights(
        _weights_store(client),
        parse_ranking,
        None,
        on_fallback=telemetry.weights_fell_back,
        on_change=telemetry.weights_changed,
    )

    recorder = build_recorder(settings, client, on_drop=telemetry.search_log_dropped)
    rules = build_rules(settings, client, compile_rules)
    task_queue = TaskQueue(outbox, indexes, batch_products=settings.service_batch_products)

    def check_queue() -> None:
        with queue_errors():
            queue.ping()

    def check_encoders() -> None:
        for live in indexes.list_served():
            encoders.require(live)

    breaker = LegBreaker(
        settings.service_slow_legs_pause_seconds,
        on_timeout=telemetry.legs_timed_out,
        on_pause=telemetry.legs_paused,
    )
    searcher = _searcher(
        client,
        indexes,
        encoders,
        rankings,
        QueryPhotos(settings),
        signer=QueryIdSigner(lambda: find_event_key(settings)),
        leg_seconds=settings.service_leg_timeout_seconds,
        breaker=breaker,
        photo_deadline=_deadline(settings),
        rules=rules,
    )
    compat = _elasticsearch_api(settings, client, indexes, encoders, searcher, recorder, breaker)
    return Services(
        settings=settings,
        client=client,
        indexes=indexes,
        searcher=searcher,
        rules=rules,
        similar=SimilarProducts(client, indexes, searcher),
        suggester=Suggester(client, indexes, kept=kept_by_all(rules, searcher.preparer.clock)),
        task_records=records,
        task_queue=task_queue,
        dead_letters=DeadLetters(queue),
        events=_events(settings, client, indexes, queue),
        webhooks=WebhookIntake(_webhooks(settings), Families(queue, client), indexes, task_queue),
        judging=JudgingDesk(client, searcher, Claims(queue)),
        check_queue=check_queue,
        check_encoders=check_encoders,
        access=build_access(settings, client),
        elasticsearch_api=compat,
        cursors=Cursors(compat, _cursor_key(settings), settings.service_pass_through),
        recorder=recorder,
        insight=build_insight(settings, client),
        telemetry=telemetry,
    )


def build_searcher(
    settings: ServiceSettings, *, find: Callable[[Elasticsearch, str], LiveIndex] = find_index
) -> Searcher:
    """Return a searcher alone, for measuring without the web.

    find: finds the version of an index that is searched.
    """
    client, encoders = _cluster(settings), QueryEncoders(settings)
    rankings: ActiveWeights[LearnedRanking | None]
    rankings = ActiveWeights(_weights_store(client), parse_ranking, None)
    indexes = _indexes(settings, client, encoders, find)
    photos = QueryPhotos(settings)
    return _searcher(client, indexes, encoders, rankings, photos, waits=True)


def check_before_start(settings: ServiceSettings) -> None:
    """Refuse to start on an index whose encoder of texts is not here; loads no model.

    Raises EncoderMismatch or MappingMismatch, EncoderUnavailable without our own, and
    MissingSetting for webhooks that cannot work, which no process then ends by. A cluster
    that is away is no reason not to start: readiness stays false until it answers, and then
    tells of encoders that are not here.
    """
    _webhooks(settings)
    encoders = QueryEncoders(settings)
    encoders.check_configured()
    client = _cluster(settings)
    try:
        found = _indexes(settings, client, encoders).list_served()
        for live in found:
            encoders.require_text(live)
    except TemporaryError as error:
        log.warning("cluster_not_checked", reason=str(error))
    else:
        log.info("indexes_checked", indexes=[live.index for live in found])
        for live in found:
            _warn_of_photos(live, encoders)
    finally:
        client.close()


def _warn_of_photos(live: LiveIndex, encoders: QueryEncoders) -> None:
    # Without the encoder of photos an index is searched by words; that stops no start.
    try:
        encoders.require(live)
    except EncoderMismatch as error:
        log.warning("photos_not_searched", index=live.name, reason=error.message)


def _weights_store(client: Elasticsearch) -> WeightsStore:
    # A search may wait for the first answer; one that does not come means the shipped weights.
    return WeightsStore(client.options(request_timeout=_WEIGHTS_TIMEOUT_SECONDS))


def _searcher(
    client: Elasticsearch,
    indexes: LiveIndexes,
    encoders: QueryEncoders,
    rankings: ActiveWeights[LearnedRanking | None],
    photos: QueryPhotos,
    *,
    signer: QueryIdSigner | None = None,
    waits: bool = False,
    leg_seconds: float = 0.0,
    breaker: LegBreaker | None = None,
    photo_deadline: Deadline | None = None,
    rules: ActiveRules[CompiledRules] | None = None,
) -> Searcher:
    """Return a searcher.

    rules: those in force; without them there are none, as in measurements of how products rank.
    signer: makes the query ids of answers that count in an experiment; without it none does.
    waits: whether the first search of an index waits for its dictionary, as a measurement must.
    """
    dictionaries = Dictionaries(client)

    def understood(
        text: str, live: LiveIndex, /, *, is_known: Callable[[str], bool] | None = None
    ) -> UnderstoodQuery:
        known = dictionaries.get(live)
        if known is None and waits:
            known = dictionaries.build_now(live)
        encoder = encoders.get(live)
        is_word = encoder.is_word if isinstance(encoder, WordList) else _no_word
        if is_known is None:
            return understand(text, known, is_word=is_word)
        return understand(text, known, is_word=lambda word: is_known(word) or is_word(word))

    preparer = SearchPreparer(
        indexes,
        encoders,
        load_default(),
        understood,
        rankings,
        photos,
        photo_deadline,
        rules or NoRules(compile_rules),
    )
    return Searcher(client, preparer, signer, leg_seconds=leg_seconds, breaker=breaker)


def _elasticsearch_api(
    settings: ServiceSettings,
    client: Elasticsearch,
    indexes: LiveIndexes,
    encoders: QueryEncoders,
    searcher: Searcher,
    recorder: Recorder,
    breaker: LegBreaker,
) -> ElasticsearchApi:
    """Return what answers like Elasticsearch, on indexes of ours and on attached ones."""
    targets = SearchTargets(
        client,
        indexes,
        Attachments(client),
        encoders.require,
        ttl_seconds=settings.service_index_cache_seconds,
    )
    cluster = RawCluster(
        settings,
        connections_per_node=settings.service_threads,
        timeout_seconds=settings.service_search_timeout_seconds,
    )
    preparer = replace(searcher.preparer, indexes=targets)
    return ElasticsearchApi(
        cluster,
        targets,
        preparer,
        on_search=recorder.note,
        leg_seconds=settings.service_leg_timeout_seconds,
        breaker=breaker,
    )


def _cursor_key(settings: ServiceSettings) -> bytes:
    secrets = {
        name: secret.get_secret_value() if secret is not None else None
        for name, secret in (
            ("api_key", settings.elasticsearch_api_key),
            ("password", settings.elasticsearch_password),
            ("redis", settings.redis_url),
            ("events", settings.service_events_key),
        )
    }
    return key_of_secrets(secrets)


def _deadline(settings: ServiceSettings) -> Deadline:
    return Deadline(settings.service_leg_timeout_seconds, threads=settings.service_threads)


def _no_word(word: str) -> bool:
    return False


def _cluster(settings: ServiceSettings) -> Elasticsearch:
    client = connect_cluster(settings, connections_per_node=settings.service_threads)
    return client.options(request_timeout=settings.service_search_timeout_seconds)


def _webhooks(settings: ServiceSettings) -> Mapping[str, Webhook]:
    if settings.service_webhooks is None:
        return {}
    return read_webhooks(Path(settings.service_webhooks))


def _events(
    settings: ServiceSettings, client: Elasticsearch, indexes: LiveIndexes, queue: redis.Redis
) -> EventIntake:
    return EventIntake(
        EventStore(client),
        RateGuard(queue, limit=settings.service_events_per_minute),
        find_key=lambda: find_event_key(settings),
        require_index=indexes.get,
        keep_query_text=settings.service_events_keep_query_text,
    )


def _indexes(
    settings: ServiceSettings,
    client: Elasticsearch,
    encoders: QueryEncoders,
    find: Callable[[Elasticsearch, str], LiveIndex] = find_index,
    *,
    degrades: bool = False,
) -> LiveIndexes:
    served = [name.strip() for name in settings.service_indexes.split(",") if name.strip()]
    return LiveIndexes(
        client,
        encoders.require,
        served=served,
        degrades=degrades,
        ttl_seconds=settings.service_index_cache_seconds,
        find=find,
    )
