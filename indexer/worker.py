"""The worker process: its parts, and its start."""

from __future__ import annotations

import os
import threading
from functools import cached_property
from pathlib import Path

import structlog
from celery import Celery, signals

from indexer.attach.worker_chore import (
    attached_chore,
    attached_photos_chore,
    own_process_chore,
)
from indexer.batch_runner import BatchRunner
from indexer.celery_app import create_app, publisher
from indexer.encoder_pool import EncoderPool
from indexer.encoders.base import TextEncoder
from indexer.encoders.registry import export_query_encoder, load_text_encoder
from indexer.finetune.jobs import FinetuningJobs
from indexer.freshness import Freshness
from indexer.housekeeping import (
    TOMBSTONE_SECONDS,
    Chore,
    drive_rebuilds,
    drop_tombstones,
    restore_intervals,
    send_overdue,
    start_chores,
)
from indexer.late_changes import LateChanges
from indexer.own_process import OwnProcess
from indexer.photos.due_products import send_all_due
from indexer.photos.parts import PhotoParts, rules_from_settings
from indexer.pipeline import Pipeline
from indexer.rebuild.driver import RebuildDriver
from indexer.refresh_interval import RefreshIntervals
from indexer.settings import IndexerSettings, parse_lanes, photos_ahead_seconds
from indexer.tasks import register_tasks
from indexer.telemetry import WorkerTelemetry
from indexer.vector_cache import connect_cache
from mappings import cluster, task_records
from mappings.dead_letters import DeadLetters
from mappings.encoder_spec import EncoderSpec
from mappings.errors import MissingSetting
from mappings.logs import configure_libraries, configure_logging
from mappings.outbox import Outbox
from mappings.product_changes import queue_of
from mappings.tracing import observe, start_tracing

FINETUNING_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class WorkerParts:
    """What the tasks of one process share, each made at its first use."""

    def __init__(self, settings: IndexerSettings) -> None:
        self._settings = settings
        self.telemetry = WorkerTelemetry()
        self._lock = threading.Lock()
        self._pipeline: Pipeline | None = None
        self._runner: BatchRunner | None = None

    def pipeline(self) -> Pipeline:
        """Return the pipeline; the encoder is loaded, and exported for the service, once."""
        with self._lock:
            if self._pipeline is None:
                self._pipeline = self._make_pipeline()
            return self._pipeline

    def runner(self) -> BatchRunner:
        """Return the batch runner."""
        with self._lock:
            if self._runner is None:
                freshness = Freshness(
                    cluster.connect(self._settings, connections_per_node=1),
                    self.refresh_intervals(),
                )
                self._runner = BatchRunner(
                    self.pipeline,
                    self.outbox,
                    self.dead_letters,
                    self._settings,
                    on_change=freshness.note,
                    telemetry=self.telemetry,
                )
            return self._runner

    @cached_property
    def encoders(self) -> EncoderPool:
        """The encoders of text: the one of the settings, and what indexes ask for besides."""
        return EncoderPool(self._first_encoder(), self._load_encoder)

    @cached_property
    def outbox(self) -> Outbox:
        """What holds the batches until they are finished."""
        settings = self._settings
        return Outbox(
            task_records.connect(settings.redis_url.get_secret_value()),
            publisher(create_app(settings)),
            ttl_seconds=settings.task_ttl_seconds,
            lease_seconds=settings.indexer_visibility_timeout_seconds,
            resend_slack_seconds=2 * settings.indexer_janitor_seconds,
        )

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """What keeps the changes that are given up."""
        return DeadLetters(task_records.connect(self._settings.redis_url.get_secret_value()))

    @cached_property
    def photos(self) -> PhotoParts:
        """What fetches and encodes photos."""
        return PhotoParts(
            self._settings,
            self.outbox,
            on_done=self.telemetry.photos_done,
            on_lookup=self.telemetry.looked_up,
        )

    def refresh_intervals(self) -> RefreshIntervals:
        """Return what puts refresh intervals back."""
        return RefreshIntervals(
            cluster.connect(self._settings, connections_per_node=1),
            task_records.connect(self._settings.redis_url.get_secret_value()),
        )

    def _make_pipeline(self) -> Pipeline:
        settings = self._settings
        return Pipeline(
            cluster.connect(settings),
            self.encoders,
            cache=connect_cache(settings, on_lookup=self.telemetry.looked_up),
            in_flight=LateChanges(self.outbox, self.dead_letters),
            photo_rules=rules_from_settings(settings),
            photos_ahead=self.photos.ahead() if photos_ahead_seconds(settings) else None,
            on_photos_due=self.photos.hints.tell,
        )

    def _first_encoder(self) -> TextEncoder | None:
        settings = self._settings
        if not needs_text_encoder(settings):
            return None
        return self._load(settings.text_encoder, settings.text_template)

    def _load_encoder(self, spec: EncoderSpec) -> TextEncoder:
        """Load the encoder of an index that another one than the settings' fills."""
        return self._load(spec.name, spec.template)

    def _load(self, name: str, template: str) -> TextEncoder:
        settings = self._settings
        encoder = load_text_encoder(
            name,
            template=template,
            device=settings.indexer_device,
            batch_size=settings.indexer_encode_batch_size,
        )
        export_query_encoder(
            name, template=template, model_directory=Path(settings.model_directory)
        )
        _log.info("encoder_ready", encoder=encoder.spec.name, dims=encoder.spec.dims)
        return encoder


def needs_text_encoder(settings: IndexerSettings) -> bool:
    """Return whether the worker's lanes bring texts; without, it loads no encoder of them."""
    return bool({"changes", "bulk"} & set(parse_lanes(settings.indexer_lanes)))


def needs_image_encoder(settings: IndexerSettings) -> bool:
    """Return whether the worker encodes photos, in their lane or before it writes products."""
    in_lane = "photos" in parse_lanes(settings.indexer_lanes)
    return in_lane or photos_ahead_seconds(settings) > 0


def needs_encoder(settings: IndexerSettings) -> bool:
    """Return whether the worker encodes anything; without, it stays a small process."""
    return parse_lanes(settings.indexer_lanes) != ("fast",)


def make_worker_app(settings: IndexerSettings, parts: WorkerParts) -> Celery:
    """Return the Celery application with its tasks."""
    app = create_app(settings)
    register_tasks(app, parts.runner, lambda: parts.photos.task)
    return app


def run_worker(settings: IndexerSettings) -> int:
    """Run a worker until it is told to stop; return its exit status.

    The encoders are loaded before the first batch is taken, so that a wrong setting stops the
    start; a forking pool loads them in each child instead.
    Raises ConfigurationError.
    """
    if settings.indexer_pool == "prefork" and settings.indexer_device.startswith("cuda"):
        raise MissingSetting(
            f"SHELFWISE_INDEXER_POOL: `prefork` cannot use {settings.indexer_device!r}, for CUDA "
            "does not survive a fork; take `threads`"
        )
    if needs_encoder(settings):
        os.nice(settings.indexer_niceness)
    parts = WorkerParts(settings)
    observe(parts.telemetry.observed)
    _serve_metrics(parts, settings)
    if settings.indexer_pool != "prefork":
        parts.pipeline()
        if needs_image_encoder(settings):
            parts.photos.load_encoder()
    app = make_worker_app(settings, parts)
    stopped = threading.Event()
    following = OwnProcess("attached", follow_in_own_process, settings)

    def start_janitor(**_: object) -> None:
        start_chores(_chores(parts, settings, stopped, following), parts.outbox, stopped)

    signals.worker_ready.connect(start_janitor, weak=False)
    # Celery's own lines have the format of ours.
    signals.setup_logging.connect(_leave_logging, weak=False)
    _trace(settings)
    worker = app.Worker(
        pool=settings.indexer_pool,
        concurrency=settings.indexer_concurrency,
        queues=[queue_of(lane) for lane in parse_lanes(settings.indexer_lanes)],
        loglevel="INFO",
        quiet=True,  # a banner is no JSON
        without_gossip=True,
        without_mingle=True,
    )
    worker.start()
    stopped.set()
    following.stop()
    return int(worker.exitcode or 0)


def _serve_metrics(parts: WorkerParts, settings: IndexerSettings) -> None:
    if not settings.indexer_metrics_port:
        return
    host, port = settings.indexer_metrics_host, settings.indexer_metrics_port
    try:
        parts.telemetry.serve(host, port)
    except OSError as error:
        raise MissingSetting(
            f"SHELFWISE_INDEXER_METRICS_PORT: cannot listen on {host}:{port}: {error}"
        ) from error


def _leave_logging(**_: object) -> None:
    """Take the place of Celery's own set-up."""


def _trace(settings: IndexerSettings) -> None:
    """Send traces where the environment says so, from each process that does the work."""

    def start(**_: object) -> None:
        start_tracing("shelfwise-worker", os.environ)

    if settings.indexer_pool == "prefork":
        signals.worker_process_init.connect(start, weak=False)
    else:
        start()


def follow_in_own_process(settings: IndexerSettings, stopped: threading.Event) -> None:
    """Begin to follow attached indexes in this process, which does nothing else."""
    configure_logging()
    configure_libraries()
    parts = WorkerParts(settings)
    start_chores(_attached_chores(parts, settings, stopped), parts.outbox, stopped)


def _attached_chores(
    parts: WorkerParts, settings: IndexerSettings, stopped: threading.Event
) -> list[Chore]:
    chores = []
    if needs_text_encoder(settings):
        chores.append(attached_chore(settings, parts.encoders, stopped))
    if needs_image_encoder(settings):
        photos_done = parts.telemetry.photos_done
        chores.append(attached_photos_chore(settings, parts.photos, stopped, photos_done))
    return chores


def _chores(
    parts: WorkerParts,
    settings: IndexerSettings,
    stopped: threading.Event,
    following: OwnProcess,
) -> list[Chore]:
    seconds = settings.indexer_janitor_seconds
    client = cluster.connect(settings, connections_per_node=4)
    intervals, days = parts.refresh_intervals(), settings.indexer_tombstone_days
    chores = [
        Chore("outbox", seconds, lambda: send_overdue(parts.outbox)),
        Chore("intervals", seconds, lambda: restore_intervals(intervals)),
        Chore("photos", seconds, lambda: send_all_due(client, parts.photos.hints)),
        Chore("tombstones", TOMBSTONE_SECONDS, lambda: drop_tombstones(client, days=days)),
    ]
    if needs_text_encoder(settings):
        queue = task_records.connect(settings.redis_url.get_secret_value())
        driver = RebuildDriver(client, queue, parts.outbox, settings)
        # Of several rebuilds each may have another driver; the lease keeps two from one.
        drive = Chore("rebuilds", seconds, lambda: drive_rebuilds(client, driver), is_shared=True)
        chores.append(drive)
    if settings.indexer_pool != "prefork":
        chores += _attached_chores(parts, settings, stopped)
    elif needs_encoder(settings):
        # The children of a forking pool have encoders; the parent, which does this, has none.
        chores.append(own_process_chore(settings, following, client))
    if settings.indexer_finetunes and "photos" in parse_lanes(settings.indexer_lanes):
        jobs = FinetuningJobs(client, settings, stopped)
        chores.append(Chore("finetunings", FINETUNING_SECONDS, jobs.do_next))
    return chores
