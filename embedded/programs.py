"""Shelfwise's own programs as child processes that end with us, and the notice of a death."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from embedded.errors import EmbeddedStackError, ServerDidNotStart
from embedded.processes import ServerProcess, last_lines

MAX_RESTARTS = 3
"""A program that has died more often will not get better by itself."""

_LOG_LINES_SHOWN = 12
_POLL_SECONDS = 0.05
_LIFELINE = Path(__file__).with_name("lifeline.py")
_LEFTOVER_SECONDS = 5.0


class ProgramFailed(EmbeddedStackError):
    """One of our programs ended with an error; it has said why itself."""


class Program:
    """One `shelfwise` command that runs in the background, restarted when it dies.

    name: for messages. arguments: after `shelfwise`. log: its output of the present run; that of
    the run before is kept beside it, with `.1` at the end.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], *, log: Path, environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = log
        self._arguments = list(arguments)
        self._environ = dict(environ)
        self._process: ServerProcess | None = None
        self._restarts = 0

    @property
    def is_started(self) -> bool:
        """Whether it has been started and not been stopped, dead or alive."""
        return self._process is not None

    @property
    def exit_code(self) -> int | None:
        """The exit code, None while it runs or when it was never started."""
        return self._process.exit_code if self._process else None

    def start(self) -> None:
        """Start it; returns at once."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_name(self.log.name + ".1"))
        self._process = ServerProcess(
            shelfwise_command(self._arguments), output=self.log, environ=self._environ
        )

    def restart(self) -> str:
        """Start it again after its death, and return what to say of that.

        Raises ServerDidNotStart when it has died too often.
        """
        report = self.death()
        if self._restarts >= MAX_RESTARTS:
            raise report
        self._restarts += 1
        self.stop(0)
        self.start()
        words = "".join(f"\n    {line}" for line in report.last_log_lines)
        again = f"Started it again ({self._restarts} of {MAX_RESTARTS})."
        return f"{report.what} Its last words:{words}\n  {again}"

    def death(self) -> ServerDidNotStart:
        """Return how it ended, with the end of its log."""
        return ServerDidNotStart(
            f"The {self.name} ended with exit code {self.exit_code}.",
            f"The whole log is in {self.log}.",
            last_lines(self.log, _LOG_LINES_SHOWN),
        )

    def ask_to_stop(self) -> None:
        """Send SIGTERM, when it runs."""
        if self._process:
            self._process.ask_to_stop()

    def stop(self, timeout_seconds: float) -> None:
        """End it, by force after the timeout. Does nothing when it was never started."""
        process, self._process = self._process, None
        if process:
            process.stop(timeout_seconds)

    def wait(self) -> None:
        """Wait until it ends by itself. Raises ServerDidNotStart when it fails."""
        if self._process is None:
            raise RuntimeError(f"the {self.name} has not been started")
        while self._process.exit_code is None:
            time.sleep(_POLL_SECONDS)
        if self._process.exit_code != 0:
            raise self.death()


def shelfwise_command(arguments: Sequence[str]) -> list[str]:
    """Return the command line of a `shelfwise` command that ends when we do."""
    script = shutil.which("shelfwise", path=str(Path(sys.executable).parent))
    if script is None:
        raise ProgramFailed(
            f"There is no command `shelfwise` beside {sys.executable}.",
            "Install the project into this environment: make run does, or pip install -e .",
        )
    return [sys.executable, "-I", "-S", str(_LIFELINE), script, *arguments]


def run_in_foreground(arguments: Sequence[str], *, environ: Mapping[str, str]) -> int:
    """Run a `shelfwise` command that writes to our terminal, and return its exit code.

    It has a process group of its own, so that Ctrl-C reaches us alone; we then end it.
    """
    with subprocess.Popen(  # noqa: S603
        shelfwise_command(arguments),
        stdin=subprocess.PIPE,
        env=dict(environ),
        start_new_session=True,
    ) as process:
        try:
            return process.wait()
        except BaseException:
            _end_group(process)
            raise


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the whole group: the lifeline, which leads it, passes no signal on."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_LEFTOVER_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def is_alive(process_id: int) -> bool:
    """Whether a child runs; one that has ended and was not yet waited for does not."""
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end_leftovers() -> None:
    """End whatever descends from us still: an interrupt may come between a start and its note."""
    leftovers = psutil.Process().children(recursive=True)
    for process in leftovers:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(leftovers, timeout=_LEFTOVER_SECONDS)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=_LEFTOVER_SECONDS)


def listener(port: int) -> str | None:
    """Return who listens on a local TCP port, such as `redis-server, process 812`, if visible."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.AccessDenied, OSError):
        return None
    for connection in connections:
        if connection.status != psutil.CONN_LISTEN or not connection.laddr or not connection.pid:
            continue
        if connection.laddr.port == port:
            with contextlib.suppress(psutil.NoSuchProcess):
                return f"{psutil.Process(connection.pid).name()}, process {connection.pid}"
    return None
