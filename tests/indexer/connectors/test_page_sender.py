"""When a page counts as done: with all pages before it, and never before its last batch."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from indexer.connectors.base import UnreadRecord
from indexer.connectors.page_sender import PageSender
from mappings.errors import QueueUnavailable, UnknownTask
from mappings.outbox import Outgoing
from mappings.task_records import BatchOutcome
from tests.indexer.conftest import upsert


@dataclass
class Batches:
    """The order of events at a BatchSender, as a test says it."""

    fails: list[Exception] = field(default_factory=list)
    under_way: dict[int, Outgoing] = field(default_factory=dict)
    finished: list[int] = field(default_factory=list)
    sent_again: int = 0
    count: int = 0

    def send(self, changes, expected=None, *, lane="bulk") -> Outgoing:
        batch = Outgoing(self.count, lane, changes, range(len(changes)))
        self.under_way[batch.number] = batch
        self.count += 1
        if self.fails:
            raise self.fails.pop(0)
        return batch

    def collect(self):
        if self.fails:
            raise self.fails.pop(0)
        done = [self.under_way.pop(number) for number in self.finished]
        self.finished.clear()
        return [(batch, BatchOutcome(indexed=len(batch.changes))) for batch in done]

    def send_again(self) -> None:
        self.sent_again += 1


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def batches() -> Batches:
    return Batches()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sender(batches, clock) -> PageSender:
    return PageSender(
        batches,
        lane="changes",
        batch_products=2,
        most_batches=3,
        patience_seconds=100,
        overdue_seconds=20,
        clock=clock,
        sleep=clock.sleep,
    )


def products(count: int):
    return [upsert(str(n)) for n in range(count)]


def done(sender) -> list:
    return [page.cursor["at"] for page in sender.collect()]


def test_page_is_done_with_its_last_batch_and_after_those_before_it(sender, batches):
    sender.send(products(3), {"at": 1}, ())
    sender.send(products(2), {"at": 2}, ())
    assert not sender.has_room
    assert batches.under_way[0].lane == "changes"
    batches.finished = [2, 0]
    assert done(sender) == []
    batches.finished = [1]
    assert done(sender) == [1, 2]
    assert sender.is_idle


def test_page_without_changes_waits_for_those_before_it(sender, batches):
    unread = (UnreadRecord("line 3", None, None, "why"),)
    sender.send(products(1), {"at": 1}, ())
    sender.send((), {"at": 2}, unread)
    assert done(sender) == []
    batches.finished = [0]
    first, second = sender.collect()
    assert (first.cursor["at"], second.unread) == (1, unread)
    assert [outcome.indexed for outcome in first.outcomes] == [1]


def test_batch_that_redis_did_not_take_is_sent_again_and_still_counts(sender, batches):
    batches.fails = [QueueUnavailable("away")]
    sender.send(products(2), {"at": 1}, ())
    assert batches.sent_again == 1
    assert done(sender) == []
    batches.finished = [0]
    assert done(sender) == [1]


def test_task_that_redis_has_lost_is_sent_again(sender, batches):
    sender.send(products(2), {"at": 1}, ())
    batches.fails = [UnknownTask("lost")]
    assert done(sender) == []
    assert batches.sent_again == 1


def test_batch_without_an_outcome_is_sent_again_when_it_is_overdue(sender, batches, clock):
    sender.send(products(2), {"at": 1}, ())
    while clock.now < 49:
        assert done(sender) == []
    assert batches.sent_again == 0
    clock.now = 51
    assert done(sender) == []
    assert batches.sent_again == 1


def test_workers_that_stay_away_are_told(sender, batches, clock):
    sender.send(products(2), {"at": 1}, ())
    with pytest.raises(QueueUnavailable, match="no worker has finished a batch for 100 s"):
        while clock.now < 1_000:
            sender.collect()
    assert batches.sent_again == 1  # which gives them no more time


def test_waiting_for_the_source_is_no_fault_of_the_workers(sender, batches, clock):
    sender.send(products(2), {"at": 1}, ())
    batches.finished = [0]
    assert done(sender) == [1]
    clock.now = 1_000
    sender.send(products(2), {"at": 2}, ())
    assert done(sender) == []
