"""Which weights answer: from memory, following the store, and never failing a search."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mappings.errors import ClusterUnavailable, InvalidQuery, ShelfwiseError, UnknownWeights
from service.weights.active import NAMED_MODELS, ActiveWeights, Current
from service.weights.experiments import Experiment
from service.weights.state import WeightsState

TTL = 2.0
DEFAULT = "default"
INDEX = "products"


def parse(document: Mapping[str, Any]) -> str:
    """A model is a text here; `broken` is refused as a real parser refuses."""
    if document["model"] == "broken":
        raise KeyError("weights")
    return f"parsed {document['model']}"


class Store:
    """Versions in memory, which count what is asked; the real store has tests of its own."""

    def __init__(self, **models: str) -> None:
        self.models = models
        self.now_active = WeightsState(INDEX)
        self.asked: list[str] = []
        self.fault: ShelfwiseError | None = None
        self.gate: threading.Event | None = None
        self.is_reading = threading.Event()

    def activate(self, version: str | None) -> None:
        place = len(self.now_active.history)
        at = f"2026-01-02T03:04:{place:02d}Z"
        self.now_active = self.now_active.change_to(version, "activate", at=at, who="")

    def compare(self, *versions: str) -> None:
        first, second = versions
        experiment = Experiment("ab", (first, second), 0.5, "salt", "2026-01-02T03:04:05Z")
        self.now_active = replace(self.now_active, experiment=experiment)

    def state(self, index: str) -> WeightsState:
        self._answer("state")
        return self.now_active

    def get(self, index: str, version: str) -> dict[str, Any]:
        self._answer(version)
        if version not in self.models:
            raise UnknownWeights(f"no weights version {version!r}", field="version")
        return {"version": version, "model": self.models[version]}

    def _answer(self, what: str) -> None:
        self.asked.append(what)
        self.is_reading.set()
        if self.gate is not None:
            assert self.gate.wait(10)
        if self.fault is not None:
            raise self.fault


class Watched:
    """Active weights over a store, with a clock that stands until it is moved."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.seconds = 100.0
        self.fallbacks: list[tuple[str, str | None, str]] = []
        self.changes: list[str | None] = []
        self.weights = ActiveWeights(
            store,
            parse,
            DEFAULT,
            TTL,
            lambda *what: self.fallbacks.append(what),
            on_change=lambda index, version: self.changes.append(version),
            clock=lambda: self.seconds,
        )

    def later(self) -> str:
        """What answers once the state may be read again."""
        self.seconds += TTL
        return self.weights.get(INDEX)


@pytest.fixture
def store() -> Store:
    return Store(a="A", b="B", bad="broken")


@pytest.fixture
def watched(store: Store) -> Watched:
    return Watched(store)


def away() -> ClusterUnavailable:
    return ClusterUnavailable("Elasticsearch cannot be reached")


def test_without_an_active_version_the_default_answers_and_nothing_is_reported(watched):
    assert watched.weights.current(INDEX) == Current(DEFAULT)
    assert watched.weights.version(INDEX) is None
    assert watched.fallbacks == []
    assert watched.changes == [None]


def test_answers_come_from_memory_until_the_time_is_over(watched, store):
    store.activate("a")
    assert watched.weights.get(INDEX) == "parsed A"
    watched.seconds += TTL - 0.001
    for _ in range(100):
        assert watched.weights.get(INDEX) == "parsed A"
    assert store.asked == ["state", "a"]
    assert watched.later() == "parsed A"
    assert store.asked == ["state", "a", "state"], "the model is read only when it changes"


def test_activation_is_followed_and_told(watched, store):
    store.activate("a")
    assert watched.weights.get(INDEX) == "parsed A"
    store.activate("b")
    assert watched.weights.get(INDEX) == "parsed A"
    assert watched.later() == "parsed B"
    assert watched.weights.version(INDEX) == "b"
    store.activate(None)
    assert watched.later() == DEFAULT
    assert watched.changes == ["a", "b", None]
    assert watched.fallbacks == []


@pytest.mark.parametrize(("version", "reason"), [("bad", "broken"), ("gone", "absent")])
def test_version_that_cannot_be_used_gives_the_default_and_is_told_once(
    watched, store, version, reason
):
    store.activate("a")
    watched.weights.get(INDEX)
    store.activate(version)
    for _ in range(5):
        assert watched.later() == DEFAULT
    assert watched.weights.version(INDEX) is None
    assert watched.fallbacks == [(INDEX, version, reason)]
    assert store.asked.count(version) == 1
    store.activate("b")
    assert watched.later() == "parsed B"
    store.activate(version)
    assert watched.later() == DEFAULT
    assert watched.fallbacks == [(INDEX, version, reason)] * 2, "activated anew, told anew"


def test_version_activated_anew_is_read_anew(watched, store):
    store.activate("bad")
    assert watched.weights.get(INDEX) == DEFAULT
    store.models["bad"] = "mended"
    assert watched.later() == DEFAULT
    store.activate("bad")
    assert watched.later() == "parsed mended"


@pytest.mark.parametrize("fault", [away(), RuntimeError("a state that cannot be read")])
def test_cluster_that_goes_away_leaves_the_last_known(watched, store, fault):
    store.activate("a")
    assert watched.weights.get(INDEX) == "parsed A"
    store.activate("b")
    store.fault = fault
    for _ in range(3):
        assert watched.later() == "parsed A"
    assert store.asked.count("state") == 1 + 3
    store.fault = None
    assert watched.later() == "parsed B"
    assert watched.fallbacks == []


def test_cluster_that_goes_away_between_state_and_model_leaves_the_last_known(watched, store):
    store.activate("a")
    assert watched.weights.get(INDEX) == "parsed A"
    store.activate("b")
    read = store.get
    store.get = lambda index, version: (_ for _ in ()).throw(away())
    assert watched.later() == "parsed A"
    store.get = read
    assert watched.later() == "parsed B"


def test_cluster_that_was_never_there_gives_the_default_and_is_told_once(watched, store):
    store.activate("a")
    store.fault = away()
    assert watched.weights.get(INDEX) == DEFAULT
    assert watched.later() == DEFAULT
    assert watched.fallbacks == [(INDEX, None, "unreachable")]
    store.fault = None
    assert watched.later() == "parsed A"
    assert watched.fallbacks == [(INDEX, None, "unreachable")]


def test_one_thread_reads_and_the_others_keep_what_they_have(watched, store):
    store.activate("a")
    assert watched.weights.get(INDEX) == "parsed A"
    store.activate("b")
    watched.seconds += TTL
    store.gate = threading.Event()
    store.is_reading.clear()
    reader = threading.Thread(target=watched.weights.get, args=(INDEX,))
    reader.start()
    assert store.is_reading.wait(5)
    started = time.monotonic()
    assert [watched.weights.get(INDEX) for _ in range(50)] == ["parsed A"] * 50
    assert time.monotonic() - started < 1
    store.gate.set()
    reader.join(5)
    assert watched.weights.get(INDEX) == "parsed B"
    assert store.asked == ["state", "a", "state", "b"]


def test_first_callers_wait_for_one_reading(watched, store):
    store.activate("a")
    store.gate = threading.Event()
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(watched.weights.get(INDEX)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    assert store.is_reading.wait(5)
    assert answers == []
    store.gate.set()
    for thread in threads:
        thread.join(5)
    assert answers == ["parsed A"] * 8
    assert store.asked == ["state", "a"]


def test_arms_of_an_experiment_are_ready_with_the_default_for_a_broken_one(watched, store):
    store.activate("a")
    store.compare("a", "bad")
    current = watched.weights.current(INDEX)
    assert current.weights == "parsed A" and current.version == "a"
    assert current.experiment == store.now_active.experiment
    assert current.arms == {"a": "parsed A", "bad": DEFAULT}
    assert watched.fallbacks == [(INDEX, "bad", "broken")]
    store.compare("b", "a")
    watched.later()
    assert watched.weights.current(INDEX).arms == {"a": "parsed A", "b": "parsed B"}
    assert store.asked.count("a") == 1


def test_failing_callback_fails_no_search(store):
    def fail(*_: object) -> None:
        raise RuntimeError("no such counter")

    store.activate("bad")
    weights = ActiveWeights(store, parse, DEFAULT, TTL, fail, on_change=fail)
    assert weights.get(INDEX) == DEFAULT


def test_indexes_have_weights_of_their_own(watched, store):
    store.activate("a")
    assert watched.weights.get(INDEX) == "parsed A"
    store.fault = away()
    assert watched.weights.get("shoes") == DEFAULT
    assert watched.weights.get(INDEX) == "parsed A"


def test_named_version_is_read_once_and_the_eight_used_last_are_kept(watched, store):
    store.models |= {f"v{number}": str(number) for number in range(NAMED_MODELS)}
    for _ in range(2):
        assert watched.weights.get_version(INDEX, "v0") == "parsed 0"
    assert store.asked == ["v0"]
    for number in range(NAMED_MODELS):
        watched.weights.get_version(INDEX, f"v{number}")
    watched.weights.get_version(INDEX, "v0")  # used again, so v1 is the oldest
    watched.weights.get_version(INDEX, "a")
    asked = len(store.asked)
    watched.weights.get_version(INDEX, "v0")
    assert len(store.asked) == asked
    watched.weights.get_version(INDEX, "v1")
    assert store.asked[asked:] == ["v1"]


def test_active_version_is_at_hand_when_a_request_names_it(watched, store):
    store.activate("a")
    watched.weights.get(INDEX)
    assert watched.weights.get_version(INDEX, "a") == "parsed A"
    assert store.asked == ["state", "a"]


def test_named_version_that_cannot_be_used_is_an_error_of_the_request(watched, store):
    with pytest.raises(UnknownWeights):
        watched.weights.get_version(INDEX, "gone")
    with pytest.raises(InvalidQuery, match="'bad' of 'products' cannot be used") as caught:
        watched.weights.get_version(INDEX, "bad")
    assert caught.value.field == "version"
    store.fault = away()
    with pytest.raises(ClusterUnavailable):
        watched.weights.get_version(INDEX, "a")
