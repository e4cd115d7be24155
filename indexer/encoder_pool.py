"""The encoders of one worker: the one of its settings, and those that its indexes ask for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from indexer.encoders.base import TextEncoder
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderMismatch, EncoderNeeded, EncoderUnavailable
from mappings.index_lifecycle import LiveIndex, require_text_encoder


class EncoderPool:
    """Finds the encoder that filled an index. Safe to use from several threads.

    first: what the settings name; None for a worker that encodes nothing.
    load: loads another one by its identity, which is compared afterwards. A new version of an
        index may be filled by another encoder than the present one, and both must be kept fresh.
    """

    def __init__(
        self,
        first: TextEncoder | None,
        load: Callable[[EncoderSpec], TextEncoder] | None = None,
    ) -> None:
        self._first = first
        self._load = load
        self._lock = threading.Lock()
        self._encoders = [] if first is None else [first]

    def check(self, live: LiveIndex) -> None:
        """Raise EncoderMismatch when no encoder of ours fills the index as it was filled."""
        if self._first is not None and live.text_encoder is not None:
            self.encoder(live)

    def encoder(self, live: LiveIndex) -> TextEncoder:
        """Return the encoder of an index's text vectors.

        Raises EncoderNeeded when this worker has none at all, EncoderMismatch when it has
        only others.
        """
        spec = live.text_encoder
        if self._first is None or spec is None:
            raise EncoderNeeded(f"a product of {live.name!r} needs an encoder, here is none")
        with self._lock:
            for encoder in self._encoders:
                if encoder.spec == spec:
                    return encoder
            found = self._loaded(spec)
            if found is None or found.spec != spec:
                require_text_encoder(live, (found or self._first).spec)
                raise EncoderMismatch(f"index {live.index!r} needs {spec}")
            self._encoders.append(found)
            return found

    def _loaded(self, spec: EncoderSpec) -> TextEncoder | None:
        if self._load is None:
            return None
        try:
            return self._load(spec)
        except EncoderUnavailable:
            return None
