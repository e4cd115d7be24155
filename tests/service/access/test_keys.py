"""Keys, patterns, headers, and what a process knows of keys: plain values in and out."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from werkzeug.datastructures import Headers

from mappings.errors import ClusterUnavailable, InvalidQuery
from service.access.caller import Caller
from service.access.credentials import find_key
from service.access.key_ring import AGAIN_READS, AGAIN_SECONDS, KeyRing
from service.access.keys import ApiKey, make_key, split_key
from service.access.patterns import may_grant, may_use
from service.access.scopes import Scope

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_of_a_key_only_the_hash_of_its_secret_is_kept():
    made = make_key("shop", ["search"], created_by="ann")
    key_id, secret = split_key(made.text)
    assert re.fullmatch(r"sw_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", made.text)
    assert key_id == made.key.id
    assert made.key.digest == hashlib.sha256(secret.encode()).hexdigest()
    kept = f"{made.key!r} {made!r} {made.key.to_document()} {made.key.to_json(NOW)}"
    assert secret not in kept and made.text not in kept
    assert made.key.digest not in str(made.key.to_json(NOW))


def test_no_two_keys_are_alike():
    texts = {make_key("shop", ["search"], created_by="ann").text for _ in range(50)}
    assert len(texts) == 50


def test_a_key_opens_with_its_own_secret_alone():
    one, other = (make_key("shop", ["search"], created_by="ann") for _ in range(2))
    assert one.key.opens_with(split_key(one.text)[1])
    assert not one.key.opens_with(split_key(other.text)[1])
    assert not one.key.opens_with("")


def test_a_stored_key_is_read_as_it_was():
    key = make_key(
        "shop",
        ["search", "write"],
        ["a-*", "b"],
        created_by="ann",
        expires_at=NOW + timedelta(days=3),
        now=NOW,
    ).key
    assert ApiKey.from_document(key.id, key.to_document()) == key


def test_a_scope_of_a_later_version_gives_nothing():
    document = make_key("shop", ["search"], created_by="ann").key.to_document()
    read = ApiKey.from_document("x", {**document, "scopes": ["search", "everything"]})
    assert read.scopes == {Scope.SEARCH}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "active"),
        ({"expires_at": NOW + timedelta(seconds=1)}, "active"),
        ({"expires_at": NOW}, "expired"),
        ({"revoked_at": NOW}, "revoked"),
        ({"revoked_at": NOW, "expires_at": NOW}, "revoked"),
    ],
)
def test_state(changes, state):
    document = make_key("shop", ["search"], created_by="ann").key.to_document()
    times = {name: at.isoformat() for name, at in changes.items()}
    assert ApiKey.from_document("x", {**document, **times}).state(NOW) == state


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("", ["search"]), "name"),
        (("x" * 101, ["search"]), "name"),
        (("a\nb", ["search"]), "name"),
        (("shop", []), "scopes"),
        (("shop", ["root"]), "scopes"),
        (("shop", ["metrics"], ["a-*"]), "scopes"),
        (("shop", ["search"], []), "indexes"),
        (("shop", ["search"], ["A"]), "indexes"),
        (("shop", ["search"], ["a,b"]), "indexes"),
        (("shop", ["search"], ["-a"]), "indexes"),
        (("shop", ["search"], [f"i{n}" for n in range(51)]), "indexes"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(arguments, field):
    with pytest.raises(InvalidQuery) as caught:
        make_key(*arguments, created_by="ann")
    assert caught.value.field == field


def test_a_key_cannot_end_before_it_begins():
    with pytest.raises(InvalidQuery, match="future"):
        make_key("shop", ["search"], created_by="ann", expires_at=NOW, now=NOW)


@pytest.mark.parametrize(
    ("patterns", "expression", "allowed"),
    [
        (("*",), "anything", True),
        (("*",), "a-*", True),
        (("*",), "shelfwise-keys", False),
        (("*",), "products,shelfwise-keys", False),
        (("*",), "<shelfwise-keys>", False),
        (("*",), ".security-7", False),
        (("*",), "shelfwise-*", False),
        (("a-*",), "a-one", True),
        (("a-*",), "a-one,a-two", True),
        (("a-*",), "a-one,b", False),
        (("a-*",), "b", False),
        (("a-*",), "a-*", False),
        (("a-*",), "a-x,-a-y", False),
        (("a-*",), "a-x,", False),
        (("a-*",), "", False),
        (("a-*",), "_all", False),
        (("a-*",), "other:a-x", False),
        (("*-x",), "<a{now}-x", False),
        (("a?",), "a?", False),
        (("products",), "products-v1", False),
        (("shelfwise-*",), "shelfwise-keys", False),
        (("a", "b"), "b", True),
        ((), "a", False),
    ],
)
def test_patterns_cover_names_and_nothing_that_only_looks_like_one(patterns, expression, allowed):
    assert may_use(patterns, expression) is allowed


@pytest.mark.parametrize(
    ("own", "wanted", "allowed"),
    [
        (("*",), ("*", "a"), True),
        (("a-*",), ("a-*",), True),
        (("a-*",), ("a-one",), True),
        (("a-*",), ("*",), False),
        (("a-*",), ("a-one", "b"), False),
        (("a-*",), ("a*",), False),
        (("a-*",), ("a-x*",), False),
    ],
)
def test_nobody_gives_more_than_they_have(own, wanted, allowed):
    assert may_grant(own, wanted) is allowed


@pytest.mark.parametrize("scope", list(Scope))
def test_admin_includes_every_scope_and_the_others_themselves(scope):
    assert Caller(frozenset({Scope.ADMIN}), ("*",)).may_do(scope)
    for own in set(Scope) - {Scope.ADMIN}:
        assert Caller(frozenset({own}), ("*",)).may_do(scope) is (own is scope)


def test_metrics_tell_of_all_indexes_so_an_admin_of_some_does_not_see_them():
    assert not Caller(frozenset({Scope.ADMIN}), ("a-*",)).may_do(Scope.METRICS)


KEY = make_key("shop", ["search"], created_by="ann").text


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"bearer  {KEY} "},
        {"Authorization": f"ApiKey {KEY}"},
        {"Authorization": f"ApiKey {encoded(KEY)}"},
        {"Authorization": f"ApiKey {encoded('any-id:' + KEY)}"},
        {"Authorization": f"Basic {encoded('user:' + KEY)}"},
        {"X-Api-Key": KEY},
        {"X-Api-Key": KEY, "Authorization": "Basic " + encoded("proxy:password")},
    ],
    ids=str,
)
def test_a_key_is_found_in_every_header_that_clients_send(headers):
    assert find_key(Headers(headers)) == split_key(KEY)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": KEY},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": f"Digest {KEY}"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": "Basic ####"},
        {"Authorization": "ApiKey " + encoded("é" * 50)},
        {"Authorization": "Basic " + "A" * 5_000},
        {"X-Api-Key": ""},
        {"X-Api-Key": "x", "Authorization": f"Bearer {KEY}"},
        {"Cookie": f"key={KEY}"},
    ],
    ids=lambda headers: str(headers)[:60],
)
def test_what_is_no_key_is_none(headers):
    assert find_key(Headers(headers)) is None


class Reading:
    """Keys to read, a clock, and how often they were read."""

    def __init__(self) -> None:
        self.made = make_key("shop", ["search"], created_by="ann")
        self.keys = [self.made.key]
        self.now = 100.0
        self.times = 0
        self.is_away = False
        self.ring = KeyRing(self.read, ttl_seconds=5, clock=lambda: self.now)

    def read(self) -> list[ApiKey]:
        self.times += 1
        if self.is_away:
            raise ClusterUnavailable("Elasticsearch cannot be reached")
        return self.keys

    def knows(self) -> bool:
        return self.ring.find(self.made.key.id) is not None


def test_keys_are_read_once_in_a_while():
    reading = Reading()
    for _ in range(100):
        assert reading.knows()
    assert reading.times == 1
    reading.now += 5
    assert reading.knows() and reading.times == 2


def test_a_key_that_is_gone_works_no_longer_than_that():
    reading = Reading()
    assert reading.knows()
    reading.keys = []
    reading.now += 5
    assert not reading.knows()


def test_a_new_key_is_known_at_once():
    reading = Reading()
    reading.keys = []
    assert not reading.knows()
    reading.keys = [reading.made.key]
    assert reading.knows()


def test_a_new_key_is_known_within_a_second_of_somebody_trying_ids():
    reading = Reading()
    reading.keys = []
    for _ in range(2 * AGAIN_READS):
        assert not reading.knows()
    reading.keys = [reading.made.key]
    assert not reading.knows()
    reading.now += AGAIN_SECONDS
    assert reading.knows()


def test_who_tries_ids_makes_nobody_read_more_than_once_a_second():
    reading = Reading()
    for number in range(10_000):
        assert reading.ring.find(f"{number:012x}") is None
        reading.now += 1e-3  # ten seconds in all
    assert reading.times <= AGAIN_READS + 12
    assert len(reading.ring._keys) == 1


def test_known_keys_work_while_the_cluster_is_away_and_it_is_not_asked_each_time():
    reading = Reading()
    assert reading.knows()
    reading.is_away = True
    reading.now += 60
    for _ in range(100):
        assert reading.knows()
    assert reading.times == 2


def test_without_any_key_read_an_absent_cluster_is_said_and_not_taken_for_an_unknown_key():
    reading = Reading()
    reading.is_away = True
    with pytest.raises(ClusterUnavailable):
        reading.knows()


def test_who_waits_while_an_absent_cluster_is_asked_does_not_ask_it_again():
    reading = Reading()
    go, asking = threading.Event(), threading.Event()

    def read() -> list[ApiKey]:
        reading.times += 1
        asking.set()
        assert go.wait(10)
        reading.now += 2  # as long as it takes
        raise ClusterUnavailable("Elasticsearch cannot be reached")

    ring = KeyRing(read, ttl_seconds=5, clock=lambda: reading.now)
    waiting = threading.Barrier(8)

    def find() -> None:
        waiting.wait(10)
        ring.find(reading.made.key.id)

    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(find) for _ in range(8)]
        assert asking.wait(10)
        time.sleep(0.2)  # the others are at the lock by then
        go.set()
        for one in found:
            with pytest.raises(ClusterUnavailable):
                one.result()
    assert reading.times == 1
    reading.now += 0.1
    with pytest.raises(ClusterUnavailable):
        ring.find(reading.made.key.id)
    assert reading.times == 2  # who comes later asks
