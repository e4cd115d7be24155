"""Photos that no browser can ask for itself: of our own disk, and those inside a document."""

from __future__ import annotations

import hashlib
import io
import threading
from dataclasses import dataclass
from pathlib import Path

from cachetools import LRUCache
from elasticsearch import Elasticsearch, NotFoundError

from indexer.images.decoding import decode, thumbnail
from indexer.images.inline_data import read_data_url
from indexer.images.local_files import read_file
from mappings.cluster import cluster_errors
from mappings.errors import ImageRefused, UnknownProduct
from service.live_indexes import LiveIndexes

SIDE = 400
"""Pixels of the longer side, at most: a card is half as wide, on a screen of twice the pixels."""

_QUALITY = 80
_CACHE_BYTES = 32 * 2**20
_MAX_FILE_BYTES = 20_000_000
_MAX_PIXELS = 25_000_000
_AT_ONCE = 2
"""Photos that are decoded at one time: each may take 13 bytes a pixel."""


@dataclass(frozen=True)
class SmallPhoto:
    """A photo as WebP. tag: changes with its content."""

    data: bytes
    tag: str


class ProductPhotos:
    """Shows photos that products name, and no others; one per process, thread-safe.

    directory: the only folder of which `file:` addresses are read; None reads none.
    """

    def __init__(
        self, client: Elasticsearch, indexes: LiveIndexes, directory: Path | None
    ) -> None:
        self._client = client
        self._indexes = indexes
        self._directory = directory
        self._decoding = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._cache: LRUCache[str, SmallPhoto] = LRUCache(
            _CACHE_BYTES, getsizeof=lambda photo: len(photo.data)
        )

    def get(self, index: str, product_id: str, position: int) -> SmallPhoto:
        """Return a photo of a product, the longer side SIDE pixels at most.

        position: among the product's `images`, from 0. Raises UnknownProduct for one that is not
        there, as for a photo that is not ours to show, UnknownIndex, a TemporaryError.
        """
        address = self._address(index, product_id, position)
        try:
            data = self._read(address)
            tag = hashlib.sha256(data).hexdigest()[:32]
            with self._lock:
                known = self._cache.get(tag)
            if known is not None:
                return known
            with self._decoding:
                small = _small(data)
        except ImageRefused as error:
            raise _absent(product_id, position) from error
        photo = SmallPhoto(small, tag)
        with self._lock:
            self._cache[tag] = photo
        return photo

    def _address(self, index: str, product_id: str, position: int) -> str:
        live = self._indexes.get(index)
        with cluster_errors(index=index):
            try:
                found = self._client.get(
                    index=live.index, id=product_id, source_includes=["images", "deleted_at"]
                )
            except NotFoundError as error:
                raise _absent(product_id, position) from error
        images = found["_source"].get("images") or []
        if "deleted_at" in found["_source"] or not 0 <= position < len(images):
            raise _absent(product_id, position)
        return str(images[position])

    def _read(self, address: str) -> bytes:
        scheme = address.partition(":")[0].lower()
        if scheme == "file":
            return read_file(address, self._directory, max_bytes=_MAX_FILE_BYTES).data
        if scheme == "data":
            return read_data_url(address, max_bytes=_MAX_FILE_BYTES).data
        raise ImageRefused("image: is the shop's to show", reason="file_refused", field="image")


def _small(data: bytes) -> bytes:
    image = thumbnail(decode(data, max_pixels=_MAX_PIXELS, least_side=SIDE), SIDE)
    file = io.BytesIO()
    # Pixels alone: what a camera wrote beside them is nobody's business.
    image.save(file, "WEBP", quality=_QUALITY, method=2)
    return file.getvalue()


def _absent(product_id: str, position: int) -> UnknownProduct:
    return UnknownProduct(
        f"product {product_id[:80]!r} has no photo {position} to show", field="position"
    )
