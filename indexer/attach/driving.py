"""Who works on attached indexes, and when: a command in the foreground, or the workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import redis
import structlog

from indexer.attach.follower import Follower, stamped
from indexer.attach.progress import Progress
from indexer.patience import patiently
from indexer.rebuild.lease import LEASE_SECONDS, Lease
from mappings.attachments import Attachment, Attachments
from mappings.errors import ClusterOverloaded, ShelfwiseError, TemporaryError, UnknownIndex
from mappings.product import IMAGE_VECTOR

if TYPE_CHECKING:  # what opens photos is loaded with the first of them
    from indexer.attach.photo_work import AttachedPhotos

_ASK_SECONDS = 0.5
_log = structlog.get_logger(__name__)


def lease_of(queue: redis.Redis, index: str) -> Lease:
    """Return the lease of whoever works on an attached index."""
    return Lease(queue, f"attached:{index}")


def photos_lease_of(queue: redis.Redis, index: str) -> Lease:
    """Return the lease of whoever does the photo work of an attached index."""
    return Lease(queue, f"attached-photos:{index}")


@contextmanager
def held_lease(
    queue: redis.Redis,
    index: str,
    *,
    of: Callable[[redis.Redis, str], Lease] = lease_of,
    patience_seconds: float = 4 * LEASE_SECONDS,
) -> Iterator[Lease]:
    """Hold a lease of an index; wait for the one who has it, who may be dead.

    Raises ClusterOverloaded when it is not given back in time.
    """
    deadline = time.monotonic() + patience_seconds
    while not (lease := of(queue, index)).acquire():
        if time.monotonic() > deadline:
            raise ClusterOverloaded(f"another process works on the attached index {index!r}")
        time.sleep(_ASK_SECONDS)
    with lease:
        yield lease


def follow_attached(
    attachments: Attachments,
    follower: Callable[[Callable[[], bool]], Follower],
    queue: redis.Redis,
    *,
    is_stopped: Callable[[], bool],
) -> int:
    """Do a turn of every attached index that has news and that nobody works on; return how many.

    follower: makes one that stops when its argument says so. What goes wrong with one index is
    noted with it and does not keep the others waiting.
    """
    turns = 0
    for attachment in attachments.list():
        if attachment.state == "detaching" or is_stopped():
            continue
        try:
            turns += _follow_one(attachments, attachment, follower, queue, is_stopped)
        except UnknownIndex as error:
            _note_error(attachments, attachment, error)
        except TemporaryError as error:
            _log.warning("attached_index_waits", index=attachment.index, reason=error.message)
        except ShelfwiseError as error:
            _note_error(attachments, attachment, error)
    return turns


def _follow_one(
    attachments: Attachments,
    attachment: Attachment,
    follower: Callable[[Callable[[], bool]], Follower],
    queue: redis.Redis,
    is_stopped: Callable[[], bool],
) -> int:
    if not follower(is_stopped).has_news(attachment):
        return 0
    lease = lease_of(queue, attachment.index)
    if not lease.acquire():
        return 0
    with lease:
        present = attachments.get(attachment.index)
        if present.state == "detaching":
            return 0
        follower(lambda: is_stopped() or lease.is_lost).turn(present)
    return 1


def do_photos(
    attachments: Attachments,
    photos: Callable[[], AttachedPhotos],
    queue: redis.Redis,
    *,
    is_stopped: Callable[[], bool],
) -> int:
    """Do photo work of every attached index that has some and that nobody does it for.

    Returns the number of documents written. What goes wrong with one index does not keep the
    others waiting, and what was not done stays due.
    """
    written = 0
    for attachment in attachments.list():
        if attachment.state == "detaching" or IMAGE_VECTOR not in attachment.encoders:
            continue
        if is_stopped() or not photos().is_due(attachment):
            continue
        lease = photos_lease_of(queue, attachment.index)
        if not lease.acquire():
            continue
        with lease:
            try:
                written += _do_photos_of(attachments, attachment, photos(), lease, is_stopped)
            except ShelfwiseError as error:
                _log.warning("attached_photos_wait", index=attachment.index, reason=error.message)
    return written


def _do_photos_of(
    attachments: Attachments,
    attachment: Attachment,
    photos: AttachedPhotos,
    lease: Lease,
    is_stopped: Callable[[], bool],
) -> int:
    def is_over() -> bool:
        return (
            is_stopped() or lease.is_lost or attachments.get(attachment.index).state == "detaching"
        )

    present = attachments.get(attachment.index)
    return photos.run(present, rate=Progress.from_json(present.progress).rate, is_over=is_over)


def follow_in_foreground(
    follower: Follower,
    attachment: Attachment,
    *,
    on_progress: Callable[[Progress], None],
    on_wait: Callable[[TemporaryError], None],
    patience_seconds: float,
    until: Callable[[Attachment], bool],
    pause_seconds: float,
    beside: Callable[[Attachment], object] = lambda attachment: None,
) -> Attachment:
    """Do one turn after the other until a condition holds; the lease is the caller's.

    beside: done after each turn that has filled the index.
    patience_seconds: how long Elasticsearch may be away or busy before the last error is raised.
    """
    index = attachment.index

    def turn() -> Attachment:
        return follower.turn(follower.attachments.get(index), on_progress)

    while True:
        attachment = patiently(turn, patience_seconds=patience_seconds, on_failure=on_wait)
        if attachment.state == "following":
            beside(attachment)
        if attachment.state == "detaching" or until(attachment):
            return attachment
        if attachment.state == "following":
            time.sleep(pause_seconds)


def _note_error(attachments: Attachments, attachment: Attachment, error: ShelfwiseError) -> None:
    progress = Progress.from_json(attachment.progress)
    if progress.error == error.message:
        return
    _log.error("attached_index_not_followed", index=attachment.index, reason=error.message)
    try:
        attachments.note(
            attachment.index, stamped(replace(progress, error=error.message)).to_json()
        )
    except UnknownIndex:
        return  # it has been detached at this moment
