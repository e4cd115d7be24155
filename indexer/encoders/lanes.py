"""Several batches at once on a CPU, each on few threads of torch.

The threads of one torch operation wait for each other dozens of times a batch, longest when
another program takes a core from one of them. Batches side by side do not: on two cores
beside Elasticsearch they gave 1.3 times the texts a second of one batch on both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from queue import Empty, SimpleQueue
from typing import TypeVar

import torch

MOST_LANES = 8
"""With more, the lanes wait for Python's lock; further cores help inside each batch."""

SWITCH_SECONDS = 0.0005
"""How long a thread may hold Python's lock while others wait; a lane needs it for microseconds
between two operations, and would lose a core for Python's usual 5 ms each time."""

_Work = TypeVar("_Work")


class Lanes:
    """Threads that share the batches of every caller; safe to call from several threads.

    cores: CPU threads in all, which torch gets as `cores // count` in each lane. Both that and
    Python's switch interval are settings of the whole process.
    """

    def __init__(self, cores: int) -> None:
        self.count = max(1, min(cores, MOST_LANES))
        threads = max(1, cores // self.count)
        torch.set_num_threads(threads)
        sys.setswitchinterval(SWITCH_SECONDS)
        # A thread keeps what it was told, so each new one is told.
        self._pool = ThreadPoolExecutor(
            self.count,
            thread_name_prefix="encoder-lane",
            initializer=torch.set_num_threads,
            initargs=(threads,),
        )

    def run(
        self,
        work: Iterable[_Work],
        action: Callable[[_Work], None],
        around: Callable[[], AbstractContextManager[object]],
    ) -> None:
        """Do every piece of work and return; the first that fails ends it, and is raised.

        around: entered once by each lane that takes part, around all of its pieces.
        """
        waiting: SimpleQueue[_Work] = SimpleQueue()
        for piece in work:
            waiting.put(piece)

        def lane() -> None:
            with around():
                for piece in _taken(waiting):
                    action(piece)

        lanes = [self._pool.submit(lane) for _ in range(min(self.count, waiting.qsize()))]
        try:
            for future in lanes:
                future.result()
        finally:
            for _ in _taken(waiting):  # after a failure the others stop too
                pass


def _taken(waiting: SimpleQueue[_Work]) -> Iterator[_Work]:
    while True:
        try:
            yield waiting.get_nowait()
        except Empty:
            return
