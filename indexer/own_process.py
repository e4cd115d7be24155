"""Work in a process of its own, for a parent that must not load what the work needs.

The parent of a forking pool has no encoder: a model that it loaded, and the threads of it, would
be half copied into each child that is forked later.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.context import SpawnProcess
from types import FrameType

import structlog

from indexer.settings import IndexerSettings

_PARENT_SECONDS = 1.0
_STOP_SECONDS = 10.0
_log = structlog.get_logger(__name__)

Work = Callable[[IndexerSettings, threading.Event], None]
"""Begins what is to be done, in threads; the event is set when it should end."""


class OwnProcess:
    """Keeps one process with the work going. name: for the log. work: a function of a module."""

    def __init__(self, name: str, work: Work, settings: IndexerSettings) -> None:
        self._name = name
        self._work = work
        self._settings = settings
        self._process: SpawnProcess | None = None

    def ensure(self) -> None:
        """Start the process unless it runs; one that has died is started again."""
        if self._process is not None and self._process.is_alive():
            return
        if self._process is not None:
            _log.error("process_died", name=self._name, status=self._process.exitcode)
        # Not forked: the parent has threads, whose locks a copy would find held for ever.
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(
            target=_run, args=(self._work, self._settings), name=self._name, daemon=True
        )
        self._process.start()
        _log.info("process_started", name=self._name, process=self._process.pid)

    def stop(self) -> None:
        """End it, by force if it takes too long."""
        if self._process is None or not self._process.is_alive():
            return
        self._process.terminate()
        self._process.join(_STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _run(work: Work, settings: IndexerSettings) -> None:
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    parent = os.getppid()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent has it too, and says when to end
    work(settings, stopped)
    # A parent that is killed tells nobody, and this process would go on beside its successor.
    while not stopped.wait(_PARENT_SECONDS) and os.getppid() == parent:
        pass
    stopped.set()
