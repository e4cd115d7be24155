"""Single changes are searchable soon, also beside a load."""

from __future__ import annotations

import time

import pytest

from embedded.redis_server import EmbeddedRedis
from indexer.freshness import Freshness
from indexer.refresh_interval import RaisedInterval, RefreshIntervals
from mappings import task_records
from mappings.index_lifecycle import find_index
from tests.indexer.conftest import upsert

pytestmark = [pytest.mark.cluster, pytest.mark.stack]


def found(cluster, index: str) -> int:
    return int(cluster.search(index=index, size=0)["hits"]["total"]["value"])


def test_change_is_searchable_while_a_load_has_raised_the_interval(
    cluster, index, pipeline, redis_server: EmbeddedRedis
):
    with task_records.connect(redis_server.url) as queue:
        intervals = RefreshIntervals(cluster, queue)
        freshness = Freshness(cluster, intervals, seconds=0.05)
        with RaisedInterval(intervals, find_index(cluster, index).index, 600):
            pipeline.process(index, [upsert("1")])
            assert found(cluster, index) == 0
            for number in range(2, 5):
                freshness.note(index)
                pipeline.process(index, [upsert(str(number))])
                freshness.note(index)
                deadline = time.monotonic() + 10
                while found(cluster, index) < number and time.monotonic() < deadline:
                    time.sleep(0.02)
                assert found(cluster, index) == number
        assert freshness.refresh_if_raised(index) is False


def test_unknown_index_is_no_fault(cluster, redis_server: EmbeddedRedis, index_name):
    with task_records.connect(redis_server.url) as queue:
        freshness = Freshness(cluster, RefreshIntervals(cluster, queue), seconds=0.01)
        freshness.note(index_name)
        deadline = time.monotonic() + 10
        while freshness._is_running and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not freshness._is_running
