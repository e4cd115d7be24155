"""The dictionary of a real index: how it is sampled, kept and renewed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from elasticsearch import Elasticsearch

from indexer.encoders.hashing import HashingEncoder
from mappings.errors import UnknownIndex
from mappings.index_lifecycle import LiveIndex, create_index, drop_index, find_index
from service.understanding import sample as sampling
from service.understanding.dictionaries import RETRY_SECONDS, Dictionaries
from service.understanding.parser import understand
from service.understanding.sample import draw_sample
from tests.service.catalogue import PRODUCTS
from tests.service.conftest import TEMPLATE, fill

pytestmark = pytest.mark.cluster
TTL_SECONDS = 900.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dictionaries(cluster: Elasticsearch, clock: Clock) -> Iterator[Dictionaries]:
    made = Dictionaries(cluster, ttl_seconds=TTL_SECONDS, clock=clock)
    yield made
    made.close()


@pytest.fixture
def live(cluster: Elasticsearch, shop: str) -> LiveIndex:
    return find_index(cluster, shop)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not come to that in 30 s"
        time.sleep(0.01)


def test_whole_index_is_read_without_what_was_deleted(cluster, live, monkeypatch):
    monkeypatch.setattr(sampling, "PAGE_PRODUCTS", 70)  # 300 = 4 * 70 + 20
    sample = draw_sample(cluster, live.index)
    titles = sorted(product["title"] for product in sample.products)
    assert titles == sorted(product["title"] for product in PRODUCTS)
    assert sample.complete


def test_pages_may_end_with_the_index(cluster, live, monkeypatch):
    monkeypatch.setattr(sampling, "PAGE_PRODUCTS", 100)
    assert len(list(draw_sample(cluster, live.index).products)) == 300


def test_large_index_is_sampled_uniformly(cluster, live, monkeypatch):
    monkeypatch.setattr(sampling, "PAGE_PRODUCTS", 20)
    sample = draw_sample(cluster, live.index, size=150)
    drawn = list(sample.products)
    # Binomial(300, 1/2): a standard deviation is 8.7, five of them 43.
    assert 150 - 43 <= len(drawn) <= 150 + 43
    assert not sample.complete
    assert len({str(product) for product in drawn}) > 100  # no page twice
    again = list(draw_sample(cluster, live.index, size=150).products)
    assert drawn == again


def test_missing_index_is_unknown(cluster):
    with pytest.raises(UnknownIndex):
        draw_sample(cluster, "test-nothing-v1")


def test_query_is_understood_by_what_the_index_has(cluster, live, dictionaries):
    dictionary = dictionaries.build_now(live)
    assert (dictionary.products, dictionary.complete) == (300, True)
    found = understand("leon keybord Dark-Grey under 50", dictionary)
    assert found.corrected == "leon keyboard dark-grey under 50"
    assert {(one.text, one.field, one.value) for one in found.matches} >= {
        ("leon", "brand", "Léon"),
        ("dark-grey", "attributes.colour", "Dark Grey"),
    }
    # Every category of the catalogue stands for itself in a term query, as signals ask it.
    for match in understand("cables headsets", dictionary).matches_of("categories"):
        assert cluster.count(index=live.index, query={"term": {"categories": match.value}})[
            "count"
        ]


def test_first_search_is_not_kept_waiting_and_later_ones_have_the_dictionary(live, dictionaries):
    assert dictionaries.get(live) is None
    wait_until(lambda: dictionaries.get(live) is not None)


def test_old_dictionary_serves_until_the_new_one_is_there(live, dictionaries, clock):
    first = dictionaries.build_now(live)
    clock.now = TTL_SECONDS - 1
    assert dictionaries.get(live) is first
    assert dictionaries._thread is None  # nothing was asked for
    clock.now = TTL_SECONDS + 1
    assert dictionaries.get(live) is first
    wait_until(lambda: dictionaries.get(live) is not first)
    assert dictionaries.get(live) == first


def test_other_version_of_the_index_is_learned_at_once(cluster, index_name, live, dictionaries):
    first = dictionaries.build_now(live)
    encoder = HashingEncoder(template=TEMPLATE)
    other = create_index(cluster, index_name, {"text_vector": encoder.spec})
    fill(cluster, index_name, PRODUCTS[:12])
    swapped = LiveIndex(live.name, other.index, other.encoders)
    assert dictionaries.get(swapped) is first
    wait_until(lambda: dictionaries.get(swapped) is not first)
    learned = dictionaries.get(swapped)
    assert learned is not None
    assert learned.products == 12


def test_failed_build_keeps_the_old_dictionary_and_is_tried_again_after_a_minute(
    cluster, index_name, dictionaries, clock
):
    encoder = HashingEncoder(template=TEMPLATE)
    live = create_index(cluster, index_name, {"text_vector": encoder.spec})
    fill(cluster, index_name, PRODUCTS[:12])
    first = dictionaries.build_now(live)
    drop_index(cluster, index_name)
    clock.now = TTL_SECONDS + 1
    assert dictionaries.get(live) is first
    wait_until(lambda: not dictionaries._queued)
    create_index(cluster, index_name, {"text_vector": encoder.spec})
    fill(cluster, index_name, PRODUCTS[:6])
    clock.now += RETRY_SECONDS - 1
    assert dictionaries.get(live) is first
    assert not dictionaries._queued
    clock.now += 2
    dictionaries.get(live)
    wait_until(lambda: dictionaries.get(live) is not first)
    learned = dictionaries.get(live)
    assert learned is not None
    assert learned.products == 6


def test_missing_index_raises_when_the_dictionary_is_wanted_now(live, dictionaries):
    with pytest.raises(UnknownIndex):
        dictionaries.build_now(LiveIndex("test-nothing", "test-nothing-v1", {}))


def test_closing_ends_a_build_and_starts_no_other(live, dictionaries):
    assert dictionaries.get(live) is None
    dictionaries.close()
    assert not dictionaries._thread.is_alive()
    before = dictionaries.get(live)
    assert dictionaries.get(live) is before
    assert not dictionaries._thread.is_alive()
