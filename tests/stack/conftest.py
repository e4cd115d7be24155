"""`shelfwise run` as a process of its own, watched from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from embedded import ports
from embedded.sample_catalogue import sample_products

START_SECONDS = 180
STOP_SECONDS = 45
RUNNING = "Press Ctrl-C to stop."


class RunningStack:
    """One `shelfwise run`, and all processes that it has had."""

    def __init__(self, *arguments: str, environ: dict[str, str]) -> None:
        script = Path(sys.executable).with_name("shelfwise")
        self._process = subprocess.Popen(
            [str(script), "run", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environ,
            start_new_session=True,
        )
        self.started = time.monotonic()
        self.output = ""
        self._children: dict[int, psutil.Process] = {}

    def wait_for(self, text: str) -> float:
        """Read its output until a line holds the text; return the seconds since its start."""
        assert self._process.stdout
        for line in self._process.stdout:
            self.output += line
            self._note_children()
            if text in line:
                return time.monotonic() - self.started
        raise AssertionError(f"it ended without saying {text!r}:\n{self.output}")

    def send(self, *signals: signal.Signals) -> None:
        self._note_children()
        for number in signals:
            self._process.send_signal(number)

    def wait_ended(self) -> int:
        """Read the rest of its output and return its exit code."""
        rest, _ = self._process.communicate(timeout=START_SECONDS)
        self.output += rest
        return self._process.returncode

    def child(self, words: str) -> psutil.Process:
        """The program whose command line holds the words: neither its lifeline nor its forks."""
        self._note_children()
        found = [
            process
            for process in self._children.values()
            if words in (line := _command_line(process)) and "lifeline" not in line
        ]
        return min(found, key=lambda process: process.create_time())

    def survivors(self, within_seconds: float = 0) -> list[str]:
        """Command lines of children that are alive still after so long."""
        _, left = psutil.wait_procs(self._children.values(), timeout=within_seconds)
        # An orphan that has ended may wait for the system to take note; it has no command line.
        return [line[:200] for process in left if (line := _command_line(process))]

    def close(self) -> None:
        """Leave nothing behind, whatever a test has done."""
        self._note_children()
        if self._process.poll() is None:
            self._process.kill()
        for process in self._children.values():
            if process.is_running():
                process.kill()
        self._process.communicate()

    def _note_children(self) -> None:
        try:
            children = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return
        self._children |= {process.pid: process for process in children}


def _command_line(process: psutil.Process) -> str:
    """The whole command line, "" of a process that has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


Starter = Callable[..., RunningStack]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Start a stack with the hashing encoder; it is gone after the test."""
    started: list[RunningStack] = []

    def run(*arguments: str, **environ: str) -> RunningStack:
        own = {"SHELFWISE_TEXT_ENCODER": "hashing", "COLUMNS": "100", **environ}
        kept = {name: value for name, value in os.environ.items() if "SHELFWISE_" not in name}
        stack = RunningStack(*arguments, environ=kept | own)
        started.append(stack)
        return stack

    yield run
    for stack in started:
        stack.close()


@pytest.fixture(scope="module")
def free_port() -> int:
    return ports.pick_free(1)[0]


def write_catalogue(path: Path, *, count: int, copies: int = 1) -> Path:
    """Write the first products of the sample, or several copies of each under other ids."""
    products = [
        product | {"id": f"{product['id']}-{copy}"}
        for copy in range(copies)
        for product in sample_products()[:count]
    ]
    path.write_text("".join(json.dumps(product) + "\n" for product in products))
    return path


def ask(port: int, index: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/indexes/{index}/search",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)
