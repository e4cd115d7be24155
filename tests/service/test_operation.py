"""A running service of several processes: metrics as one, lines of its log, and a rolling stop."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.service.conftest import TEMPLATE
from tests.service.test_web_server import Service

pytestmark = pytest.mark.stack
DRAIN_SECONDS = 3.0
SECRET_WORDS = "present for uncle albert"


@pytest.fixture
def start(elasticsearch, redis_server, shop, tmp_path) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def run(name: str = "log", **settings: object) -> Service:
        own = {
            "elasticsearch_url": elasticsearch.url,
            "redis_url": redis_server.url,
            "text_encoder": "hashing",
            "text_template": TEMPLATE,
            "service_indexes": shop,
            **settings,
        }
        kept = {name: text for name, text in os.environ.items() if "SHELFWISE_" not in name}
        environ = kept | {f"SHELFWISE_{key.upper()}": str(text) for key, text in own.items()}
        started.append(Service(environ, tmp_path / name))
        return started[-1]

    yield run
    for service in started:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait()


def test_any_process_tells_what_all_have_counted(start, shop):
    service = start(service_workers=2, service_access_log=True)
    path = f"/v1/indexes/{shop}/search"
    searches, read = 12, set()
    for _ in range(searches):
        assert service.ask("POST", path, json.dumps({"q": SECRET_WORDS}).encode())[0] == 200
    for _ in range(8):  # whichever process answers
        text = service.ask("GET", "/metrics")[1].decode()
        (found,) = re.findall(r'latency_seconds_count{index="\S+",stage="total"} (\S+)', text)
        read.add(float(found))
        assert 'weights_active_info{index="' in text and "shelfwise_queue_up 1.0" in text
    assert read == {float(searches)}
    assert service.stop(timeout=30) == 0
    said = service.log.read_text()
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["event"] == "request" and "query_id" in line]
    assert len(requests) == searches
    assert {"request_id", "milliseconds", "bytes", "status"} <= set(requests[0])
    assert requests[0]["index"] == shop
    assert requests[0]["route"] == "/v1/indexes/<index>/search"
    assert "uncle" not in said, "what shoppers type is in no line"
    assert not list(Path("/tmp").glob(f"shelfwise-metrics-*/*_{service.process.pid}.db"))


def test_rolling_stop_under_load_fails_no_request(start, shop):
    """Whoever leaves out a service that says it is not ready gets every request answered."""
    old, new = (start(name, service_drain_seconds=DRAIN_SECONDS) for name in ("old", "new"))
    path, body = f"/v1/indexes/{shop}/search", b'{"q": "wireless mouse"}'
    ready, ended = {old: True, new: True}, threading.Event()
    found: dict[Service, list[int | str]] = {old: [], new: []}

    def probe() -> None:
        while not ended.wait(0.1):
            for service in (old, new):
                with contextlib.suppress(OSError, AssertionError):
                    ready[service] = service.ask("GET", "/readyz")[0] == 200

    def client(number: int) -> None:
        while not ended.is_set():
            service = (old, new)[number % 2] if ready[old] else new
            try:
                found[service].append(service.ask("POST", path, body)[0])
            except (OSError, AssertionError) as error:
                found[service].append(repr(error))

    threads = [threading.Thread(target=probe)]
    threads += [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(found[old]) > 3)
    before = len(found[old])
    old.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not ready[old])
    assert old.process.poll() is None, "it goes on while others notice"
    assert old.process.wait(DRAIN_SECONDS + 15) == 0
    after = len(found[new])
    wait_until(lambda: len(found[new]) > after)
    ended.set()
    for thread in threads:
        thread.join(15)
    assert set(found[old]) == set(found[new]) == {200}
    assert len(found[old]) >= before


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
