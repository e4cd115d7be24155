"""What the photo work of one process shares, each made at its first use."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from elasticsearch import Elasticsearch

from indexer.celery_app import create_app
from indexer.encoders.base import ImageEncoder
from indexer.encoders.image_registry import (
    export_query_image_encoder,
    image_encoder_spec,
    load_image_encoder,
)
from indexer.photos.due_products import send_due
from indexer.photos.encoders import ImageEncoderPool
from indexer.photos.hints import PhotoHints, message_sender
from indexer.photos.photo_state import PhotoRules
from indexer.photos.photo_task import OnPhotosDone, PhotoTask
from indexer.settings import IndexerSettings, photos_ahead_seconds
from indexer.vector_cache import OnLookup, VectorCache, connect_cache
from mappings import cluster, task_records
from mappings.encoder_spec import EncoderSpec
from mappings.outbox import Outbox

if TYPE_CHECKING:  # what opens photos is loaded by a worker that gets some, and by no other
    from indexer.photos.ahead import PhotosAhead
    from indexer.photos.intake import PhotoIntake
    from indexer.photos.making import PhotoMaker
    from indexer.photos.photo_runner import PhotoRunner

_MORE_SECONDS = 1.0
"""How often, at most, the workers together look for more work because few messages wait."""

_log = structlog.get_logger(__name__)


class PhotoParts:
    """The photo work of a process.

    outbox: says whose turn it is to look for more; None for a command, which does not. on_done,
    on_lookup: told what became of photos, and of look-ups in the cache of vectors.
    """

    def __init__(
        self,
        settings: IndexerSettings,
        outbox: Outbox | None,
        *,
        on_done: OnPhotosDone = lambda index, photos, failures: None,
        on_lookup: OnLookup = lambda hits, misses: None,
    ) -> None:
        self._on_done = on_done
        self._on_lookup = on_lookup
        self._settings = settings
        self._outbox = outbox
        self._lock = threading.Lock()
        self._runner: PhotoRunner | None = None
        self.encoders = ImageEncoderPool(lambda spec: self._load(spec.name))
        """The encoders that are loaded."""

    @cached_property
    def hints(self) -> PhotoHints:
        """What sends messages to the photos' lane."""
        return hints_from_settings(self._settings)

    @cached_property
    def task(self) -> PhotoTask:
        """What does a message."""
        return PhotoTask(
            self.runner,
            self.hints,
            more=self._send_more,
            on_done=self._on_done,
        )

    def load_encoder(self) -> None:
        """Load the encoder of the settings, if there is one, so that a wrong one is found now."""
        if self._settings.image_encoder:
            self.encoders.add(self._load(self._settings.image_encoder))

    def runner(self) -> PhotoRunner:
        """Return the runner."""
        from indexer.photos.photo_runner import PhotoLimits, PhotoRunner

        with self._lock:
            if self._runner is None:
                settings = self._settings
                self._runner = PhotoRunner(
                    self._client,
                    self._intake,
                    self.encoders,
                    cache=self._cache,
                    rules=rules_from_settings(settings),
                    limits=PhotoLimits(
                        batch_size=settings.indexer_photo_batch_size,
                        # Half, so that nobody takes a run that goes on for one that has died.
                        budget_seconds=settings.indexer_visibility_timeout_seconds / 2,
                    ),
                )
            return self._runner

    def ahead(self) -> PhotosAhead:
        """Return what makes photos before their product is written."""
        from indexer.photos.ahead import PhotosAhead

        settings = self._settings
        return PhotosAhead(
            self._intake.beside(),
            self.encoders,
            self.hints,
            seconds=photos_ahead_seconds(settings),
            batch_size=settings.indexer_photo_batch_size,
            cache=self._cache,
            rules=rules_from_settings(settings),
            on_done=self._on_done,
        )

    def maker(self) -> PhotoMaker:
        """Return what fetches and encodes photos, with threads of its own."""
        from indexer.photos.making import PhotoMaker

        return PhotoMaker(
            self._intake.beside(),
            batch_size=self._settings.indexer_photo_batch_size,
            cache=self._cache,
        )

    @cached_property
    def _intake(self) -> PhotoIntake:
        from indexer.photos.intake import PhotoIntake

        return PhotoIntake.from_settings(self._settings)

    @cached_property
    def _cache(self) -> VectorCache:
        return connect_cache(self._settings, on_lookup=self._on_lookup)

    @cached_property
    def _client(self) -> Elasticsearch:
        return cluster.connect(self._settings)

    def _load(self, name: str) -> ImageEncoder:
        settings = self._settings
        encoder = load_image_encoder(name, device=settings.indexer_device)
        export_query_image_encoder(name, model_directory=Path(settings.model_directory))
        _log.info("image_encoder_ready", encoder=encoder.spec.name, dims=encoder.spec.dims)
        return encoder

    def _send_more(self, name: str) -> None:
        if self._outbox and self._outbox.is_my_turn(_MORE_SECONDS, f"more-photos:{name}"):
            send_due(self._client, self.hints, name)


def hints_from_settings(settings: IndexerSettings) -> PhotoHints:
    """Return what sends messages by the settings' Redis; nothing is sent until its first use."""
    return PhotoHints(
        task_records.connect(settings.redis_url.get_secret_value()),
        message_sender(create_app(settings).send_task),
        lease_seconds=settings.indexer_visibility_timeout_seconds,
        products=settings.indexer_photo_products_per_task,
    )


def rules_from_settings(settings: IndexerSettings) -> PhotoRules:
    """Return when photos are fetched again."""
    return PhotoRules(
        fresh=timedelta(days=settings.indexer_photo_fresh_days),
        max_attempts=settings.indexer_photo_max_attempts,
        backoff_seconds=settings.indexer_photo_backoff_seconds,
    )


def image_spec(settings: IndexerSettings) -> EncoderSpec | None:
    """Return the identity of the settings' encoder of photos, None when there is none."""
    if not settings.image_encoder:
        return None
    return image_encoder_spec(
        settings.image_encoder, model_directory=Path(settings.model_directory)
    )
