"""Who gets a turn, who waits, who is refused, and how slow clients are cut."""

from __future__ import annotations

import io
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import Client

from service.access.admission import EARLY_BODY_BYTES, Admission, Room
from service.access.connections import ConnectionWatch, begin_request
from service.access.origins import Origins
from service.access.turns import Turns

SOON = 5.0
"""Seconds within which threads do what they are about to do, also on a busy machine."""


def until(condition) -> None:
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def waiting(turns: Turns) -> int:
    return len(turns._waiters)


class Queue:
    """Threads that wait for a turn, in the order in which they came."""

    def __init__(self, turns: Turns, count: int) -> None:
        self.turns = turns
        self.outcomes: dict[int, bool] = {}
        self.order: list[int] = []
        self.threads: list[threading.Thread] = []
        for number in range(count):
            before = waiting(turns)
            thread = threading.Thread(target=self._take, args=(number,))
            thread.start()
            self.threads.append(thread)
            until(lambda before=before: waiting(turns) > before or self.outcomes)

    def _take(self, number: int) -> None:
        self.outcomes[number] = self.turns.take()
        if self.outcomes[number]:
            self.order.append(number)

    def serve(self) -> None:
        for _ in range(waiting(self.turns)):
            done = len(self.order)
            self.turns.give_back()
            until(lambda done=done: len(self.order) > done)
        for thread in self.threads:
            thread.join(SOON)


def test_turns_are_given_at_once_while_there_are_any_and_come_back():
    turns = Turns(2, room=0, wait_seconds=1)
    assert turns.take() and turns.take()
    assert not turns.take()
    turns.give_back()
    assert turns.take()


def test_few_who_wait_are_served_in_order():
    turns = Turns(1, room=8, wait_seconds=60, in_order_seconds=60)
    assert turns.take()
    queue = Queue(turns, 4)
    queue.serve()
    assert queue.order == [0, 1, 2, 3]


def test_when_the_oldest_has_waited_for_long_the_newest_goes_first():
    turns = Turns(1, room=8, wait_seconds=60, in_order_seconds=0)
    assert turns.take()
    queue = Queue(turns, 4)
    queue.serve()
    assert queue.order == [3, 2, 1, 0]


def test_in_a_crowd_the_newest_goes_first():
    turns = Turns(1, room=4, wait_seconds=60, in_order_seconds=60)
    assert turns.take()
    queue = Queue(turns, 4)
    queue.serve()
    assert queue.order == [3, 2, 0, 1]


def test_one_more_than_there_is_room_for_sends_the_oldest_away():
    turns = Turns(1, room=2, wait_seconds=60)
    assert turns.take()
    queue = Queue(turns, 2)
    third = threading.Thread(target=turns.take)
    third.start()
    until(lambda: 0 in queue.outcomes)
    assert queue.outcomes == {0: False}
    for _ in range(2):
        turns.give_back()
    for thread in (*queue.threads, third):
        thread.join(SOON)
    assert queue.outcomes == {0: False, 1: True}


def test_nobody_waits_longer_than_that_and_waiting_elsewhere_counts():
    turns = Turns(1, room=4, wait_seconds=0.05)
    assert turns.take()
    began = time.monotonic()
    assert not turns.take()
    assert 0.04 < time.monotonic() - began < SOON
    assert waiting(turns) == 0
    slow = Turns(1, room=4, wait_seconds=60)
    assert slow.take()
    assert not slow.take(waited_seconds=60)


def test_no_turn_is_lost_or_given_twice_however_many_ask():
    turns, at_once, most = Turns(3, room=4, wait_seconds=0.02), [0], [0]
    lock = threading.Lock()

    def work(_: int) -> bool:
        if not turns.take():
            return False
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        time.sleep(0.001)
        with lock:
            at_once[0] -= 1
        turns.give_back()
        return True

    with ThreadPoolExecutor(24) as pool:
        served = sum(pool.map(work, range(2_000)))
    assert 0 < served < 2_000
    assert most[0] == 3
    assert turns.taken == 0


def room(**changes: object) -> Room:
    sizes = {
        "turns": 1,
        "waiting": 1,
        "wait_seconds": 0.02,
        "body_seconds": 1.0,
        "request_seconds": 2.0,
    }
    return Room(**{**sizes, **changes})


class Held:
    """An application that answers when it is let."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.inside = threading.Event()
        self.refused = 0
        self.admission = Admission(self, room(), on_refusal=self.count)
        self.client = Client(self.admission)

    def count(self) -> None:
        self.refused += 1

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/slow":
            self.inside.set()
            assert self.go.wait(SOON)
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]


def test_what_finds_no_turn_is_a_503_that_says_when_to_come_back():
    held = Held()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(held.client.get, "/slow")
        assert held.inside.wait(SOON)
        response = held.client.get("/other")
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        error = response.json["error"]
        assert set(error) == {"code", "message", "field", "request_id"}
        assert error["code"] == "overloaded"
        assert held.refused == 1
        for path in ("/healthz", "/readyz", "/metrics"):
            assert held.client.get(path).status_code == 200, path
        held.go.set()
        assert slow.result(SOON).status_code == 200
    assert held.client.get("/other").status_code == 200


def test_a_turn_comes_back_when_the_application_breaks():
    def broken(environ, start_response):
        raise KeyError("broken")

    client = Client(Admission(broken, room(), on_refusal=lambda: None))
    for _ in range(3):
        with pytest.raises(KeyError):
            client.get("/")


@pytest.mark.parametrize("size", [0, 1, EARLY_BODY_BYTES, EARLY_BODY_BYTES + 1])
def test_bodies_arrive_whole(size):
    body = b"x" * size
    assert Held().client.post("/", data=body).data == body


def test_a_body_whose_sender_stalls_takes_no_turn():
    class Stalled(io.BytesIO):
        def read(self, size=-1):
            raise BlockingIOError

    held = Held()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(held.client.get, "/slow")
        assert held.inside.wait(SOON)
        response = held.client.post("/", input_stream=Stalled(b"12345"))
        assert response.status_code == 400
        assert response.json["error"]["field"] == "body"
        assert response.headers["Connection"] == "close"
        held.go.set()
        assert slow.result(SOON).status_code == 200


def test_a_request_that_waited_too_long_for_a_thread_is_refused_though_there_is_a_turn():
    watch, (ours, theirs) = ConnectionWatch(), socket.socketpair()
    held = Held()
    try:
        begin_request(watch, ours, waited=30.0)
        assert held.client.get("/other").status_code == 503
        assert held.client.get("/healthz").status_code == 200
        begin_request(watch, ours, waited=0.0)
        assert held.client.get("/other").status_code == 200
    finally:
        ours.close()
        theirs.close()


def test_a_connection_is_cut_when_its_time_is_over_and_not_when_it_is_forgotten():
    watch = ConnectionWatch()
    late, in_time, done = (socket.socketpair() for _ in range(3))
    watch.limit(late[0], -1)
    watch.limit(in_time[0], 60)
    watch.limit(done[0], -1)
    watch.forget(done[0])
    assert watch.cut_late() == 1
    assert late[1].recv(1) == b""
    for ours, theirs in (in_time, done):
        ours.sendall(b"x")
        assert theirs.recv(1) == b"x"
    assert watch.cut_late() == 0
    for pair in (late, in_time, done):
        for one in pair:
            one.close()


class TestOrigins:
    @staticmethod
    def client(*origins: str) -> Client:
        def answer(environ, start_response):
            start_response("401 UNAUTHORIZED", [("Content-Type", "text/plain")])
            return [b"no"]

        return Client(Origins(answer, origins))

    PREFLIGHT = {"Access-Control-Request-Method": "POST"}

    @pytest.mark.parametrize("origin", ["https://shop.example", "null", "*"])
    def test_none_is_named_by_default(self, origin):
        headers = {"Origin": origin, **self.PREFLIGHT}
        for response in (
            self.client().get("/", headers=headers),
            self.client().options("/", headers=headers),
        ):
            assert response.status_code == 401
            assert not [name for name, _ in response.headers if name.startswith("Access-Control")]

    def test_a_named_origin_may_ask_and_read_also_refusals(self):
        client, origin = self.client("https://shop.example"), "https://shop.example"
        preflight = client.options("/", headers={"Origin": origin, **self.PREFLIGHT})
        assert preflight.status_code == 204
        assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
        response = client.get("/", headers={"Origin": origin})
        assert response.status_code == 401
        for one in (preflight, response):
            assert one.headers["Access-Control-Allow-Origin"] == origin
            assert one.headers["Vary"] == "Origin"
            assert "Access-Control-Allow-Credentials" not in one.headers

    @pytest.mark.parametrize(
        "origin",
        ["https://shop.example.evil", "http://shop.example", "https://shop.example:8443", "null"],
    )
    def test_another_origin_may_not(self, origin):
        client = self.client("https://shop.example")
        response = client.options("/", headers={"Origin": origin, **self.PREFLIGHT})
        assert "Access-Control-Allow-Origin" not in response.headers
        assert response.headers["Vary"] == "Origin"
