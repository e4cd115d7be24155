"""The encoders of queries: each index is asked with the one that filled it.

A rebuild may bring in another encoder. Queries switch to it together with the alias, since an
index is never looked up without its encoder.
"""

from __future__ import annotations

import threading
from pathlib import Path

from indexer.encoders.base import TextEncoder
from indexer.encoders.query_cache import CachedQueryEncoder
from indexer.encoders.registry import load_query_encoder, text_encoder_spec
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderMismatch, EncoderUnavailable
from mappings.index_lifecycle import LiveIndex, require_text_encoder
from service.settings import ServiceSettings


class QueryEncoders:
    """Loads an encoder at its first use and keeps it. Safe to use from several threads."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._loaded: dict[EncoderSpec, TextEncoder] = {}

    def check_configured(self) -> None:
        """Raise EncoderUnavailable unless the encoder of the settings is here; loads nothing."""
        settings = self._settings
        text_encoder_spec(
            settings.text_encoder,
            template=settings.text_template,
            model_directory=Path(settings.model_directory),
        )

    def load_configured(self) -> None:
        """Load the encoder of the settings.

        Raises EncoderUnavailable when its files are not there.
        """
        settings = self._settings
        encoder = self._load(settings.text_encoder, settings.text_template)
        with self._lock:
            self._loaded[encoder.spec] = encoder

    def require(self, live: LiveIndex) -> LiveIndex:
        """Return the index when we have the encoder that filled it; loads nothing.

        Raises EncoderMismatch.
        """
        spec = live.text_encoder
        if spec is None or spec in self._loaded or self._identity(spec) == spec:
            return live
        settings = self._settings
        configured = self._identity(spec, settings.text_encoder, settings.text_template)
        if configured is not None:
            require_text_encoder(live, configured)
        raise EncoderMismatch(
            f"index {live.index!r} was filled by encoder {spec.name!r} of revision "
            f"{spec.revision[:12]!r}, which is not here",
            field="text_encoder",
        )

    def get(self, live: LiveIndex) -> TextEncoder | None:
        """Return the encoder of an index, None when the shop fills its text vectors.

        Raises EncoderMismatch.
        """
        spec = live.text_encoder
        if spec is None:
            return None
        with self._lock:
            if spec not in self._loaded:
                self.require(live)
                self._loaded[spec] = self._load(spec.name, spec.template)
            return self._loaded[spec]

    def _identity(
        self, spec: EncoderSpec, name: str | None = None, template: str | None = None
    ) -> EncoderSpec | None:
        try:
            return text_encoder_spec(
                name or spec.name,
                template=template or spec.template,
                model_directory=Path(self._settings.model_directory),
            )
        except EncoderUnavailable:
            return None

    def _load(self, name: str, template: str) -> TextEncoder:
        settings = self._settings
        encoder = load_query_encoder(
            name,
            template=template,
            model_directory=Path(settings.model_directory),
            threads=settings.service_encoder_threads,
        )
        if settings.service_query_cache_entries:
            return CachedQueryEncoder(encoder, max_entries=settings.service_query_cache_entries)
        return encoder
