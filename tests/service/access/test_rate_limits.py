"""How many requests a key and an address may send, counted in a real Redis and without one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
import redis

from embedded.redis_server import EmbeddedRedis
from mappings.errors import QueueUnavailable, TooManyRequests
from service.access.addresses import client_address, client_group, is_loopback
from service.access.rate_limits import RateLimits
from tests.service.access.conftest import bearer, offline_app

NOWHERE = redis.Redis(host="127.0.0.1", port=9, socket_timeout=0.2)


@pytest.fixture(scope="module")
def queue(redis_server: EmbeddedRedis) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.url) as queue:
        yield queue


def name() -> str:
    return f"test-{secrets.token_hex(4)}"


def limits(queue: redis.Redis, key: int = 0, address: int = 0, **more: object) -> RateLimits:
    return RateLimits(queue, per_key=key, per_address=address, **more)


def test_a_minutes_requests_may_come_at_once_and_one_more_is_refused(queue):
    rates, address = limits(queue, address=5), name()
    left = [rates.count(address, None).headers()["RateLimit-Remaining"] for _ in range(5)]
    assert left == ["4", "3", "2", "1", "0"]
    verdict = rates.count(address, None)
    with pytest.raises(TooManyRequests) as caught:
        verdict.require()
    assert caught.value.retry_after_seconds == 60 / 5
    assert verdict.headers()["RateLimit-Remaining"] == "0"
    assert 58 <= int(verdict.headers()["RateLimit-Reset"]) <= 60


def test_refused_requests_do_not_push_the_end_away(queue):
    rates, address = limits(queue, address=600), name()
    for _ in range(700):
        rates.count(address, None)
    time.sleep(0.25)  # 600 a minute are 2.5 in that time
    assert not rates.count(address, None).is_refused


def test_key_and_address_are_counted_apart_and_a_refusal_charges_neither(queue):
    rates, key, address = limits(queue, key=3, address=100), name(), name()
    assert [rates.count(address, key).is_refused for _ in range(5)] == [False] * 3 + [True] * 2
    assert not rates.count(address, name()).is_refused
    (bucket,) = rates.count(address, None).buckets
    assert bucket.remaining == 100 - 3 - 1 - 1


def test_no_limit_means_that_nothing_is_counted(queue):
    assert limits(queue).count(name(), name()).buckets == ()


def test_what_is_counted_leaves_redis_by_itself(queue):
    address = name()
    limits(queue, address=60).count(address, None)
    assert 0 < queue.pttl(f"shelfwise:rate:address:{address}") <= 1_000


def test_without_redis_requests_go_on_and_it_is_not_asked_each_time():
    now = [100.0]
    rates = limits(NOWHERE, address=1, clock=lambda: now[0])
    assert not rates.count("a", None).is_refused
    began = time.monotonic()
    assert not any(rates.count("a", None).is_refused for _ in range(1_000))
    assert time.monotonic() - began < 0.5


def test_without_redis_requests_are_refused_when_that_is_asked_for():
    rates = limits(NOWHERE, address=1, closed=True)
    for _ in range(2):
        with pytest.raises(QueueUnavailable) as caught:
            rates.count("a", None)
        assert caught.value.retry_after_seconds


def test_over_http_a_429_says_when_and_health_is_not_counted(queue, key):
    one, other = key("search"), key("search")
    with offline_app([one, other], rates=limits(queue, key=2)) as app:
        client = app.test_client()
        statuses = [client.get("/v1/keys", headers=bearer(one)).status_code for _ in range(4)]
        assert statuses == [403, 403, 429, 429]
        refused = client.get("/v1/keys", headers=bearer(one))
        assert refused.json["error"]["code"] == "too_many_requests"
        assert int(refused.headers["Retry-After"]) == 30
        assert refused.headers["RateLimit-Limit"] == "2"
        assert client.get("/v1/keys", headers=bearer(other)).status_code == 403
        assert client.get("/healthz", headers=bearer(one)).status_code == 200


TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, garbage", "10.0.0.1"),
        ("10.0.0.1", "garbage, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("fd00::1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", ",,,", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1," + "10.0.0.2," * 50_000 + "10.0.0.3", "10.0.0.2"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_address_is_believed_only_from_proxies_that_are_named(peer, forwarded, client):
    assert client_address(peer, forwarded, TRUSTED) == client


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", "unknown"),
        ("x" * 500, "unknown"),
    ],
)
def test_one_client_is_an_address_or_a_site_of_version_6(address, group):
    assert client_group(address) == group


def test_unspecified_addresses_are_not_this_machine():
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("::")
