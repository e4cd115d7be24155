"""Sends pages to the workers and says when a page, and all before it, is in the index."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from indexer.batch_sender import BatchSender
from indexer.connectors.base import Cursor, UnreadRecord
from indexer.loader import POLL_SECONDS
from indexer.patience import patiently
from mappings.errors import QueueUnavailable, UnknownTask
from mappings.product_changes import Lane, ProductChange
from mappings.task_records import BatchOutcome

_RESTORE_SECONDS = 30.0


@dataclass
class _Waiting:
    """A page under way. batches: those of its batches that are not finished."""

    cursor: Cursor
    batches: set[int]
    unread: Sequence[UnreadRecord]
    outcomes: list[BatchOutcome] = field(default_factory=list)


@dataclass(frozen=True)
class DonePage:
    """A page whose changes, like those of all pages before it, have their outcome."""

    cursor: Cursor
    unread: Sequence[UnreadRecord]
    outcomes: Sequence[BatchOutcome]


class PageSender:
    """Keeps a bounded number of batches under way.

    patience_seconds: how long Redis, or every worker, may be away.
    overdue_seconds: after so long without an outcome what is under way is sent once more.
    """

    def __init__(
        self,
        sender: BatchSender,
        *,
        lane: Lane,
        batch_products: int,
        most_batches: int,
        patience_seconds: float,
        overdue_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sender = sender
        self._lane = lane
        self._batch_products = batch_products
        self._most_batches = most_batches
        self._patience_seconds = patience_seconds
        self._overdue_seconds = overdue_seconds + _RESTORE_SECONDS
        self._clock = clock
        self._sleep = sleep
        self._waiting: deque[_Waiting] = deque()
        self._last_progress = self._last_sent_again = clock()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._waiting

    @property
    def has_room(self) -> bool:
        """Whether another page may be sent."""
        return len(self._sender.under_way) < self._most_batches

    def send(
        self, changes: Sequence[ProductChange], cursor: Cursor, unread: Sequence[UnreadRecord]
    ) -> None:
        """Put a page into the outbox, after waiting for Redis if need be."""
        page = _Waiting(cursor, set(), unread)
        for start in range(0, len(changes), self._batch_products):
            batch = changes[start : start + self._batch_products]
            try:
                number = self._sender.send(batch, lane=self._lane).number
            except QueueUnavailable:
                number = next(reversed(self._sender.under_way))
                self._wait_for_redis()
            page.batches.add(number)
        if not self._waiting:
            self._last_progress = self._clock()
        self._waiting.append(page)

    def collect(self) -> list[DonePage]:
        """Return the pages that are done, in order; waits a moment when there are none.

        Raises QueueUnavailable when no worker has finished anything for longer than the patience.
        """
        try:
            finished = self._sender.collect()
        except (QueueUnavailable, UnknownTask):
            self._wait_for_redis()
            return []
        pages = {number: page for page in self._waiting for number in page.batches}
        for batch, outcome in finished:
            page = pages[batch.number]
            page.batches.discard(batch.number)
            page.outcomes.append(outcome)
        done = []
        while self._waiting and not self._waiting[0].batches:
            page = self._waiting.popleft()
            done.append(DonePage(page.cursor, page.unread, page.outcomes))
        if finished or done:
            self._last_progress = self._clock()
        elif self._waiting:
            self._check_patience()
            self._sleep(POLL_SECONDS)
        return done

    def _check_patience(self) -> None:
        quiet = self._clock() - self._last_progress
        if quiet > self._patience_seconds:
            raise QueueUnavailable(
                f"no worker has finished a batch for {quiet:.0f} s: is `shelfwise worker` "
                "running with the same SHELFWISE_REDIS_URL?"
            )
        if self._clock() - max(self._last_progress, self._last_sent_again) > self._overdue_seconds:
            self._send_again()

    def _wait_for_redis(self) -> None:
        self._send_again()
        self._last_progress = self._clock()  # no worker could finish anything meanwhile

    def _send_again(self) -> None:
        patiently(
            self._sender.send_again,
            patience_seconds=self._patience_seconds,
            clock=self._clock,
            sleep=self._sleep,
        )
        self._last_sent_again = self._clock()
