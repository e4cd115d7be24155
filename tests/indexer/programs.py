"""The programs of the indexer as real processes, for the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil

_COMMAND = [sys.executable, "-c", "from mappings.command_line import main; main()"]
_START_SECONDS = 90


def environment(elasticsearch_url: str, redis_url: str, **settings: object) -> dict[str, str]:
    """Return the environment of a program; settings without their prefix."""
    own = {
        "elasticsearch_url": elasticsearch_url,
        "redis_url": redis_url,
        "text_encoder": "hashing",
        "indexer_backoff_seconds": 0.2,
        "indexer_max_backoff_seconds": 1,
        **settings,
    }
    inherited = {name: value for name, value in os.environ.items() if "SHELFWISE_" not in name}
    return inherited | {f"SHELFWISE_{name.upper()}": str(value) for name, value in own.items()}


def wait_until(condition: Callable[[], object], seconds: float = _START_SECONDS) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {condition}")
        time.sleep(0.05)


@dataclass
class Finished:
    """What a command left: exit status, and what it said."""

    status: int
    said: str


class Program:
    """A command of ours as a process; a context manager that ends it by force.

    command: what takes the arguments, `shelfwise` when it is not given.
    """

    def __init__(
        self,
        *arguments: str,
        env: Mapping[str, str],
        log: Path,
        command: Sequence[str] = _COMMAND,
    ) -> None:
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, *arguments], env=dict(env), stdout=output, stderr=subprocess.STDOUT
            )

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def process_id(self) -> int:
        """The id of its process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    @property
    def said(self) -> str:
        """All that it has written."""
        return self._log.read_text(errors="replace")

    def wait_until_says(self, text: str) -> Program:
        """Wait for words in its output."""

        def says() -> bool:
            if self._process.poll() is not None and text not in self.said:
                raise RuntimeError(f"ended with {self._process.returncode}:\n{self.said}")
            return text in self.said

        wait_until(says)
        return self

    def kill_children(self) -> int:
        """Kill the child processes as the kernel would for want of memory; return how many."""
        children = psutil.Process(self._process.pid).children()
        for child in children:
            child.kill()
        return len(children)

    def kill(self) -> None:
        """Kill it and its children without a warning."""
        if self._process.poll() is None:
            self.kill_children()
            self._process.kill()
        self._process.wait()

    def interrupt(self) -> None:
        """Send it SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def finish(self, seconds: float = 120) -> Finished:
        """Wait for its end."""
        return Finished(self._process.wait(seconds), self.said)


def run(*arguments: str, env: Mapping[str, str], log: Path) -> Finished:
    """Run a command to its end."""
    with Program(*arguments, env=env, log=log) as program:
        return program.finish()
