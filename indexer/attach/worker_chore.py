"""The workers' part: they follow attached indexes beside their batches."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from elasticsearch import Elasticsearch

from indexer.attach.driving import do_photos, follow_attached
from indexer.attach.follower import Follower, FollowerParts
from indexer.encoder_pool import EncoderPool
from indexer.encoders.base import TextEncoder
from indexer.housekeeping import Chore
from indexer.own_process import OwnProcess
from indexer.photos.parts import PhotoParts, rules_from_settings
from indexer.photos.photo_task import OnPhotosDone
from indexer.settings import IndexerSettings
from indexer.vector_cache import connect_cache
from mappings import cluster, task_records
from mappings.attachments import Attachment, Attachments
from mappings.index_lifecycle import LiveIndex
from mappings.product import IMAGE_VECTOR

if TYPE_CHECKING:  # what opens photos is loaded with the first of them
    from indexer.attach.photo_work import AttachedPhotos


def attached_chore(
    settings: IndexerSettings, encoders: EncoderPool, stopped: threading.Event
) -> Chore:
    """Return the chore that does a turn of each attached index with news.

    Each worker may work on another index; the lease keeps two from one.
    """
    client = cluster.connect(settings, connections_per_node=2, exact_numbers=True)
    queue = task_records.connect(settings.redis_url.get_secret_value())
    vectors = connect_cache(settings)

    def encoder(attachment: Attachment) -> TextEncoder:
        live = LiveIndex(attachment.index, attachment.target, attachment.encoders)
        return encoders.encoder(live)

    def follower(is_over: Callable[[], bool]) -> Follower:
        parts = FollowerParts(
            client,
            encoder,
            cache=vectors,
            rules=rules_from_settings(settings),
            page_size=settings.indexer_products_per_task,
            is_over=is_over,
        )
        return Follower(parts)

    def follow() -> int:
        return follow_attached(Attachments(client), follower, queue, is_stopped=stopped.is_set)

    return Chore("attached", settings.indexer_attached_seconds, follow, is_shared=True)


def attached_photos_chore(
    settings: IndexerSettings, photos: PhotoParts, stopped: threading.Event, on_done: OnPhotosDone
) -> Chore:
    """Return the chore that fetches and encodes what attached indexes say is due of photos."""
    client = cluster.connect(settings, connections_per_node=2, exact_numbers=True)
    queue = task_records.connect(settings.redis_url.get_secret_value())
    attachments = Attachments(client)

    @cache
    def work() -> AttachedPhotos:
        return attached_photos(settings, photos, client, on_done=on_done)

    def do() -> int:
        known = [one for one in attachments.list() if IMAGE_VECTOR in one.encoders]
        return do_photos(attachments, work, queue, is_stopped=stopped.is_set) if known else 0

    return Chore("attached_photos", settings.indexer_attached_seconds, do, is_shared=True)


def own_process_chore(
    settings: IndexerSettings, following: OwnProcess, client: Elasticsearch
) -> Chore:
    """Return the chore that has attached indexes followed elsewhere, once there are any.

    What it starts goes on until the worker ends, and is started again when it dies.
    """
    attachments = Attachments(client)

    def ensure() -> None:
        if attachments.list():
            following.ensure()

    seconds = max(settings.indexer_attached_seconds, 1.0)
    return Chore("attached_process", seconds, ensure, is_shared=True)


def attached_photos(
    settings: IndexerSettings,
    photos: PhotoParts,
    client: Elasticsearch,
    *,
    on_done: OnPhotosDone = lambda index, photos, failures: None,
) -> AttachedPhotos:
    """Return what does the photo work of attached indexes, with the parts of a process."""
    from indexer.attach.photo_work import AttachedPhotos

    return AttachedPhotos(
        client,
        photos.maker(),
        photos.encoders,
        photos.hints,
        rules=rules_from_settings(settings),
        on_done=on_done,
    )
