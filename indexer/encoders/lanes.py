"""Several batches at once on a CPU, each on few threads of torch.

The threads of one torch operation wait for each other dozens of times a batch, longest when
another program takes a core from one of them. Batches side by side do not: on two cores
beside Elasticsearch they gave 1.3 times the texts a second of one batch on both.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import torch

MOST_LANES = 8
"""With more, the lanes wait for Python's lock; further cores help inside each batch."""

SWITCH_SECONDS = 0.0005
"""How long a thread may hold Python's lock while others wait; a lane needs it for microseconds
between two operations, and would lose a core for Python's usual 5 ms each time."""

_Work = TypeVar("_Work")


@cache
def usual_threads() -> int:
    """Return torch's own choice of CPU threads, asked before any lanes take them apart.

    An encoder that is loaded after another one's lanes would find one thread and no second core.
    """
    threads: int = torch.get_num_threads()
    return threads


@dataclass
class Surroundings:
    """What a lane enters around its work. Work of equal keys shares one entry."""

    key: Hashable
    enter: Callable[[], AbstractContextManager[object]]


@dataclass
class _Call:
    """Work of one caller. unfinished: pieces that wait or are being done."""

    pieces: deque[Any]
    action: Callable[[Any], None]
    around: Surroundings
    unfinished: int
    error: Exception | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Lanes:
    """Threads that share the batches of every caller; safe to call from several threads.

    The caller with the least left to do comes first, so that the text of one product does not
    wait for hundreds of others.
    cores: CPU threads in all, which torch gets as `cores // count` in each lane. Both that and
    Python's switch interval are settings of the whole process.
    """

    def __init__(self, cores: int) -> None:
        self.count = max(1, min(cores, MOST_LANES))
        self._threads = max(1, cores // self.count)
        self._calls: list[_Call] = []
        self._changed = threading.Condition()
        torch.set_num_threads(self._threads)
        sys.setswitchinterval(SWITCH_SECONDS)
        for number in range(self.count):
            name = f"encoder-lane-{number}"
            threading.Thread(target=self._lane, name=name, daemon=True).start()

    def run(
        self, work: Iterable[_Work], action: Callable[[_Work], None], around: Surroundings
    ) -> None:
        """Do every piece of work and return; the first that fails ends it, and is raised."""
        pieces = deque(work)
        if not pieces:
            return
        call = _Call(pieces, action, around, len(pieces))
        with self._changed:
            self._calls.append(call)
            self._changed.notify_all()
        call.done.wait()
        if call.error is not None:
            raise call.error

    def _lane(self) -> None:
        torch.set_num_threads(self._threads)  # a thread keeps what it was told
        while True:
            with self._changed:
                while not self._calls:
                    self._changed.wait()
                around = self._first(self._calls).around
            with around.enter():
                while (taken := self._take(around.key)) is not None:
                    self._do(*taken)

    def _take(self, key: Hashable) -> tuple[_Call, Any] | None:
        with self._changed:
            fitting = [call for call in self._calls if call.around.key == key]
            if not fitting:
                return None
            call = self._first(fitting)
            piece = call.pieces.popleft()
            if not call.pieces:
                self._calls.remove(call)
            return call, piece

    def _do(self, call: _Call, piece: object) -> None:
        error: Exception | None = None
        try:
            call.action(piece)
        except Exception as raised:
            error = raised
        with self._changed:
            call.unfinished -= 1
            if error is not None:
                call.error = call.error or error
                call.unfinished -= len(call.pieces)
                call.pieces.clear()
                if call in self._calls:
                    self._calls.remove(call)
            if call.unfinished == 0:
                call.done.set()

    @staticmethod
    def _first(calls: list[_Call]) -> _Call:
        return min(calls, key=lambda call: len(call.pieces))
