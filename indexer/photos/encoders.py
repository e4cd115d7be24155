"""The encoders of photos of one worker: those that its indexes ask for, loaded when they do."""

from __future__ import annotations

import threading
from collections.abc import Callable

from indexer.encoders.base import ImageEncoder
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderMismatch


class ImageEncoderPool:
    """Finds the encoder that fills an index's photos. Safe to use from several threads.

    load: loads one by its identity, which is compared afterwards.
    """

    def __init__(self, load: Callable[[EncoderSpec], ImageEncoder]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._encoders: dict[EncoderSpec, ImageEncoder] = {}

    def add(self, encoder: ImageEncoder) -> None:
        """Hold one that is loaded already."""
        with self._lock:
            self._encoders[encoder.spec] = encoder

    def encoder(self, index: str, spec: EncoderSpec) -> ImageEncoder:
        """Return the encoder of an index's photos.

        Raises EncoderUnavailable when it is not there, EncoderMismatch when it is not the one
        that has filled the index.
        """
        with self._lock:
            if (known := self._encoders.get(spec)) is not None:
                return known
            found = self._load(spec)
            spec.require_same(found.spec, index=index, field="photos")
            if found.spec != spec:
                raise EncoderMismatch(f"index {index!r} needs {spec}", field="photos")
            self._encoders[spec] = found
            return found
