"""What a name that is searched stands for: an index of ours, an attached one, or neither."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from elasticsearch import Elasticsearch

from mappings.attachments import OWN_FIELD, Attachment, Attachments
from mappings.cluster import cluster_errors
from mappings.errors import (
    ConfigurationError,
    EncoderMismatch,
    EncoderUnavailable,
    InvalidQuery,
    MappingMismatch,
    UnknownIndex,
)
from mappings.index_lifecycle import LiveIndex
from mappings.product import IMAGE_VECTOR, PHOTOS, TEXT_VECTOR
from service.compat.text_fields import TextFields
from service.live_indexes import LiveIndexes

_MOST_KEPT = 1_000
"""Names that are remembered; who asks for more at a time gets an answer all the same."""


@dataclass(frozen=True)
class Target:
    """One index that may be searched with our vectors.

    live: what is asked, with the encoders of its vectors. prefix: of our fields' paths.
    shown_as: name that hits show in the place of a companion's, None for their own.
    unready: why it is not searched with vectors at present, empty when it is.
    """

    live: LiveIndex
    is_text: TextFields
    prefix: str = ""
    shown_as: str | None = None
    unready: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether the index has our own mapping, with the product id as a field."""
        return not self.prefix

    @property
    def hides(self) -> bool:
        """Whether the shop's documents hold fields of ours, which its code does not expect."""
        return bool(self.prefix)


@dataclass(frozen=True)
class _Known:
    until: float
    target: Target | None


class SearchTargets:
    """Finds targets, and remembers each, or that there is none, for a short time.

    require: returns an index whose encoders are here, and raises EncoderMismatch for any other.
    """

    def __init__(
        self,
        client: Elasticsearch,
        indexes: LiveIndexes,
        attachments: Attachments,
        require: Callable[[LiveIndex], LiveIndex],
        *,
        ttl_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._indexes = indexes
        self._attachments = attachments
        self._require = require
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}

    def find(self, name: str) -> Target | None:
        """Return what a name stands for, None when nothing of ours is behind it.

        Raises UnknownIndex for an index that is not served, a TemporaryError when the cluster
        cannot answer.
        """
        self.require_served(name)
        now = self._clock()
        with self._lock:
            known = self._known.get(name)
        if known is not None and known.until > now:
            return known.target
        target = self._find(name)
        with self._lock:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[name] = _Known(now + self._ttl_seconds, target)
        return target

    def require_served(self, name: str) -> None:
        """Raise UnknownIndex for an index that is not served, whether or not it is there."""
        self._indexes.require_served(name)

    def get(self, name: str) -> LiveIndex:
        """Return the index behind a name that is known to have one of ours."""
        target = self.find(name)
        if target is None:
            raise UnknownIndex(f"no index named {name!r}", field="index")
        return target.live

    def _find(self, name: str) -> Target | None:
        try:
            return self._target(self._indexes.get(name), prefix="")
        except (EncoderMismatch, EncoderUnavailable) as error:
            return _without_encoder(LiveIndex(name, name, {}), error)
        except (UnknownIndex, InvalidQuery, MappingMismatch):
            pass  # none of ours: a name may be the shop's
        try:
            attachment = self._attachments.get(name)
        except UnknownIndex:
            return None
        return self._attached(attachment)

    def _attached(self, attachment: Attachment) -> Target:
        live = LiveIndex(attachment.index, attachment.target, attachment.encoders)
        prefix = f"{OWN_FIELD}."
        try:
            target = self._target(self._fitting(live), prefix=prefix)
        except (EncoderMismatch, EncoderUnavailable) as error:
            return _without_encoder(live, error, prefix=prefix)
        is_companion = attachment.mode == "companion"
        return replace(
            target,
            shown_as=attachment.index if is_companion else None,
            unready=attachment.unready or target.unready,
        )

    def _fitting(self, live: LiveIndex) -> LiveIndex:
        """Return an attached index with those of its encoders that are here.

        Raises EncoderMismatch without that of the text; photos are left out without theirs.
        """
        try:
            return self._require(live)
        except EncoderMismatch as error:
            if error.field != IMAGE_VECTOR:
                raise
        return self._require(_without_photos(live))

    def _target(self, live: LiveIndex, *, prefix: str) -> Target:
        with cluster_errors(index=live.index):
            mappings = self._client.indices.get_mapping(index=live.index)
        text = f"{prefix}{TEXT_VECTOR}"
        without = [index for index, found in mappings.body.items() if not _has(found, text)]
        photos = f"{prefix}{PHOTOS}"
        if prefix and not all(_has(found, photos) for found in mappings.body.values()):
            live = _without_photos(live)
        unready = f"{without[0]!r} has no vectors yet" if prefix and without else ""
        return Target(live, TextFields.of_mappings(mappings.body), prefix, unready=unready)


def _without_photos(live: LiveIndex) -> LiveIndex:
    encoders = {name: spec for name, spec in live.encoders.items() if name != IMAGE_VECTOR}
    return replace(live, encoders=encoders)


def _has(found: Mapping[str, Any], path: str) -> bool:
    """Whether an index has a field of ours: one that an alias was just moved to has none."""
    node: Mapping[str, Any] = found["mappings"]
    for name in path.split("."):
        node = node.get("properties", {}).get(name, {})
    return bool(node)


def _without_encoder(live: LiveIndex, error: ConfigurationError, *, prefix: str = "") -> Target:
    return Target(live, TextFields(frozenset()), prefix, unready=error.message)
