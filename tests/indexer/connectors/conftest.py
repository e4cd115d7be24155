"""A real PostgreSQL, started by the tests on a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_USER = "postgres"


@dataclass(frozen=True)
class Postgres:
    """A running server; `url` is an address of SQLAlchemy's."""

    port: int

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://{_USER}@127.0.0.1:{self.port}/postgres"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole run."""
    binaries = _binaries()
    if binaries is None:
        missing = "no PostgreSQL server on this machine: apt-get install postgresql"
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    # Not below pytest's own folder, through which nobody but its owner comes.
    with tempfile.TemporaryDirectory(prefix="shelfwise-postgres-") as folder:
        with _running(binaries, Path(folder)) as port:
            yield Postgres(port)


@contextmanager
def _running(binaries: Path, folder: Path) -> Iterator[int]:
    data = folder / "data"
    as_user = _as_user(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    _run(*as_user, str(binaries / "initdb"), "-D", str(data), "-U", _USER, "-A", "trust", "-N")
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' "
        "-c fsync=off -c shared_buffers=16MB -c max_connections=20"
    )
    control = [*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    _run(*control, "-l", str(data / "log"), "-o", options, "start")
    try:
        yield port
    finally:
        _run(*control, "-m", "immediate", "stop")


def _binaries() -> Path | None:
    """The folder of initdb and pg_ctl, of the newest version that is installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4])
    )
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


def _as_user(folder: Path) -> list[str]:
    """What runs a command as somebody else than root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam(_USER)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["runuser", "-u", _USER, "--"]


def _run(*command: str) -> None:
    done = subprocess.run(
        command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
