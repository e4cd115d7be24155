"""Workers that are killed, and servers that go away and come back."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psutil

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from tests.indexer.programs import Program

LANES = ("fast", "changes,bulk", "changes,bulk")
"""Of each worker."""


class Workers:
    """A few workers, of which one after the other is killed and started again."""

    def __init__(self, env: Mapping[str, str], logs: Path) -> None:
        self._env = env
        self._logs = logs
        self._running: list[Program] = []
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.kills = 0

    def __enter__(self) -> Workers:
        self._running = [self._start(place) for place in range(len(LANES))]
        for worker in self._running:
            worker.wait_until_says("ready.")
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.leave_alone()
        for worker in self._running:
            worker.kill()

    @property
    def said(self) -> str:
        """All that they have written, whole and killed ones."""
        return "\n".join(log.read_text(errors="replace") for log in self._logs.glob("worker-*"))

    def kill_now_and_then(self, chance: random.Random, pauses: tuple[float, float]) -> None:
        """Kill one at a time from now on, with pauses of so many seconds."""

        def go_on() -> None:
            while not self._stopped.wait(chance.uniform(*pauses)):
                place = chance.randrange(len(LANES))
                self._running[place].kill()
                self.kills += 1
                self._stopped.wait(chance.uniform(0, 1.5))
                self._running[place] = self._start(place)

        self._thread = threading.Thread(target=go_on, daemon=True)
        self._thread.start()

    def leave_alone(self) -> None:
        """Kill no more; all of them run."""
        self._stopped.set()
        if self._thread:
            self._thread.join()

    def _start(self, place: int) -> Program:
        log = self._logs / f"worker-{place}.log"
        return Program("worker", "--lanes", LANES[place], env=self._env, log=log)


def restart_redis(server: EmbeddedRedis, *, by_force: bool) -> None:
    """Stop it, or kill it with -9, and start it on the same directory."""
    if by_force:
        assert server.process_id
        for child in psutil.Process(server.process_id).children():
            child.kill()
    server.stop()
    server.start()


def stop_elasticsearch(server: EmbeddedElasticsearch, how: str, seconds: float) -> None:
    """Let it be away for so long: `stopped`, `killed` with -9, or `frozen`."""
    if how == "frozen":
        (process_id,) = server.process_ids
        os.killpg(process_id, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.killpg(process_id, signal.SIGCONT)
        return
    if how == "killed":
        for process_id in server.process_ids:
            os.killpg(process_id, signal.SIGKILL)
    server.stop()
    time.sleep(seconds)
    server.start()
