"""Rules that are followed: in one process by hand, and in two over a real cluster and Redis."""

from __future__ import annotations

import secrets
import socket
import threading
import time

import pytest

from embedded import ports
from mappings.errors import ClusterUnavailable, UnknownRules
from service.rules.following import ActiveRules, NoRules
from service.rules.rule import Rule, RuleSet
from service.rules.signal import RETRY_SECONDS, SIGNAL_SECONDS, RulesSignal, connect_signal
from service.rules.store import RulesStore

INDEX = "products"
TTL = 2.0


def pinning(*ids: str) -> RuleSet:
    return RuleSet(rules=tuple(Rule(id=one, pin=("p1",)) for one in ids))


def ids(rules: RuleSet) -> list[str]:
    return [rule.id for rule in rules.rules]


class Store:
    """Versions by hand; `away` is raised instead of an answer, and each question is counted."""

    def __init__(self) -> None:
        self.versions: dict[str, RuleSet] = {}
        self.state: tuple[str | None, str | None] = (None, None)
        self.away: Exception | None = None
        self.asked = 0
        self.gate: threading.Event | None = None

    def active(self, index: str) -> tuple[str | None, str | None]:
        self.asked += 1
        if self.gate is not None:
            self.gate.wait(5)
        if self.away is not None:
            raise self.away
        return self.state

    def get(self, index: str, version: str) -> RuleSet:
        if version not in self.versions:
            raise UnknownRules(f"no rules version {version!r}", field="version")
        return self.versions[version]

    def activate(self, version: str, *rules: str) -> None:
        self.versions[version] = pinning(*rules)
        self.state = (version, f"at {version}")


class Signal:
    """A number that every process sees, and None while it is away."""

    def __init__(self) -> None:
        self.number = 0
        self.is_away = False

    def send(self, index: str) -> bool:
        if not self.is_away:
            self.number += 1
        return not self.is_away

    def read(self, index: str) -> bytes | None:
        return None if self.is_away or not self.number else b"%d" % self.number


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def signal() -> Signal:
    return Signal()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def active(store, signal, clock) -> ActiveRules[list[str]]:
    return ActiveRules(store, ids, signal, TTL, clock=clock)


def test_index_without_rules_has_none(active):
    found = active.get(INDEX)
    assert (found.version, found.rules, found.prepared) == (None, RuleSet(), [])


def test_state_is_read_once_for_many_searches(active, store):
    store.activate("v1", "a")
    for _ in range(5):
        assert active.get(INDEX).prepared == ["a"]
    assert store.asked == 1


def test_next_search_after_a_signal_has_the_new_rules(active, store, signal):
    store.activate("v1", "a")
    active.get(INDEX)
    store.activate("v2", "b")
    assert active.get(INDEX).prepared == ["a"], "nobody has told"
    signal.send(INDEX)
    assert active.get(INDEX).prepared == ["b"]


def test_own_change_is_seen_at_once_without_a_signal(active, store, signal):
    signal.is_away = True
    active.get(INDEX)
    store.activate("v1", "a")
    active.changed(INDEX)
    assert active.get(INDEX).prepared == ["a"]


def test_change_that_nobody_signalled_is_seen_after_two_seconds(active, store, signal, clock):
    active.get(INDEX)
    store.activate("v1", "a")
    clock.now = TTL - 0.1
    assert active.get(INDEX).version is None
    clock.now = TTL
    assert active.get(INDEX).version == "v1"


@pytest.mark.parametrize("error", [ClusterUnavailable("away"), RuntimeError("a fault")])
def test_rules_known_before_hold_while_the_cluster_is_away(active, store, signal, clock, error):
    store.activate("v1", "a")
    active.get(INDEX)
    store.away = error
    signal.send(INDEX)
    clock.now = 10 * TTL
    for _ in range(3):
        assert active.get(INDEX).prepared == ["a"]
    assert store.asked == 2, "it is asked once every two seconds, not by each search"
    store.away = None
    store.activate("v2", "b")
    clock.now = 11 * TTL
    assert active.get(INDEX).prepared == ["b"]


def test_version_that_is_absent_or_cannot_be_used_leaves_none(store, signal, clock):
    def refuse(rules: RuleSet) -> list[str]:
        if ids(rules) == ["broken"]:
            raise ValueError("cannot be used")
        return ids(rules)

    active = ActiveRules(store, refuse, signal, TTL, clock=clock)
    for version, rules in (("v1", "broken"), ("v2", "fine"), ("v3", "gone")):
        store.activate(version, rules)
        if rules == "gone":
            del store.versions[version]
        signal.send(INDEX)
        found = active.get(INDEX)
        assert (found.version, found.prepared) == (
            ("v2", ["fine"]) if rules == "fine" else (None, [])
        )


def test_who_comes_while_new_rules_are_read_gets_the_new_ones(active, store, signal):
    store.activate("v1", "a")
    active.get(INDEX)
    store.activate("v2", "b")
    store.gate = threading.Event()
    signal.send(INDEX)
    found: list[list[str]] = []
    searches = [
        threading.Thread(target=lambda: found.append(active.get(INDEX).prepared)) for _ in range(4)
    ]
    for search in searches:
        search.start()
    time.sleep(0.05)
    assert found == [], "all of them wait"
    store.gate.set()
    for search in searches:
        search.join(5)
    assert found == [["b"]] * 4


def test_named_version_is_given_whatever_is_active(active, store):
    store.activate("v1", "a")
    store.activate("v2", "b")
    assert active.get(INDEX).version == "v2"
    named = active.get_version(INDEX, "v1")
    assert (named.version, named.prepared) == ("v1", ["a"])
    with pytest.raises(UnknownRules):
        active.get_version(INDEX, "v9")
    with pytest.raises(UnknownRules):
        NoRules(ids).get_version(INDEX, "v1")
    assert NoRules(ids).get(INDEX).prepared == []


def test_redis_that_is_away_is_left_alone_for_a_while(clock):
    port = ports.pick_free(1)[0]
    client = connect_signal(f"redis://127.0.0.1:{port}/0")
    signal = RulesSignal(client, clock=clock)
    began = time.monotonic()
    assert signal.read(INDEX) is None
    assert signal.send(INDEX) is False
    assert time.monotonic() - began < 10 * SIGNAL_SECONDS
    client.get = None  # type: ignore[assignment]  # whoever asked it now would fail
    assert signal.read(INDEX) is None
    clock.now = RETRY_SECONDS
    with pytest.raises(TypeError):
        signal.read(INDEX)


def test_redis_that_hangs_is_waited_for_no_longer_than_it_may_be():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        signal = RulesSignal(connect_signal(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"))
        began = time.monotonic()
        assert signal.read(INDEX) is None
        assert SIGNAL_SECONDS * 0.9 < time.monotonic() - began < 10 * SIGNAL_SECONDS


@pytest.mark.cluster
def test_two_processes_have_new_rules_from_the_next_search_on(
    elasticsearch, redis_server, cluster
):
    name = f"test-{secrets.token_hex(6)}"

    def process() -> tuple[RulesStore, ActiveRules[list[str]]]:
        # Generous, as a machine under load is no reason to fail here.
        queue = connect_signal(redis_server.url, timeout_seconds=5.0)
        found = ActiveRules(RulesStore(cluster), ids, RulesSignal(queue), 3600.0)
        return RulesStore(cluster, on_change=found.changed), found

    (store, here), (_, there) = process(), process()
    assert here.get(name).version is there.get(name).version is None
    for rules in (["a"], ["a", "b"], ["c"]):
        version = store.replace(name, pinning(*rules)).active
        for process_rules in (here, there):
            found = process_rules.get(name)
            assert (found.version, found.prepared) == (version, rules)
    store.rollback(name)
    assert there.get(name).prepared == here.get(name).prepared == ["a", "b"]


@pytest.mark.cluster
def test_without_redis_another_process_has_new_rules_after_its_next_look(cluster, clock):
    name = f"test-{secrets.token_hex(6)}"
    away = connect_signal(f"redis://127.0.0.1:{ports.pick_free(1)[0]}/0")

    def process() -> ActiveRules[list[str]]:
        return ActiveRules(RulesStore(cluster), ids, RulesSignal(away), TTL, clock=clock)

    here, there = process(), process()
    here.get(name), there.get(name)
    RulesStore(cluster, on_change=here.changed).replace(name, pinning("a"))
    assert here.get(name).prepared == ["a"]
    assert there.get(name).prepared == []
    clock.now = TTL
    assert there.get(name).prepared == ["a"]
