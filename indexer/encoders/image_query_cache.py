"""Vectors of photo queries are remembered by what the photo is: a page turned asks again."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from cachetools import LRUCache

from indexer.encoders.base import Embeddings, ImageEncoder
from mappings.encoder_spec import EncoderSpec

if TYPE_CHECKING:
    from PIL import Image

Box = tuple[float, float, float, float]
_Key = tuple[EncoderSpec, str, Box | None]


class CachedQueryImageEncoder:
    """An encoder of photos behind a bounded least-recently-used cache. Safe to share by threads.

    A photo that is known is neither decoded nor encoded. Threads that miss the same photo at
    the same time decode and encode it once.
    hits: photos answered without encoding. misses: photos encoded.
    max_entries: vectors kept; 2 000 of 384 dims are 3 MB. The photos are not kept.
    on_lookup: told hits and misses.
    """

    def __init__(
        self,
        encoder: ImageEncoder,
        max_entries: int = 2_000,
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

    def encode_photo(
        self, data: bytes, open_photo: Callable[[], Image.Image], *, crop: Box | None = None
    ) -> Embeddings:
        """Return the photo's unit vector, float32 [dims], read-only.

        data: the file, of which the key is made. crop: the part that is asked for, part of the
        key. open_photo: decodes the file and cuts that part out; called on a miss alone, and
        what it raises is raised to everyone who waits for this photo, and is not remembered.
        """
        key = (self._encoder.spec, hashlib.sha256(data).hexdigest(), crop)
        with self._lock:
            known = self._vectors.get(key)
            pending = self._pending.get(key)
            if known is not None or pending is not None:
                self.hits += 1
            else:
                self.misses += 1
                ours = self._pending[key] = Future()
        is_hit = known is not None or pending is not None
        self._on_lookup(int(is_hit), int(not is_hit))
        if known is not None:
            return known
        return self._encode(key, ours, open_photo) if pending is None else pending.result()

    def _encode(
        self, key: _Key, ours: Future[Embeddings], open_photo: Callable[[], Image.Image]
    ) -> Embeddings:
        """Encode outside the lock, then hand the vector to the cache and to whoever waits."""
        try:
            vector: Embeddings = self._encoder.encode_images([open_photo()])[0].copy()
        except BaseException as error:
            with self._lock:
                del self._pending[key]
            ours.set_exception(error)
            raise
        vector.flags.writeable = False
        with self._lock:
            self._vectors[key] = vector
            del self._pending[key]
        ours.set_result(vector)
        return vector
