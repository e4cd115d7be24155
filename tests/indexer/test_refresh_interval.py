"""The refresh interval during loads, and what is left when a loader dies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from elasticsearch import Elasticsearch

from embedded.redis_server import EmbeddedRedis
from indexer.refresh_interval import LEASE_SECONDS, RaisedInterval, RefreshIntervals
from mappings import task_records

pytestmark = [pytest.mark.cluster, pytest.mark.stack]


@pytest.fixture
def queue(redis_server: EmbeddedRedis) -> Iterator[redis.Redis]:
    with task_records.connect(redis_server.url) as client:
        yield client
        assert client.keys("shelfwise:loads*") == []


def interval(cluster: Elasticsearch, index: str) -> str | None:
    settings = cluster.indices.get_settings(index=f"{index}-v1")
    return settings[f"{index}-v1"]["settings"]["index"].get("refresh_interval")


def test_interval_is_raised_and_restored_also_after_an_interruption(cluster, index, queue):
    intervals = RefreshIntervals(cluster, queue)
    cluster.indices.put_settings(index=index, settings={"index": {"refresh_interval": "7s"}})
    with pytest.raises(KeyboardInterrupt), RaisedInterval(intervals, f"{index}-v1", 30) as raised:
        assert interval(cluster, index) == "30s"
        raised.renew()
        raise KeyboardInterrupt
    assert interval(cluster, index) == "7s"
    assert queue.keys("shelfwise:loads*") == []


def test_interval_that_was_never_set_is_unset_again(cluster, index, queue):
    cluster.indices.put_settings(index=index, settings={"index": {"refresh_interval": None}})
    with RaisedInterval(RefreshIntervals(cluster, queue), f"{index}-v1", 30):
        pass
    assert interval(cluster, index) is None


def test_last_of_two_loads_restores(cluster, index, queue):
    intervals, name = RefreshIntervals(cluster, queue), f"{index}-v1"
    first, second = intervals.raise_to(name, 30), intervals.raise_to(name, 40)
    intervals.give_back(first)
    assert interval(cluster, index) == "30s"
    intervals.give_back(second)
    assert interval(cluster, index) == "1s"


def test_interval_of_a_killed_load_is_restored_once_it_is_silent(cluster, index, queue):
    now = [1_000.0]
    intervals, name = RefreshIntervals(cluster, queue, clock=lambda: now[0]), f"{index}-v1"
    lease = intervals.raise_to(name, 30)
    now[0] += LEASE_SECONDS - 1
    assert intervals.restore_abandoned() == []
    intervals.renew(lease)
    now[0] += LEASE_SECONDS - 1
    assert intervals.restore_abandoned() == []
    now[0] += 2
    assert intervals.restore_abandoned() == [name]
    assert interval(cluster, index) == "1s"
    assert intervals.restore_abandoned() == []


def test_index_that_was_dropped_meanwhile_is_forgotten(cluster, index, queue):
    intervals, name = RefreshIntervals(cluster, queue), f"{index}-v1"
    lease = intervals.raise_to(name, 30)
    cluster.indices.delete(index=name)
    intervals.give_back(lease)
    assert queue.keys("shelfwise:loads*") == []


def test_interval_is_restored_although_redis_has_forgotten_it(cluster, index, queue):
    intervals, name = RefreshIntervals(cluster, queue), f"{index}-v1"
    lease = intervals.raise_to(name, 30)
    queue.delete(*queue.keys("shelfwise:loads*"))
    intervals.give_back(lease)
    assert interval(cluster, index) == "1s"
