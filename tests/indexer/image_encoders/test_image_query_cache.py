"""Photo queries that are asked again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from indexer.encoders.base import Embeddings
from indexer.encoders.image_hashing import HashingImageEncoder
from indexer.encoders.image_query_cache import Box, CachedQueryImageEncoder


class CountingEncoder(HashingImageEncoder):
    """Counts photos; waits for `gate` first."""

    def __init__(self) -> None:
        super().__init__()
        self.photos = 0
        self.gate = threading.Event()
        self.gate.set()

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        self.gate.wait(10)
        self.photos += len(images)
        return super().encode_images(images)


class Photo:
    """A photo of one colour, and how often it was decoded."""

    def __init__(self, colour: str) -> None:
        self.data = colour.encode()
        self.opened = 0
        self._colour = colour

    def open(self) -> Image.Image:
        self.opened += 1
        return Image.new("RGB", (8, 8), self._colour)


def test_a_known_photo_is_neither_decoded_nor_encoded_again() -> None:
    encoder, photo = CountingEncoder(), Photo("red")
    cached = CachedQueryImageEncoder(encoder)
    first = cached.encode_photo(photo.data, photo.open)
    again = cached.encode_photo(bytes(photo.data), photo.open)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, HashingImageEncoder().encode_images([photo.open()])[0])
    assert (encoder.photos, photo.opened) == (1, 1 + 1)
    assert (cached.hits, cached.misses) == (1, 1)


@pytest.mark.parametrize(
    ("data", "crop"),
    [(b"blue", None), (b"red", (0.0, 0.0, 0.5, 1.0))],
    ids=["other bytes", "other part"],
)
def test_another_photo_or_part_is_another_entry(data: bytes, crop: Box | None) -> None:
    encoder = CountingEncoder()
    cached = CachedQueryImageEncoder(encoder)
    cached.encode_photo(b"red", Photo("red").open)
    cached.encode_photo(data, Photo("blue").open, crop=crop)
    assert encoder.photos == 2


def test_threads_that_miss_the_same_photo_encode_it_once() -> None:
    encoder, photo = CountingEncoder(), Photo("red")
    cached = CachedQueryImageEncoder(encoder)
    encoder.gate.clear()
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(cached.encode_photo, photo.data, photo.open) for _ in range(8)]
        encoder.gate.set()
        vectors = [future.result() for future in asked]
    assert encoder.photos == 1
    assert all((vector == vectors[0]).all() for vector in vectors)


def test_a_photo_that_cannot_be_opened_is_not_remembered() -> None:
    cached = CachedQueryImageEncoder(CountingEncoder())

    def broken() -> Image.Image:
        raise ValueError("no picture")

    with pytest.raises(ValueError, match="no picture"):
        cached.encode_photo(b"red", broken)
    assert cached.encode_photo(b"red", Photo("red").open).shape == (cached.spec.dims,)


def test_the_least_recently_used_photo_is_forgotten_first() -> None:
    encoder = CountingEncoder()
    cached = CachedQueryImageEncoder(encoder, max_entries=2)
    for colour in ("red", "blue", "red", "green", "red"):
        photo = Photo(colour)
        cached.encode_photo(photo.data, photo.open)
    assert encoder.photos == 3
    cached.encode_photo(b"blue", Photo("blue").open)
    assert encoder.photos == 4


def test_a_vector_from_the_cache_cannot_be_changed() -> None:
    cached = CachedQueryImageEncoder(CountingEncoder())
    with pytest.raises(ValueError, match="read-only"):
        cached.encode_photo(b"red", Photo("red").open)[0] = 1.0


def test_a_cache_of_no_entries_is_refused() -> None:
    with pytest.raises(ValueError, match="max_entries is 0"):
        CachedQueryImageEncoder(CountingEncoder(), max_entries=0)
