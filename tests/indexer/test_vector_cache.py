"""The vectors that the workers share, on a real Redis."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import redis
from elasticsearch import Elasticsearch
from structlog.testing import capture_logs

from embedded.redis_server import EmbeddedRedis
from indexer.bulk_writer import BulkWriter
from indexer.documents import text_digest
from indexer.encoders.base import Embeddings, TextEncoder
from indexer.encoders.hashing import HashingEncoder
from indexer.pipeline import Pipeline
from indexer.settings import IndexerSettings
from indexer.text_embedding import encode_texts
from indexer.vector_cache import PAUSE_SECONDS, UNUSED_SECONDS, VectorCache, connect_cache
from mappings.encoder_spec import EncoderSpec
from mappings.index_lifecycle import create_index
from tests.indexer.conftest import delete, upsert

VECTORS_KEY, USES_KEY = "shelfwise:vectors:by-digest", "shelfwise:vectors:last-uses"
NOWHERE = redis.Redis(port=9, retry=None, socket_connect_timeout=1)


@dataclass
class CountingEncoder:
    """The hashing encoder, which remembers what it was asked for and may be of another name."""

    inner: TextEncoder = field(default_factory=HashingEncoder)
    changes: dict[str, object] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    @property
    def spec(self) -> EncoderSpec:
        return replace(self.inner.spec, **self.changes)

    def encode(self, texts: Sequence[str]) -> Embeddings:
        self.texts += texts
        return self.inner.encode(texts)


@pytest.fixture
def url(redis_server: EmbeddedRedis) -> str:
    """A database of its own, since the cache is one for a whole database."""
    return redis_server.url.removesuffix("/0") + "/9"


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def cache(client: redis.Redis) -> VectorCache:
    return VectorCache(client, entries=100)


def vector(seed: int, dims: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=dims).astype(np.float32)


def test_what_was_put_is_found_to_the_bit(cache):
    cache.put_many({"a": vector(1), "b": vector(2, dims=7)})
    found = cache.get_many(["b", "no such", "a"])
    assert list(found) == ["b", "a"]
    np.testing.assert_array_equal(found["a"], vector(1))
    np.testing.assert_array_equal(found["b"], vector(2, dims=7))
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}


def test_a_batch_costs_one_round_trip_each_way(cache, client):
    cache.put_many({"warm": vector(0)})
    cache.get_many(["warm"])
    before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    cache.put_many({str(number): vector(number) for number in range(50)})
    assert len(cache.get_many([str(number) for number in range(50)])) == 50
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 2


def test_what_was_not_used_for_longest_goes_first(client):
    cache = VectorCache(client, entries=3)
    for name in "abc":
        cache.put_many({name: vector(1)})
    cache.get_many(["a"])
    cache.put_many({"d": vector(1), "e": vector(1)})
    assert set(cache.get_many(list("abcde"))) == {"a", "d", "e"}


def test_a_smaller_limit_than_before_holds_after_the_next_put(client):
    VectorCache(client, entries=100).put_many({str(n): vector(n) for n in range(50)})
    VectorCache(client, entries=5).put_many({"new": vector(1)})
    assert client.hlen(VECTORS_KEY) == client.zcard(USES_KEY) == 5
    assert client.hexists(VECTORS_KEY, "new")


def test_a_batch_larger_than_the_cache_does_not_go_over_its_limit(client):
    VectorCache(client, entries=5).put_many({str(n): vector(n) for n in range(50)})
    assert client.hlen(VECTORS_KEY) == client.zcard(USES_KEY) == 5


def test_limit_holds_while_many_workers_put_at_once(client, url):
    workers, limit, sizes = 6, 40, []
    done = threading.Event()

    def watch() -> None:
        with redis.Redis.from_url(url) as watcher:
            while not done.is_set():
                sizes.append(watcher.hlen(VECTORS_KEY))

    def work(number: int) -> None:
        with redis.Redis.from_url(url) as own:
            cache = VectorCache(own, entries=limit)
            for batch in range(30):
                cache.put_many({f"{number}:{batch}:{n}": vector(n) for n in range(10)})
                cache.get_many([f"{number}:{batch}:{n}" for n in range(10)])

    with ThreadPoolExecutor(workers + 1) as pool:
        pool.submit(watch)
        list(pool.map(work, range(workers)))
        done.set()
    assert max(sizes) <= limit
    assert client.hlen(VECTORS_KEY) == client.zcard(USES_KEY) == limit
    assert set(client.hkeys(VECTORS_KEY)) == set(client.zrange(USES_KEY, 0, -1))


def test_half_of_the_cache_that_was_lost_takes_the_other_half_along(cache, client):
    cache.put_many({"a": vector(1), "b": vector(2)})
    client.delete(USES_KEY)
    cache.put_many({"c": vector(3)})
    assert set(cache.get_many(["a", "b", "c"])) == {"c"}
    assert client.hlen(VECTORS_KEY) == client.zcard(USES_KEY) == 1


def test_a_cache_that_nobody_uses_goes(cache, client):
    cache.put_many({"a": vector(1)})
    for key in (VECTORS_KEY, USES_KEY):
        assert 0 < client.ttl(key) <= UNUSED_SECONDS


def test_no_entries_switch_the_cache_off(client):
    cache = VectorCache(client, entries=0)
    cache.put_many({"a": vector(1)})
    assert cache.get_many(["a"]) == {}
    assert client.keys() == []


def test_redis_away_is_a_miss_that_is_told_once_and_asked_again_later():
    now = [0.0]
    cache = VectorCache(NOWHERE, entries=10, clock=lambda: now[0])
    with capture_logs() as logs:
        for _ in range(3):
            cache.put_many({"a": vector(1)})
            assert cache.get_many(["a"]) == {}
        assert len(logs) == 1
        now[0] += PAUSE_SECONDS
        assert cache.get_many(["a"]) == {}
    assert [entry["event"] for entry in logs] == ["vector_cache_unavailable"] * 2


def test_key_of_another_kind_is_a_miss(cache, client):
    client.set(VECTORS_KEY, "text")
    assert cache.get_many(["a"]) == {}


class TestEncoding:
    """encode_texts with a cache."""

    @pytest.fixture
    def encoder(self) -> CountingEncoder:
        return CountingEncoder()

    def test_a_known_text_is_not_encoded_again(self, cache, encoder):
        first, _ = encode_texts(encoder, {"1": "Mouse", "2": "Cable"}, cache)
        second, refused = encode_texts(encoder, {"3": "Cable", "4": "Keyboard"}, cache)
        assert encoder.texts == ["Mouse", "Cable", "Keyboard"]
        np.testing.assert_array_equal(second["3"], first["2"])
        np.testing.assert_array_equal(second["4"], HashingEncoder().encode(["Keyboard"])[0])
        assert refused == {}

    @pytest.mark.parametrize(
        "changes",
        [{"name": "other"}, {"revision": "2"}, {"template": "{title} {brand}"}],
        ids=lambda changes: next(iter(changes)),
    )
    def test_another_encoder_or_template_finds_nothing(self, cache, encoder, changes):
        encode_texts(encoder, {"1": "Mouse"}, cache)
        other = CountingEncoder(changes=changes)
        encode_texts(other, {"1": "Mouse"}, cache)
        assert other.texts == ["Mouse"]

    @pytest.mark.parametrize(
        "raw",
        [b"", b"abc", vector(1, dims=3).tobytes(), np.full(256, np.nan, np.float32).tobytes()],
        ids=["empty", "no floats", "other length", "no numbers"],
    )
    def test_an_entry_that_is_no_vector_of_the_encoder_is_a_miss_and_mended(
        self, cache, client, encoder, raw
    ):
        encode_texts(encoder, {"1": "Mouse"}, cache)
        client.hset(VECTORS_KEY, text_digest(encoder.spec, "Mouse"), raw)
        for _ in range(2):
            vectors, _ = encode_texts(encoder, {"1": "Mouse"}, cache)
        np.testing.assert_array_equal(vectors["1"], HashingEncoder().encode(["Mouse"])[0])
        assert encoder.texts == ["Mouse", "Mouse"]

    def test_a_refused_text_is_refused_again_and_its_neighbour_is_kept(self, cache):
        class Picky(CountingEncoder):
            def encode(self, texts: Sequence[str]) -> Embeddings:
                if "Poison" in texts:
                    raise RuntimeError("the model fell over")
                return super().encode(texts)

        encoder = Picky()
        for _ in range(2):
            vectors, refused = encode_texts(encoder, {"1": "Poison", "2": "Cable"}, cache)
            assert (set(vectors), set(refused)) == ({"2"}, {"1"})
        assert encoder.texts == ["Cable"]

    def test_redis_away_costs_an_encoder_call_and_nothing_else(self, encoder):
        cache = VectorCache(NOWHERE, entries=10)
        vectors, refused = encode_texts(encoder, {"1": "Mouse"}, cache)
        assert (set(vectors), refused, encoder.texts) == ({"1"}, {}, ["Mouse"])


@pytest.mark.cluster
def test_workers_share_vectors_over_products_deletes_and_pipelines(
    cluster: Elasticsearch, index_name: str, client: redis.Redis, url: str
):
    settings = IndexerSettings(redis_url=url)
    encoders = [CountingEncoder(), CountingEncoder()]
    create_index(cluster, index_name, {"text_vector": encoders[0].spec})
    one, two = (Pipeline(cluster, encoder, cache=connect_cache(settings)) for encoder in encoders)
    assert one.process(index_name, [upsert("1", version=1)]).indexed == 1
    assert one.process(index_name, [upsert("2", price=1.0)]).indexed == 1
    assert two.process(index_name, [upsert("3")]).indexed == 1
    assert two.process(index_name, [delete("1", version=2)]).deleted == 1
    assert two.process(index_name, [upsert("1", version=3)]).indexed == 1
    assert (encoders[0].texts, encoders[1].texts) == (["Mouse"], [])
    stored = BulkWriter(cluster).read(index_name, list("123"), whole=frozenset("123"))
    for document in stored.values():
        np.testing.assert_allclose(
            document.vectors["text_vector"], HashingEncoder().encode(["Mouse"])[0], atol=1e-6
        )
    assert len(stored) == 3
