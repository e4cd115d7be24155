"""How many events a client may send, counted in a real Redis and without one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from embedded.redis_server import EmbeddedRedis
from service.events.rate_guard import RateGuard, TooManyEvents

MINUTE_12 = 720.0
"""The twelfth minute after 1970 begins."""


class Clock:
    def __init__(self) -> None:
        self.now = MINUTE_12 + 15

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(redis_server: EmbeddedRedis) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.url.removesuffix("/0") + "/7") as queue:
        queue.flushdb()
        yield queue
        queue.flushdb()


@pytest.fixture(params=["redis", "memory"])
def guard(request: pytest.FixtureRequest, queue: redis.Redis, clock: Clock) -> Iterator[RateGuard]:
    if request.param == "redis":
        yield RateGuard(queue, limit=10, clock=clock)
    else:
        with redis.Redis(port=9) as away:
            yield RateGuard(away, limit=10, clock=clock)


def test_client_has_its_number_in_a_minute_and_again_in_the_next(
    guard: RateGuard, clock: Clock
) -> None:
    guard.admit({"anna": 6})
    guard.admit({"anna": 4})
    with pytest.raises(TooManyEvents) as refused:
        guard.admit({"anna": 1})
    assert refused.value.http_status == 429
    assert refused.value.retry_after_seconds == 60 - 15
    clock.now = MINUTE_12 + 60
    guard.admit({"anna": 10})


def test_one_client_over_the_limit_refuses_all_and_counts_none(guard: RateGuard) -> None:
    guard.admit({"anna": 9})
    with pytest.raises(TooManyEvents):
        guard.admit({"ben": 5, "anna": 2})
    guard.admit({"ben": 10, "anna": 1})


def test_web_processes_count_together(queue: redis.Redis, clock: Clock) -> None:
    one, other = (RateGuard(queue, limit=10, clock=clock) for _ in range(2))
    one.admit({"anna": 10})
    with pytest.raises(TooManyEvents):
        other.admit({"anna": 1})


def test_counts_leave_redis_by_themselves(queue: redis.Redis, clock: Clock) -> None:
    RateGuard(queue, limit=10, clock=clock).admit({"anna": 1})
    (key,) = queue.keys("*")
    assert 0 < queue.ttl(key) <= 120


def test_redis_is_asked_again_a_while_after_it_failed(
    redis_server: EmbeddedRedis, queue: redis.Redis, clock: Clock
) -> None:
    with redis.Redis(port=9) as away:
        guard = RateGuard(away, limit=10, clock=clock)
        guard.admit({"anna": 10})
        guard._queue = queue
        with pytest.raises(TooManyEvents):  # it is still counted here
            guard.admit({"anna": 1})
        clock.now += 11
        guard.admit({"anna": 3})
    assert [queue.get(key) for key in queue.keys("*")] == [b"3"]
