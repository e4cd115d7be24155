"""The encoders of queries: each index is asked with those that filled it.

A rebuild may bring in another encoder. Queries switch to it together with the alias, since an
index is never looked up without its encoders. A service goes on without an encoder that is not
here: its legs are left out, and it is looked for again after a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import structlog

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
from mappings.errors import ConfigurationError, EncoderMismatch, EncoderUnavailable
from mappings.index_lifecycle import LiveIndex, require_text_encoder
from mappings.product import IMAGE_VECTOR
from service.deadlines import BoundedTextEncoder, Deadline
from service.leg_breaker import LegBreaker
from service.query_vectors import IndexEncoders, shares_space
from service.search_results import WORDS_FIND_PHOTOS, WORDS_FIND_TEXT
from service.settings import ServiceSettings

LOOK_AGAIN_SECONDS = 30.0
"""How long an encoder that is not here is not looked for: to identify one reads all its files."""

OnLookup = Callable[[str, int, int], None]
"""Told the kind of a cache of vectors, `text` or `photo`, and its hits and misses."""

_Encoder = TypeVar("_Encoder")
_log = structlog.get_logger(__name__)


class QueryEncoders:
    """Loads an encoder at its first use and keeps it. Safe to use from several threads.

    deadline: how long a text may take to encode. With one, as in a service, an index may lack
    its encoder; without, as in a measurement, that is an error.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        deadline: Deadline | None = None,
        on_lookup: OnLookup = lambda kind, hits, misses: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._deadline = deadline
        self._on_lookup = on_lookup
        self._clock = clock
        self._absent: dict[EncoderSpec, float] = {}
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

    def require_text(self, live: LiveIndex) -> LiveIndex:
        """Return the index when we have the encoder that filled its texts; loads nothing.

        Raises EncoderMismatch.
        """
        self._require_text(live)
        return live

    def require(self, live: LiveIndex) -> LiveIndex:
        """Return the index when we have the encoders that filled it; loads nothing.

        Raises EncoderMismatch.
        """
        self._require_text(live)
        photos = live.image_encoder
        if photos is None or photos in self._photos or self._photo_name(photos) is not None:
            return live
        raise _not_here(live, photos, field=IMAGE_VECTOR)

    def get(self, live: LiveIndex) -> IndexEncoders:
        """Return what encodes the words of a query for an index.

        Raises EncoderMismatch where no encoder may be absent.
        """
        text = self._if_here(live.text_encoder, lambda: self._text(live))
        words = self._if_here(live.image_encoder, lambda: self._words_of(live))
        absent: list[str] = []
        if text is None and live.text_encoder is not None:
            absent.append(WORDS_FIND_TEXT)
        finds_photos = live.text_encoder if shares_space(live) else live.image_encoder
        if finds_photos is not None and self._is_absent(finds_photos):
            absent.append(WORDS_FIND_PHOTOS)
        return IndexEncoders(text, words, tuple(absent))

    def photos(self, live: LiveIndex) -> CachedQueryImageEncoder | None:
        """Return the encoder of photos of an index, None when it has none or it is not here.

        Raises EncoderMismatch where no encoder may be absent.
        """
        spec = live.image_encoder
        if spec is None:
            return None
        return self._if_here(
            spec,
            lambda: self._kept(
                self._photos,
                spec,
                live,
                lambda: self._load_photos(self._photo_name(spec) or spec.name),
            ),
        )

    def _is_absent(self, spec: EncoderSpec) -> bool:
        return self._clock() < self._absent.get(spec, -float("inf"))

    def _if_here(
        self, spec: EncoderSpec | None, find: Callable[[], _Encoder | None]
    ) -> _Encoder | None:
        if spec is None or self._is_absent(spec):
            return None
        try:
            return find()
        except Exception as error:  # what reads a broken model file may fail in any way
            if self._deadline is None:
                raise
            reason = error.message if isinstance(error, ConfigurationError) else repr(error)
            _log.error("encoder_not_here", encoder=spec.name, reason=reason)
            self._absent[spec] = self._clock() + LOOK_AGAIN_SECONDS
            return None

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

    def _photo_name(self, spec: EncoderSpec) -> str | None:
        """Return the name or path by which the encoder of photos loads, None when it is not here.

        A fine-tuned encoder is known by its folder's path, which an index does not know but the
        settings do.
        """
        for name in filter(None, (spec.name, self._settings.image_encoder)):
            try:
                if image_encoder_spec(name, model_directory=self._models) == spec:
                    return name
            except EncoderUnavailable:
                continue
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
            encoder,
            max_entries=self._settings.service_image_cache_entries,
            on_lookup=lambda hits, misses: self._on_lookup("photo", hits, misses),
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
        if self._deadline is not None:
            encoder = BoundedTextEncoder(
                encoder,
                self._deadline,
                LegBreaker(self._settings.service_slow_legs_pause_seconds),
            )
        entries = self._settings.service_query_cache_entries
        if not entries:
            return encoder
        return CachedQueryEncoder(
            encoder,
            max_entries=entries,
            on_lookup=lambda hits, misses: self._on_lookup("text", hits, misses),
        )


def _not_here(live: LiveIndex, spec: EncoderSpec, *, field: str) -> EncoderMismatch:
    return EncoderMismatch(
        f"index {live.index!r} was filled by encoder {spec.name!r} of revision "
        f"{spec.revision[:12]!r}, which is not here",
        field=field,
    )
