"""A server that runs as our child: started in its own group, stopped for certain."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

_KILL_WAIT_SECONDS = 10


class ServerProcess:
    """One child process with its output in a file.

    It leads a process group of its own, so that Ctrl-C in the terminal reaches only us and a
    stop reaches whatever it started. Its standard input is a pipe that we never write to: when
    we die, however that happens, the pipe ends, and the child is built to end with it.
    """

    def __init__(self, command: list[str], *, output: Path, environ: dict[str, str]) -> None:
        self.output = output
        with output.open("wb") as sink:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=environ,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal, or None while it runs."""
        return self._process.poll()

    def stop(self, timeout_seconds: float) -> None:
        """End the group: politely at first, by force when it still runs after the timeout."""
        self.ask_to_stop()
        self.wait_stopped(timeout_seconds)

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the group."""
        self._signal(signal.SIGTERM)

    def wait_stopped(self, timeout_seconds: float) -> bool:
        """Wait for the end and force it after the timeout; tell whether no force was needed."""
        try:
            self._process.wait(max(timeout_seconds, 0))
            return True
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait(_KILL_WAIT_SECONDS)
            return False
        finally:
            # The leader is gone; whatever it left in its group must not outlive it.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            if self._process.stdin:
                self._process.stdin.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def last_lines(path: Path, count: int) -> tuple[str, ...]:
    """Give the last lines of a text file; nothing when it is missing or empty."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ()
    return tuple(line for line in lines[-count:] if line.strip())


class Deadline:
    """A point in time by which something must be done."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self.remaining == 0.0
