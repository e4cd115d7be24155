"""Several searches of one request at the same time, as far as there is room for them."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

MOST = 4
"""Searches of one request at a time. More than that one caller should not take from others: a
search keeps a core of Elasticsearch's busy."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class SpareTurns(Protocol):
    """Turns of the service that nobody waits for; see service.access.turns."""

    def take_spare(self) -> bool:
        """Return whether one was free; who gets it gives it back."""
        ...

    def give_back(self) -> None:
        """End a turn."""
        ...


def side_by_side(
    action: Callable[[_Item], _Result],
    items: Sequence[_Item],
    *,
    most: int = MOST,
    turns: SpareTurns | None = None,
) -> list[_Result]:
    """Return the results in the order of the items. Raises the first error that an action raises.

    The request's own thread works too; each further one has a turn of the service, if one is
    free when it begins, and gives it back at the end. most: threads in all. turns: None for as
    many as there may be.
    """
    work = _Work(action, items)

    def help_out() -> None:
        try:
            work.run()
        finally:
            if turns is not None:
                turns.give_back()

    wanted = min(most, len(items)) - 1
    helpers = 0
    while helpers < wanted and (turns is None or turns.take_spare()):
        helpers += 1
    if not helpers:
        work.run()
        return work.in_order()
    with ThreadPoolExecutor(helpers, thread_name_prefix="msearch") as pool:
        # What belongs to the request, such as its id and trace, belongs to each of them.
        helping = [pool.submit(contextvars.copy_context().run, help_out) for _ in range(helpers)]
        work.run()
        for one in helping:
            one.result()
    return work.in_order()


class _Work(Generic[_Item, _Result]):
    """Items that several threads take from one after the other."""

    def __init__(self, action: Callable[[_Item], _Result], items: Sequence[_Item]) -> None:
        self._action = action
        self._items = items
        self._results: dict[int, _Result] = {}
        self._left = iter(range(len(items)))
        self._lock = threading.Lock()

    def run(self) -> None:
        """Do what is left, until nothing is; an error leaves nothing, as it is all in vain."""
        while (place := self._next()) is not None:
            try:
                self._results[place] = self._action(self._items[place])
            except BaseException:
                with self._lock:
                    self._left = iter(range(0))
                raise

    def in_order(self) -> list[_Result]:
        return [self._results[place] for place in range(len(self._items))]

    def _next(self) -> int | None:
        with self._lock:
            return next(self._left, None)
