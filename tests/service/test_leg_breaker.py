"""Searches that stop waiting for vectors that were too slow, and find back to them."""

from __future__ import annotations

import time

import pytest

from indexer.encoders.hashing import HashingEncoder
from mappings.errors import EncoderFailed
from service.deadlines import BoundedTextEncoder, Deadline
from service.leg_breaker import FAILURES, LegBreaker
from tests.service.conftest import running_app
from tests.service.slow_vectors import slow_vectors

PAUSE = 10.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def breaker(clock: Clock, told: list[str]) -> LegBreaker:
    return LegBreaker(PAUSE, clock=clock, on_pause=told.append)


def be_late(breaker: LegBreaker, times: int = FAILURES, index: str = "shop") -> None:
    for _ in range(times):
        breaker.timed_out(index)


def test_vectors_are_left_out_after_several_deadlines_in_a_row_and_only_there(breaker, told):
    be_late(breaker, FAILURES - 1)
    assert breaker.reason("shop") == ""
    be_late(breaker, 1)
    assert breaker.reason("shop").startswith("too slow 3 times in a row")
    assert breaker.reason("other") == ""
    assert told == ["shop"]


def test_deadlines_with_an_answer_in_between_do_not_add_up(breaker):
    be_late(breaker, FAILURES - 1)
    breaker.answered("shop")
    be_late(breaker, FAILURES - 1)
    assert breaker.reason("shop") == ""


def test_one_search_tries_after_a_pause_while_the_others_go_on_without(breaker, clock, told):
    be_late(breaker)
    clock.now += PAUSE
    assert breaker.reason("shop") == ""
    assert breaker.reason("shop") != ""
    breaker.timed_out("shop")  # the one that tried
    clock.now += PAUSE - 1
    assert breaker.reason("shop") != ""
    clock.now += 1
    assert breaker.reason("shop") == ""
    assert told == ["shop"], "a pause that goes on is no other one"


def test_first_answer_in_time_ends_the_pause_at_once(breaker, clock):
    be_late(breaker)
    clock.now += PAUSE
    assert breaker.reason("shop") == ""
    breaker.answered("shop")
    assert breaker.reason("shop") == ""
    be_late(breaker, FAILURES - 1)
    assert breaker.reason("shop") == "", "it counts from the beginning again"


def test_search_that_tries_and_is_never_heard_of_holds_nobody_up_for_ever(breaker, clock):
    be_late(breaker)
    clock.now += PAUSE
    assert breaker.reason("shop") == ""
    clock.now += PAUSE
    assert breaker.reason("shop") == ""


def test_without_a_pause_each_search_waits():
    breaker = LegBreaker(0)
    be_late(breaker, 100)
    assert breaker.reason("shop") == ""


class SlowEncoder:
    """The hashing encoder, with calls that are counted and take long."""

    def __init__(self) -> None:
        self.spec, self.calls, self.seconds = HashingEncoder().spec, 0, 0.2

    def encode(self, texts):
        self.calls += 1
        time.sleep(self.seconds)
        return HashingEncoder().encode(texts)


def test_encoder_that_is_too_slow_again_and_again_is_not_waited_for(clock):
    encoder = SlowEncoder()
    breaker = LegBreaker(PAUSE, clock=clock)
    bounded = BoundedTextEncoder(encoder, Deadline(0.02, threads=9), breaker)
    for _ in range(FAILURES + 2):
        with pytest.raises(EncoderFailed) as error:
            bounded.encode(["lamp"])
    assert (error.value.is_slow, encoder.calls) == (True, FAILURES)
    encoder.seconds = 0
    clock.now += PAUSE
    assert bounded.encode(["lamp"]).shape[0] == 1


@pytest.mark.cluster
def test_searches_go_on_by_words_at_once_and_find_back_to_vectors(
    elasticsearch, redis_server, shop
):
    settings = {"service_leg_timeout_seconds": 1.0, "service_slow_legs_pause_seconds": 2.0}
    with (
        slow_vectors(elasticsearch.url) as proxy,
        running_app(proxy.url, redis_server.url, **settings) as app,
    ):
        client, path = app.test_client(), f"/v1/indexes/{shop}/search"
        query = {"query": {"match": {"title": "mouse"}}}
        late = client.post(f"/{shop}/_search", json=query)
        assert late.headers["Shelfwise-Search"] == "passed; reason=vectors not done within 1000 ms"
        assert late.json["hits"]["hits"]
        for _ in range(FAILURES - 1):
            assert client.post(path, json={"q": "mouse"}).json["warnings"]
        held = proxy.held
        answer = client.post(path, json={"q": "mouse"}).json
        (warning,) = answer["warnings"]
        assert warning.startswith("text_vector: too slow 3 times in a row")
        assert answer["hits"]
        passed = client.post(f"/{shop}/_search", json=query).headers["Shelfwise-Search"]
        assert passed.startswith("passed; reason=vectors too slow 3 times in a row")
        assert proxy.held == held == FAILURES, "nobody has asked for vectors meanwhile"
        metrics = client.get("/metrics").text
        assert f'shelfwise_leg_pauses_total{{index="{shop}"}} 1.0' in metrics
        assert f'shelfwise_leg_timeouts_total{{index="{shop}"}} 3.0' in metrics
        proxy.is_slow = False
        deadline = time.monotonic() + 60
        while client.post(path, json={"q": "mouse"}).json["warnings"]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        again = client.post(f"/{shop}/_search", json=query).headers["Shelfwise-Search"]
        assert again.startswith("hybrid")
