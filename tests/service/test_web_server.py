"""`shelfwise serve` as a process: what it takes from the network, and how it starts and ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from embedded import ports
from indexer.encoders.hashing import HashingEncoder
from mappings.index_lifecycle import create_index
from service.web_server import STALL_SECONDS
from tests.service.conftest import TEMPLATE

pytestmark = pytest.mark.stack
MAX_BODY = 200_000
THREADS = 3
MORE_THAN_THREADS = 40
"""Those that wait and refuse, too."""
SERVE = [sys.executable, "-c", "from mappings.command_line import main; main()", "serve"]


class Service:
    """A running `shelfwise serve`, and raw HTTP to it."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        (self.port,) = ports.pick_free(1)
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*SERVE, "--port", str(self.port)], env=environ, stdout=output, stderr=output
            )
        deadline = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            return self.ask("GET", "/healthz")[0] == 200
        except OSError:
            return False

    @contextlib.contextmanager
    def connection(self, timeout: float = 15) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            yield connection

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: tuple[str, ...] = ()
    ) -> tuple[int, bytes]:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
        if not any(header.lower().startswith("transfer-encoding") for header in headers):
            lines.append(f"Content-Length: {len(body)}")
        with self.connection() as connection:
            with contextlib.suppress(ConnectionError):  # it may answer before it has read it all
                connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            return read_answer(connection)

    def stop(self, sent: int = signal.SIGTERM, timeout: float = 5) -> int:
        self.process.send_signal(sent)
        return self.process.wait(timeout)


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    assert head, "no answer"
    if b"chunked" in head.lower():
        size, _, rest = body.partition(b"\r\n")
        body = rest[: int(size, 16)]
    return int(head.split()[1]), body


@pytest.fixture(scope="module")
def environ(elasticsearch, redis_server, shop) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("SHELFWISE_")},
        "SHELFWISE_ELASTICSEARCH_URL": elasticsearch.url,
        "SHELFWISE_REDIS_URL": redis_server.url,
        "SHELFWISE_TEXT_ENCODER": "hashing",
        "SHELFWISE_TEXT_TEMPLATE": TEMPLATE,
        "SHELFWISE_SERVICE_INDEXES": shop,
        "SHELFWISE_SERVICE_MAX_BODY_BYTES": str(MAX_BODY),
        "SHELFWISE_SERVICE_THREADS": str(THREADS),
        "SHELFWISE_SERVICE_WAITING": "16",
        "SHELFWISE_SERVICE_BODY_SECONDS": "3",
        "SHELFWISE_SERVICE_WAIT_MILLISECONDS": "20000",
    }


@pytest.fixture(scope="module")
def service(environ, tmp_path_factory) -> Iterator[Service]:
    service = Service(environ, tmp_path_factory.mktemp("service") / "log")
    yield service
    if service.process.poll() is None:
        service.process.kill()
        service.process.wait()


@pytest.fixture
def search_path(shop) -> str:
    return f"/v1/indexes/{shop}/search"


def error_of(body: bytes) -> dict:
    error = json.loads(body)["error"]
    assert set(error) == {"code", "message", "field", "request_id"}
    return error


def test_it_serves(service, search_path):
    status, body = service.ask("POST", search_path, b'{"q": "wireless mouse"}')
    assert status == 200
    assert json.loads(body)["total"]["value"] > 0
    assert service.ask("GET", "/readyz")[0] == 200


def test_requests_at_once_are_all_answered(service, search_path):
    with ThreadPoolExecutor(16) as pool:
        found = list(
            pool.map(
                lambda n: service.ask("POST", search_path, b'{"q": "mouse", "limit": %d}' % n),
                range(32),
            )
        )
    assert [status for status, _ in found] == [200] * 32
    assert [len(json.loads(body)["hits"]) for _, body in found] == list(range(32))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b"[]",
        b"null",
        b'"mouse"',
        b"q=mouse",
        '{"q": "Léon"}'.encode("latin-1"),
        '{"q": "mouse"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"q": "mouse"}',
        b'{"limit": NaN}',
        b'{"limit": Infinity}',
        b'{"weights": {"lexical": 1e400}}',
        b'{"q": "\\ud800"}',
        b'{"q": "mouse",}',
        b'{"q": "mouse"} {"q": "mouse"}',
        b"{'q': 'mouse'}",
        b'{"filter": ' * 100_000,
        b'{"filter": ' + b'{"not": ' * 10_000 + b"{}" + b"}" * 10_001,
        b'{"filter": ' + b'{"not": ' * 300 + b"{}" + b"}" * 301,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"q": "a", "q": 5}',
        b'{"limit": ' + b"9" * 5_000 + b"}",
        b"\x1f\x8b\x08\x00 not really gzip",
        b"\x00" * 1_000,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_malformed_body_is_a_4xx_of_the_one_shape(service, search_path, body):
    status, answer = service.ask("POST", search_path, body)
    assert status == (413 if len(body) > MAX_BODY else 400)
    assert error_of(answer)["field"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_type_of_the_body_is_not_asked_but_its_content_must_be_json(
    service, search_path, media_type
):
    header = (f"Content-Type: {media_type}",)
    assert service.ask("POST", search_path, b'{"q": "mouse"}', header)[0] == 200
    assert service.ask("POST", search_path, b"q=mouse", header)[0] == 400


def test_json_that_is_said_to_be_parts_of_a_form_is_a_400(service, search_path):
    header = ("Content-Type: multipart/form-data",)
    status, answer = service.ask("POST", search_path, b'{"q": "mouse"}', header)
    assert status == 400
    assert error_of(answer)["field"] == "body"


def test_body_over_the_limit_is_a_413(service, search_path):
    body = b'{"q": "' + b"x" * MAX_BODY + b'"}'
    status, answer = service.ask("POST", search_path, body)
    assert status == 413
    error = error_of(answer)
    assert error["code"] == "request_too_large"
    assert str(MAX_BODY) in error["message"]


def chunked(body: bytes, size: int = 1_000) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


CHUNKED = ("Transfer-Encoding: chunked",)


def test_chunked_body_is_read(service, search_path):
    body = chunked(b'{"q": "wireless mouse", "limit": 3}', size=5)
    status, answer = service.ask("POST", search_path, body, CHUNKED)
    assert status == 200
    assert len(json.loads(answer)["hits"]) == 3


@pytest.mark.parametrize(
    "body",
    [b'{"q": "' + b"x" * MAX_BODY + b'"}', b'{"q": "mouse"}' + b" " * MAX_BODY],
    ids=["one long text", "JSON that is whole before the limit"],
)
def test_chunked_body_over_the_limit_is_a_413(service, search_path, body):
    body = chunked(body)
    status, answer = service.ask("POST", search_path, body, CHUNKED)
    assert status == 413
    assert error_of(answer)["code"] == "request_too_large"


POST = b"POST /v1/indexes/x/search HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        POST + b"Content-Length: -5\r\n\r\n",
        POST + b"Content-Length: x\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["no HTTP", "negative length", "length of text", "broken chunk", "long address"],
)
def test_what_is_hardly_http_is_refused_and_the_service_lives_on(service, raw):
    with service.connection() as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(AssertionError):  # it may hang up without a word
            assert 400 <= read_answer(connection)[0] < 500
    assert service.answers()


def test_body_that_ends_early_is_dropped_and_the_service_lives_on(service, search_path):
    with service.connection() as connection:
        connection.sendall(
            f"POST {search_path} HTTP/1.1\r\nHost: localhost\r\n".encode()
            + b"Content-Length: 100\r\n\r\n{"
        )
    assert service.answers()


def stalled(service: Service, search_path: str, number: int) -> Iterator[socket.socket]:
    """Clients that begin a request and say nothing more."""
    head = f"POST {search_path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n"
    beginnings = [head + "\r\n{", head, "POST"]
    for client in range(number):
        connection = socket.create_connection(("127.0.0.1", service.port), timeout=30)
        connection.sendall(beginnings[client % len(beginnings)].encode())
        yield connection


def test_slow_clients_do_not_hold_up_the_others(service, search_path):
    with contextlib.ExitStack() as stack:
        for connection in stalled(service, search_path, THREADS - 1):
            stack.enter_context(connection)
        started = time.monotonic()
        assert service.ask("POST", search_path, b'{"q": "mouse"}')[0] == 200
        assert time.monotonic() - started < 3


def test_not_even_clients_that_stall_on_every_thread_hold_up_the_others_for_good(
    service, search_path
):
    with contextlib.ExitStack() as stack:
        for connection in stalled(service, search_path, MORE_THAN_THREADS):
            stack.enter_context(connection)
        with service.connection(timeout=4 * STALL_SECONDS) as connection:
            connection.sendall(
                b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            assert read_answer(connection)[0] == 200


def test_a_client_that_sends_byte_by_byte_is_cut(service, search_path):
    head = f"POST {search_path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    began = time.monotonic()
    with service.connection() as connection:
        connection.sendall(head.encode())
        connection.settimeout(0.2)
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 15:
                connection.sendall(b" ")
                with contextlib.suppress(TimeoutError):
                    if not connection.recv(4_096):
                        break
    assert 2 < time.monotonic() - began < 15


def test_connection_is_kept_for_the_next_request(service):
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with service.connection() as connection, connection.makefile("rb") as answers:
        for _ in range(3):
            connection.sendall(request)
            assert answers.readline().startswith(b"HTTP/1.1 200")
            while answers.readline().strip():
                pass
            assert answers.read(len(b'{"status":"ok"}')) == b'{"status":"ok"}'


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_it_ends_within_seconds_even_with_idle_connections(environ, tmp_path, sent):
    service = Service(environ, tmp_path / "log")
    with service.connection() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        started = time.monotonic()
        assert service.stop(sent) == 0
        assert time.monotonic() - started < 5
    assert "Traceback" not in (tmp_path / "log").read_text()


def refusal(environ: dict[str, str], *arguments: str) -> str:
    """What a start that must be refused says."""
    done = subprocess.run(
        [*SERVE, *arguments], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_it_refuses_to_start_on_an_index_of_another_encoder(environ, cluster, index_name):
    spec = replace(HashingEncoder(template=TEMPLATE).spec, revision="of another time")
    create_index(cluster, index_name, {"text_vector": spec})
    message = refusal({**environ, "SHELFWISE_SERVICE_INDEXES": index_name})
    assert message.startswith("shelfwise: ")
    assert index_name in message
    assert "'of another time' in the index" in message


def test_it_refuses_to_start_with_settings_that_cannot_be_used(environ):
    environ = {
        **environ,
        "SHELFWISE_SERVICE_THREADS": "none",
        "SHELFWISE_SERVICE_COLOUR": "red",
        "SHELFWISE_REDIS_URL": "nonsense",
    }
    done = subprocess.run(
        SERVE, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    for name in ("THREADS", "COLOUR", "REDIS_URL"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_it_refuses_to_start_without_its_encoder(environ, tmp_path):
    environ = {
        **environ,
        "SHELFWISE_TEXT_ENCODER": str(tmp_path / "no-model"),
        "SHELFWISE_MODEL_DIRECTORY": str(tmp_path),
    }
    assert "no-model" in refusal(environ)


def test_it_starts_without_elasticsearch_and_is_not_ready(environ, tmp_path, search_path):
    environ = {**environ, "SHELFWISE_ELASTICSEARCH_URL": "http://127.0.0.1:9"}
    service = Service(environ, tmp_path / "log")
    try:
        assert service.ask("GET", "/readyz")[0] == 503
        assert service.ask("POST", search_path, b"{}")[0] == 503
    finally:
        assert service.stop() == 0
