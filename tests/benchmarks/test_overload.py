"""The sender of too many requests, and when a service is itself again."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.arrivals import Sent, collect, send_at_rate
from benchmarks.overload import recovery_seconds


def sent(at: float, status: int = 200, milliseconds: float = 10.0) -> Sent:
    return Sent(at, status, milliseconds, status == 503)


def test_a_service_is_itself_again_when_nothing_is_refused_or_slow_any_more():
    steady = [sent(at / 10) for at in range(200)]
    assert recovery_seconds(steady, slowest=20.0) == 0.0
    refused = [sent(0.5, 503), sent(2.5, 503), *steady]
    assert recovery_seconds(refused, slowest=20.0) == 3.0
    slow = [*[sent(at / 10, milliseconds=90.0) for at in range(40)], *steady[40:]]
    assert recovery_seconds(slow, slowest=20.0) == 4.0  # from then on less than one in twenty
    assert recovery_seconds([*steady, sent(19.99, 503)], slowest=20.0) == float("inf")


class Slow(BaseHTTPRequestHandler):
    """Refuses every third request; keeps connections."""

    protocol_version = "HTTP/1.1"
    seen = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Slow.seen += 1
        status = 503 if Slow.seen % 3 == 0 else 200
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_requests_arrive_at_the_rate_whatever_becomes_of_them(port):
    found = collect(send_at_rate(port, "/search", [b'{"q": "a"}'], rate=60, seconds=1))
    assert len(found) == 60
    assert [one.at for one in found] == pytest.approx([number / 60 for number in range(60)])
    assert {one.status for one in found} == {200, 503}
    assert all(one.says_when is (one.status == 503) for one in found)


def test_without_a_server_there_is_no_answer():
    found = collect(send_at_rate(9, "/search", [b"{}"], rate=20, seconds=0.5))
    assert [one.status for one in found] == [0] * 10
