"""Query vectors are remembered: most queries of a shop are repeated within the hour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import numpy as np
from cachetools import LRUCache

from indexer.encoders.base import Embeddings, TextEncoder, WordList
from mappings.encoder_spec import EncoderSpec

_Key = tuple[EncoderSpec, str]
_Pending = dict[str, "Future[Embeddings]"]


class CachedQueryEncoder:
    """An encoder behind a bounded least-recently-used cache. See TextEncoder.

    Texts that differ in surrounding or repeated whitespace are one entry, and are encoded in
    the collapsed form, so that the vector does not depend on which came first.
    Threads that miss the same text at the same time encode it once.
    hits: texts answered without encoding. misses: texts encoded.
    max_entries: vectors kept; 10 000 of 384 dims are 15 MB. on_lookup: told hits and misses.
    """

    def __init__(
        self,
        encoder: TextEncoder,
        max_entries: int = 10_000,
        *,
        on_lookup: Callable[[int, int], None] = lambda hits, misses: None,
    ) -> None:
        if max_entries < 1:
            raise ValueError(f"max_entries is {max_entries}; it must be 1 or more")
        self._encoder = encoder
        self._on_lookup = on_lookup
        self._vectors: LRUCache[_Key, Embeddings] = LRUCache(maxsize=max_entries)
        self._pending: dict[_Key, Future[Embeddings]] = {}
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    @property
    def spec(self) -> EncoderSpec:
        """Return the encoder's identity."""
        return self._encoder.spec

    def is_word(self, text: str) -> bool:
        """Return whether a text is a word of the encoder's language, as far as it can tell."""
        return isinstance(self._encoder, WordList) and self._encoder.is_word(text)

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Return one unit vector a text, float32 [len(texts), dims], read-only."""
        spec = self._encoder.spec
        collapsed = [" ".join(text.split()) for text in texts]
        known, ours, others = self._look_up(spec, collapsed)
        self._on_lookup(len(texts) - len(ours), len(ours))
        if ours:
            known |= self._encode_ours(spec, ours)
        # Only after our own are done: two calls that wait for each other's texts must not block.
        known |= {text: future.result() for text, future in others.items()}
        vectors = np.empty((len(texts), spec.dims), dtype=np.float32)
        for row, text in zip(vectors, collapsed, strict=True):
            row[:] = known[text]
        vectors.flags.writeable = False
        return vectors

    def _look_up(
        self, spec: EncoderSpec, texts: list[str]
    ) -> tuple[dict[str, Embeddings], _Pending, _Pending]:
        """Divide the distinct texts into known, ours to encode, and being encoded by others."""
        known: dict[str, Embeddings] = {}
        ours: _Pending = {}
        others: _Pending = {}
        with self._lock:
            for text in dict.fromkeys(texts):
                vector = self._vectors.get((spec, text))
                if vector is not None:
                    known[text] = vector
                elif (pending := self._pending.get((spec, text))) is not None:
                    others[text] = pending
                else:
                    ours[text] = self._pending[spec, text] = Future()
            self.misses += len(ours)
            self.hits += len(texts) - len(ours)
        return known, ours, others

    def _encode_ours(self, spec: EncoderSpec, ours: _Pending) -> dict[str, Embeddings]:
        """Encode outside the lock, then hand the vectors to the cache and to whoever waits."""
        try:
            vectors = self._encoder.encode(list(ours))
        except BaseException as error:
            with self._lock:
                for text in ours:
                    del self._pending[spec, text]
            for future in ours.values():
                future.set_exception(error)
            raise
        # Each row is copied: a view would keep the whole batch alive.
        encoded = {text: vector.copy() for text, vector in zip(ours, vectors, strict=True)}
        with self._lock:
            for text, vector in encoded.items():
                self._vectors[spec, text] = vector
                del self._pending[spec, text]
        for text, future in ours.items():
            future.set_result(encoded[text])
        return encoded
