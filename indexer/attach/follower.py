"""One turn of the work on an attached index: all that has been written since the last one.

The first turn meets every document, the later ones what has changed; there is no other difference.
Whoever does the work may die at any point: the record says up to where it is done, and doing a
page twice changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog
from elasticsearch import Elasticsearch

from indexer.attach.companion_index import (
    companion_name,
    create_companion,
    drop_deleted,
    follow_mapping,
)
from indexer.attach.feed import ChangeFeed, IndexState, index_state
from indexer.attach.pace import is_due, refresh_seconds
from indexer.attach.photo_source import PhotoSource
from indexer.attach.progress import Progress
from indexer.attach.shop_index import ShopIndex, find_shop_index, require_attachable, with_versions
from indexer.attach.targets import Companion, InPlace, PageOutcome, Target
from indexer.attach.throttle import Throttle
from indexer.attach.vectors import VectorSource
from indexer.encoders.base import TextEncoder
from indexer.photos.photo_state import PhotoRules
from indexer.vector_cache import VectorCache
from mappings.attachments import Attachment, Attachments, State, in_place_properties
from mappings.cluster import cluster_errors
from mappings.errors import AttachRefused, PermanentIndexingError
from mappings.product import IMAGE_VECTOR

NOTE_SECONDS = 1.0
"""How often the record is written during a turn; as much is done again after a death."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class FollowerParts:
    """What a turn needs besides the attachment. Each is asked for when it is used.

    encoder: gives the encoder of an attachment's text vectors. rules: when photos are fetched
    again; a turn only marks what is due of them. page_size: documents that are read, encoded and
    written together. is_over: asked between pages; a turn then ends early.
    """

    client: Elasticsearch
    encoder: Callable[[Attachment], TextEncoder]
    cache: VectorCache | None = None
    rules: PhotoRules = PhotoRules()
    page_size: int = 256
    is_over: Callable[[], bool] = lambda: False


class Follower:
    """Brings attached indexes up to date. One at a time may work on an index."""

    def __init__(self, parts: FollowerParts) -> None:
        self._parts = parts
        self._client = parts.client
        self.attachments = Attachments(parts.client)

    def has_news(self, attachment: Attachment) -> bool:
        """Return whether a turn would find anything to do; cheap enough to ask all the time."""
        progress = Progress.from_json(attachment.progress)
        state = index_state(self._client, attachment.index)
        if (
            state.uuid != progress.uuid
            or attachment.state == "backfilling"
            or progress.building
            or progress.error
        ):
            return True
        # A turn refreshes the index, which the shop may want to be done seldom.
        return state.behind(progress.shards) > 0 and is_due(
            progress.at, refresh_seconds(self._client, state.index)
        )

    def turn(
        self, attachment: Attachment, on_progress: Callable[[Progress], None] = lambda _: None
    ) -> Attachment:
        """Do all that was to be done when the turn began; return the attachment as it is now.

        Raises TemporaryError, which the next turn mends, AttachRefused when the index has become
        one that cannot be attached, UnknownIndex when it or the attachment has gone.
        """
        attachment = self._prepared(attachment)
        progress = Progress.from_json(attachment.progress)
        target_name = progress.building or _serving(attachment, progress)
        # Read before the refresh: what is up to here will be seen by the searches after it.
        state = index_state(self._client, progress.index)
        target = self._target(attachment, progress, target_name)
        feed = ChangeFeed(
            self._client,
            progress.index,
            paths=target.paths,
            own=target.own,
            page_size=self._parts.page_size,
        )
        feed.refresh()
        fills = attachment.state == "backfilling" or bool(progress.building)
        throttle = Throttle(progress.rate if fills else None)
        noted = time.monotonic()
        for shard, shard_state in sorted(state.shards.items()):
            pages = feed.pages(shard, after=progress.reached(shard), upto=shard_state.checkpoint)
            for page in pages:
                outcome = target.take(page)
                throttle.passed(outcome.written)
                new = sum(document.seq_no <= progress.goal.get(shard, -1) for document in page)
                progress = _advanced(progress, shard, page[-1].seq_no, outcome, new)
                on_progress(progress)
                if time.monotonic() - noted >= NOTE_SECONDS:
                    noted = time.monotonic()
                    if self._note(attachment, progress).state == "detaching":
                        return self.attachments.get(attachment.index)
                if self._parts.is_over():
                    return self._note(attachment, progress)
            progress = _advanced(progress, shard, shard_state.checkpoint)
        if attachment.mode == "companion":
            drop_deleted(self._client, target_name, state, progress.shards)
        return self._finished(attachment, progress, target_name)

    def _prepared(self, attachment: Attachment) -> Attachment:
        """Return the attachment for the index that stands behind the name now.

        A shop may fill a new index each night and let its alias point there.
        """
        progress = Progress.from_json(attachment.progress)
        state = index_state(self._client, attachment.index)
        is_new = state.uuid != progress.uuid
        is_behind_itself = any(
            progress.reached(shard) > found.newest for shard, found in state.shards.items()
        )
        in_place = attachment.mode == "in_place"
        if not (is_new or is_behind_itself or not progress.shards) and in_place:
            return attachment
        shop = find_shop_index(self._client, attachment.index)
        if is_new and in_place:
            shop = with_versions(self._client, shop)
        require_attachable(
            shop,
            in_place=in_place,
            encoders=attachment.encoders,
            may_break_versions=progress.may_break_versions,
        )
        if is_new or is_behind_itself:
            _log.info("attached_index_is_new", index=attachment.index, now=shop.index)
            progress = self._begun(attachment, progress, shop, state)
        if in_place:
            add_own_fields(self._client, attachment, shop)
        else:
            name = progress.building or attachment.target
            create_companion(self._client, name, shop, attachment.encoders)
            follow_mapping(self._client, name, shop, attachment.encoders)
        # A companion answers as it did until the one for the new index is filled.
        is_refilled = is_new and in_place
        return self._note(attachment, progress, state="backfilling" if is_refilled else None)

    def _begun(
        self, attachment: Attachment, before: Progress, shop: ShopIndex, state: IndexState
    ) -> Progress:
        """Return the progress of an index that has taken the place of another one."""
        progress = replace(
            begin(self._client, shop, state, rate=before.rate),
            may_break_versions=before.may_break_versions,
        )
        if attachment.mode == "in_place":
            return replace(progress, donors=(before.index,))
        building = companion_name(attachment.index, before.building or attachment.target)
        return replace(progress, building=building, donors=(attachment.target,))

    def _target(self, attachment: Attachment, progress: Progress, name: str) -> Target:
        encoder = self._parts.encoder(attachment)
        is_companion = attachment.mode == "companion"
        # A companion's documents are written whole, and bring their own vectors again.
        donors = [*([name] if is_companion else []), *progress.donors]
        vectors = VectorSource(
            self._client, encoder, attachment.fields, cache=self._parts.cache, donors=donors
        )
        photos = None
        if (spec := attachment.encoders.get(IMAGE_VECTOR)) is not None:
            photos = PhotoSource(
                self._client, spec, attachment.fields, rules=self._parts.rules, donors=donors
            )
        if is_companion:
            return Companion(self._client, name, vectors, photos=photos)
        template = encoder.spec.template
        return InPlace(
            self._client, progress.index, vectors, attachment.fields, template, photos=photos
        )

    def _finished(self, attachment: Attachment, progress: Progress, target: str) -> Attachment:
        if not progress.is_filled:
            return self._note(attachment, progress)
        old = attachment.target if progress.building else None
        progress = replace(progress, building="", donors=(), replaces_vectors=False)
        if old is None:
            return self._note(attachment, progress, state="following")
        with cluster_errors(index=target):
            self._client.indices.refresh(index=target)
        done = self._note(attachment, progress, state="following", target=target)
        # Searches that began a moment ago may still be on their way to the old one.
        with cluster_errors(index=old):
            self._client.options(ignore_status=404).indices.delete(index=old)
        return done

    def _note(
        self,
        attachment: Attachment,
        progress: Progress,
        *,
        state: State | None = None,
        target: str | None = None,
    ) -> Attachment:
        return self.attachments.note(
            attachment.index, stamped(progress).to_json(), state=state, target=target
        )


def begin(
    client: Elasticsearch, shop: ShopIndex, state: IndexState, *, rate: float | None
) -> Progress:
    """Return the progress of an index of which nothing is done yet."""
    with cluster_errors(index=shop.index):
        expected = client.count(index=shop.index)["count"]
    goal = {shard: found.checkpoint for shard, found in state.shards.items()}
    return Progress(shop.index, state.uuid, goal=goal, expected=expected, rate=rate)


def add_own_fields(client: Elasticsearch, attachment: Attachment, shop: ShopIndex) -> None:
    """Add our field to the mapping of the shop's index, which keeps all that it has.

    Raises AttachRefused when the mapping does not take it, e.g. for its limit of fields.
    """
    properties = in_place_properties(attachment.encoders)
    try:
        with cluster_errors(index=shop.index):
            client.indices.put_mapping(index=shop.index, properties=properties)
    except PermanentIndexingError as error:
        raise AttachRefused(
            f"the mapping of {shop.index!r} does not take our field: {error.message}",
            field="index",
        ) from error


def stamped(progress: Progress) -> Progress:
    """Return the progress as of now."""
    return replace(progress, at=datetime.now(UTC).isoformat(timespec="seconds"))


def _serving(attachment: Attachment, progress: Progress) -> str:
    return progress.index if attachment.mode == "in_place" else attachment.target


def _advanced(
    progress: Progress,
    shard: str,
    reached: int,
    outcome: PageOutcome | None = None,
    new: int = 0,
) -> Progress:
    shards = {**progress.shards, shard: max(reached, progress.reached(shard))}
    progress = replace(progress, shards=shards, done=progress.done + new, error="")
    if outcome is None:
        return progress
    name, reason = list(outcome.refused.items())[-1] if outcome.refused else ("", "")
    return replace(
        progress,
        written=progress.written + outcome.written,
        refused=progress.refused + len(outcome.refused),
        refusal=f"{name}: {reason}" if name else progress.refusal,
    )
