"""The workers' part: they follow attached indexes beside their batches."""

from __future__ import annotations

import threading
from collections.abc import Callable

from indexer.attach.driving import follow_attached
from indexer.attach.follower import Follower, FollowerParts
from indexer.encoder_pool import EncoderPool
from indexer.encoders.base import TextEncoder
from indexer.housekeeping import Chore
from indexer.settings import IndexerSettings
from indexer.vector_cache import connect_cache
from mappings import cluster, task_records
from mappings.attachments import Attachment, Attachments
from mappings.index_lifecycle import LiveIndex


def attached_chore(
    settings: IndexerSettings, encoders: EncoderPool, stopped: threading.Event
) -> Chore:
    """Return the chore that does a turn of each attached index with news.

    Each worker may work on another index; the lease keeps two from one.
    """
    client = cluster.connect(settings, connections_per_node=2, exact_numbers=True)
    queue = task_records.connect(settings.redis_url.get_secret_value())
    cache = connect_cache(settings)

    def encoder(attachment: Attachment) -> TextEncoder:
        live = LiveIndex(attachment.index, attachment.target, attachment.encoders)
        return encoders.encoder(live)

    def follower(is_over: Callable[[], bool]) -> Follower:
        parts = FollowerParts(
            client,
            encoder,
            cache=cache,
            page_size=settings.indexer_products_per_task,
            is_over=is_over,
        )
        return Follower(parts)

    def follow() -> int:
        return follow_attached(Attachments(client), follower, queue, is_stopped=stopped.is_set)

    return Chore("attached", settings.indexer_attached_seconds, follow, is_shared=True)
