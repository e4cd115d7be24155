"""The encoders of queries: each index is asked with those that filled it.

A rebuild may bring in another encoder. Queries switch to it together with the alias, since an
index is never looked up without its encoders.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from indexer.encoders.base import TextEncoder
from indexer.encoders.image_query_cache import CachedQueryImageEncoder
from indexer.encoders.image_registry import (
    image_encoder_spec,
    load_query_image_encoder,
    load_words_encoder,
)
from indexer.encoders.query_cache import CachedQueryEncoder
from indexer.encoders.registry import load_query_encoder, text_encoder_spec
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderMismatch, EncoderUnavailable
from mappings.index_lifecycle import LiveIndex, require_text_encoder
from mappings.product import IMAGE_VECTOR
from service.query_vectors import IndexEncoders, shares_space
from service.settings import ServiceSettings

_Encoder = TypeVar("_Encoder")


class QueryEncoders:
    """Loads an encoder at its first use and keeps it. Safe to use from several threads."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._models = Path(settings.model_directory)
        self._lock = threading.Lock()
        self._texts: dict[EncoderSpec, TextEncoder] = {}
        self._photos: dict[EncoderSpec, CachedQueryImageEncoder] = {}
        self._words: dict[EncoderSpec, TextEncoder | None] = {}

    def check_configured(self) -> None:
        """Raise EncoderUnavailable unless the encoders of the settings are here; loads nothing."""
        settings = self._settings
        text_encoder_spec(
            settings.text_encoder, template=settings.text_template, model_directory=self._models
        )
        if settings.image_encoder:
            image_encoder_spec(settings.image_encoder, model_directory=self._models)

    def load_configured(self) -> None:
        """Load the encoders of the settings.

        Raises EncoderUnavailable when their files are not there.
        """
        settings = self._settings
        encoder = self._load_text(settings.text_encoder, settings.text_template)
        photos = self._load_photos(settings.image_encoder) if settings.image_encoder else None
        with self._lock:
            self._texts[encoder.spec] = encoder
            if photos is not None:
                self._photos[photos.spec] = photos

    def require(self, live: LiveIndex) -> LiveIndex:
        """Return the index when we have the encoders that filled it; loads nothing.

        Raises EncoderMismatch.
        """
        self._require_text(live)
        photos = live.image_encoder
        if photos is None or photos in self._photos or self._image_identity(photos) == photos:
            return live
        raise _not_here(live, photos, field=IMAGE_VECTOR)

    def get(self, live: LiveIndex) -> IndexEncoders:
        """Return what encodes the words of a query for an index.

        Raises EncoderMismatch.
        """
        return IndexEncoders(self._text(live), self._words_of(live))

    def photos(self, live: LiveIndex) -> CachedQueryImageEncoder | None:
        """Return the encoder of photos of an index, None when it has no photos of ours.

        Raises EncoderMismatch.
        """
        spec = live.image_encoder
        if spec is None:
            return None
        return self._kept(self._photos, spec, live, lambda: self._load_photos(spec.name))

    def _text(self, live: LiveIndex) -> TextEncoder | None:
        spec = live.text_encoder
        if spec is None:
            return None
        return self._kept(
            self._texts, spec, live, lambda: self._load_text(spec.name, spec.template)
        )

    def _words_of(self, live: LiveIndex) -> TextEncoder | None:
        spec = live.image_encoder
        if spec is None or shares_space(live):
            return None
        return self._kept(self._words, spec, live, lambda: self._load_words(spec))

    def _kept(
        self,
        loaded: dict[EncoderSpec, _Encoder],
        spec: EncoderSpec,
        live: LiveIndex,
        load: Callable[[], _Encoder],
    ) -> _Encoder:
        with self._lock:
            if spec not in loaded:
                self.require(live)
                loaded[spec] = load()
            return loaded[spec]

    def _require_text(self, live: LiveIndex) -> None:
        spec = live.text_encoder
        if spec is None or spec in self._texts or self._text_identity(spec) == spec:
            return
        settings = self._settings
        configured = self._text_identity(spec, settings.text_encoder, settings.text_template)
        if configured is not None:
            require_text_encoder(live, configured)
        raise _not_here(live, spec, field="text_encoder")

    def _text_identity(
        self, spec: EncoderSpec, name: str | None = None, template: str | None = None
    ) -> EncoderSpec | None:
        try:
            return text_encoder_spec(
                name or spec.name,
                template=template or spec.template,
                model_directory=self._models,
            )
        except EncoderUnavailable:
            return None

    def _image_identity(self, spec: EncoderSpec) -> EncoderSpec | None:
        try:
            return image_encoder_spec(spec.name, model_directory=self._models)
        except EncoderUnavailable:
            return None

    def _load_text(self, name: str, template: str) -> TextEncoder:
        return self._cached(
            load_query_encoder(
                name,
                template=template,
                model_directory=self._models,
                threads=self._settings.service_encoder_threads,
            )
        )

    def _load_photos(self, name: str) -> CachedQueryImageEncoder:
        encoder = load_query_image_encoder(
            name,
            model_directory=self._models,
            threads=self._settings.service_encoder_threads,
        )
        return CachedQueryImageEncoder(
            encoder, max_entries=self._settings.service_image_cache_entries
        )

    def _load_words(self, spec: EncoderSpec) -> TextEncoder | None:
        encoder = load_words_encoder(
            spec.name,
            model_directory=self._models,
            threads=self._settings.service_encoder_threads,
        )
        # Vectors of another space than the photos' would have a length, and mean nothing.
        if encoder is None or encoder.spec.dims != spec.dims:
            return None
        return self._cached(encoder)

    def _cached(self, encoder: TextEncoder) -> TextEncoder:
        entries = self._settings.service_query_cache_entries
        return CachedQueryEncoder(encoder, max_entries=entries) if entries else encoder


def _not_here(live: LiveIndex, spec: EncoderSpec, *, field: str) -> EncoderMismatch:
    return EncoderMismatch(
        f"index {live.index!r} was filled by encoder {spec.name!r} of revision "
        f"{spec.revision[:12]!r}, which is not here",
        field=field,
    )
