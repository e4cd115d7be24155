from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from indexer.encoders.base import Embeddings
from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.query_cache import CachedQueryEncoder
from mappings.encoder_spec import EncoderSpec


class CountingEncoder:
    """The hashing encoder, which remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails = False
        self.gate: threading.Event | None = None
        self.entered = threading.Event()
        self._encoder = HashingEncoder()

    @property
    def spec(self) -> EncoderSpec:
        return self._encoder.spec

    def encode(self, texts: Sequence[str]) -> Embeddings:
        self.asked += texts
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(10)
        if self.fails:
            raise RuntimeError("no luck")
        return self._encoder.encode(texts)


@pytest.fixture
def encoder() -> CountingEncoder:
    return CountingEncoder()


def test_a_repeated_query_is_not_encoded_again(encoder: CountingEncoder) -> None:
    cached = CachedQueryEncoder(encoder)
    first = cached.encode(["usb cable"])
    np.testing.assert_array_equal(first, cached.encode(["usb cable"]))
    assert encoder.asked == ["usb cable"]
    assert (cached.hits, cached.misses) == (1, 1)


def test_only_the_unknown_texts_of_a_call_are_encoded_and_order_is_kept(
    encoder: CountingEncoder,
) -> None:
    cached = CachedQueryEncoder(encoder)
    cached.encode(["b"])
    texts = ["a", "b", "c", "a"]
    np.testing.assert_array_equal(cached.encode(texts), HashingEncoder().encode(texts))
    assert encoder.asked == ["b", "a", "c"]
    assert (cached.hits, cached.misses) == (2, 3)


def test_whitespace_makes_no_new_entry_and_no_other_vector(encoder: CountingEncoder) -> None:
    cached = CachedQueryEncoder(encoder)
    first, second = cached.encode(["  usb \t cable\n"]), cached.encode(["usb cable"])
    np.testing.assert_array_equal(first, second)
    assert encoder.asked == ["usb cable"]


def test_case_is_kept_apart(encoder: CountingEncoder) -> None:
    cached = CachedQueryEncoder(encoder)
    cached.encode(["USB", "usb"])
    assert encoder.asked == ["USB", "usb"]


def test_the_least_recently_used_query_is_dropped(encoder: CountingEncoder) -> None:
    cached = CachedQueryEncoder(encoder, max_entries=2)
    for text in ("a", "b", "a", "c"):  # c drops b
        cached.encode([text])
    encoder.asked.clear()
    for text in ("a", "c", "b"):
        cached.encode([text])
    assert encoder.asked == ["b"]


def test_more_texts_than_entries_in_one_call(encoder: CountingEncoder) -> None:
    texts = [f"query {number}" for number in range(20)]
    vectors = CachedQueryEncoder(encoder, max_entries=3).encode(texts)
    np.testing.assert_array_equal(vectors, HashingEncoder().encode(texts))


def test_vectors_cannot_be_written_to(encoder: CountingEncoder) -> None:
    cached = CachedQueryEncoder(encoder)
    for _ in range(2):
        with pytest.raises(ValueError, match="read-only"):
            cached.encode(["usb"])[0, 0] = 5.0


def test_no_texts(encoder: CountingEncoder) -> None:
    assert CachedQueryEncoder(encoder).encode([]).shape == (0, encoder.spec.dims)
    assert encoder.asked == []


def test_a_failure_is_raised_and_not_remembered(encoder: CountingEncoder) -> None:
    cached = CachedQueryEncoder(encoder)
    encoder.fails = True
    with pytest.raises(RuntimeError, match="no luck"):
        cached.encode(["usb"])
    encoder.fails = False
    assert cached.encode(["usb"]).shape == (1, encoder.spec.dims)


def test_simultaneous_misses_of_one_query_encode_it_once(encoder: CountingEncoder) -> None:
    cached = CachedQueryEncoder(encoder)
    encoder.gate = threading.Event()
    with ThreadPoolExecutor(6) as threads:
        calls = [threads.submit(cached.encode, ["usb cable"]) for _ in range(6)]
        assert encoder.entered.wait(10)
        while cached.hits + cached.misses < len(calls):
            pass
        encoder.gate.set()
        vectors = [call.result(10) for call in calls]
    assert encoder.asked == ["usb cable"]
    assert (cached.hits, cached.misses) == (5, 1)
    for vector in vectors:
        np.testing.assert_array_equal(vector, vectors[0])


def test_threads_that_share_some_queries_all_get_theirs(encoder: CountingEncoder) -> None:
    cached = CachedQueryEncoder(encoder, max_entries=8)
    calls = [[f"q{(start + step) % 12}" for step in range(5)] for start in range(48)]
    with ThreadPoolExecutor(8) as threads:
        for texts, vectors in zip(calls, threads.map(cached.encode, calls), strict=True):
            np.testing.assert_array_equal(vectors, HashingEncoder().encode(texts))
    assert cached.hits + cached.misses == sum(map(len, calls))


def test_it_has_the_encoders_identity(encoder: CountingEncoder) -> None:
    assert CachedQueryEncoder(encoder).spec == encoder.spec


def test_an_empty_cache_is_refused(encoder: CountingEncoder) -> None:
    with pytest.raises(ValueError, match="max_entries is 0"):
        CachedQueryEncoder(encoder, max_entries=0)
