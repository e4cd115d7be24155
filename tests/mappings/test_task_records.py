"""Task records on a real Redis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis

from mappings.errors import QueueUnavailable, UnknownTask
from mappings.task_records import (
    MAX_REPORTED_REJECTS,
    BatchOutcome,
    Reject,
    TaskRecords,
    connect,
)

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def client(redis_server):
    with connect(redis_server.url) as client:
        yield client


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def records(client, clock):
    return TaskRecords(client, ttl_seconds=100, now=clock)


def test_new_task_is_queued(records):
    task_id = records.create("products", total=3)
    record = records.read(task_id)
    assert (record.id, record.index, record.state) == (task_id, "products", "queued")
    assert (record.total, record.done) == (3, 0)
    assert record.created_at == "2026-01-02T03:04:05+00:00"
    assert record.finished_at is None


def test_counts_add_up_over_batches(records, clock):
    task_id = records.create("products", total=6)
    first = BatchOutcome(indexed=1, unchanged=1, stale=1)
    records.finish_batch(task_id, 0, first)
    assert (records.read(task_id).state, records.read(task_id).done) == ("running", 3)
    clock.now += timedelta(seconds=9)
    reject = Reject("p5", "price", "price: -1", 4)
    records.finish_batch(
        task_id, 1, BatchOutcome(deleted=1, missing=1, rejects=(reject,), rejected=1)
    )
    record = records.read(task_id)
    assert (record.state, record.done) == ("done", 6)
    counts = (record.indexed, record.unchanged, record.deleted, record.stale, record.missing)
    assert sum(counts) + record.rejected == record.done
    assert record.rejects == (reject,)
    assert record.finished_at == "2026-01-02T03:04:14+00:00"
    assert record.to_json()["rejects"][0]["field"] == "price"


def test_batch_delivered_twice_counts_once(records):
    task_id = records.create("products", total=2)
    records.finish_batch(task_id, 0, BatchOutcome(indexed=2))
    records.finish_batch(task_id, 0, BatchOutcome(unchanged=2))
    record = records.read(task_id)
    assert (record.done, record.indexed, record.unchanged) == (2, 0, 2)


def test_rejects_come_in_the_order_of_what_was_sent(records):
    task_id = records.create("products", total=3)
    for batch, position in ((0, 7), (1, 2), (2, None)):
        reject = Reject(None, None, "bad", position)
        records.finish_batch(task_id, batch, BatchOutcome(rejects=(reject,), rejected=1))
    assert [reject.position for reject in records.read(task_id).rejects] == [2, 7, None]


def test_many_rejects_are_counted_but_not_all_kept(records):
    count = MAX_REPORTED_REJECTS + 5
    task_id = records.create("products", total=count)
    rejects = tuple(Reject(str(n), "price", "bad", n) for n in range(count))
    records.finish_batch(task_id, 0, BatchOutcome(rejects=rejects, rejected=count))
    record = records.read(task_id)
    assert (record.rejected, len(record.rejects)) == (count, MAX_REPORTED_REJECTS)
    assert record.state == "done"


def test_task_may_grow(records):
    task_id = records.create("products", total=0)
    records.extend(task_id, by=2)
    records.finish_batch(task_id, 0, BatchOutcome(indexed=2))
    assert (records.read(task_id).total, records.read(task_id).state) == (2, "done")


def test_rate_and_time_left_follow_the_clock(records, clock):
    task_id = records.create("products", total=30)
    clock.now += timedelta(seconds=4)
    assert (records.read(task_id).rate, records.read(task_id).seconds_left) == (None, None)
    records.finish_batch(task_id, 0, BatchOutcome(indexed=10))
    assert (records.read(task_id).rate, records.read(task_id).seconds_left) == (2.5, 20 / 2.5)
    clock.now += timedelta(seconds=6)
    assert (records.read(task_id).rate, records.read(task_id).seconds_left) == (1.0, 20.0)
    records.finish_batch(task_id, 1, BatchOutcome(indexed=20))
    clock.now += timedelta(seconds=90)
    assert (records.read(task_id).rate, records.read(task_id).seconds_left) == (3.0, 0.0)


def test_cancelled_products_count_as_done_but_not_as_work(records, clock):
    task_id = records.create("products", total=30)
    clock.now += timedelta(seconds=5)
    records.finish_batch(task_id, 0, BatchOutcome(cancelled=20))
    assert records.read(task_id).state == "running"
    records.finish_batch(task_id, 1, BatchOutcome(indexed=10))
    record = records.read(task_id)
    assert (record.state, record.done, record.cancelled, record.rate) == ("cancelled", 30, 20, 2.0)


def test_outcomes_of_finished_batches_are_read_back(records):
    task_id = records.create("products", total=4)
    outcome = BatchOutcome(indexed=1, rejects=(Reject("a", None, "x", 1),), rejected=1)
    records.finish_batch(task_id, 1, outcome)
    assert records.read_batches(task_id, [0, 1, 2]) == {1: outcome}
    assert records.read_batches(task_id, []) == {}


def test_everything_expires(records, client):
    task_id = records.create("products", total=1)
    records.finish_batch(task_id, 0, BatchOutcome(indexed=1))
    keys = list(client.scan_iter(f"*{task_id}*"))
    assert len(keys) == 2
    assert all(0 < client.ttl(key) <= 100 for key in keys)


@pytest.mark.parametrize("task_id", ["no-such", "", "x" * 500, "é\n*"], ids=repr)
def test_unknown_task_is_refused(records, task_id):
    with pytest.raises(UnknownTask) as caught:
        records.read(task_id)
    assert caught.value.field == "task_id"
    assert len(str(caught.value)) < 200
    with pytest.raises(UnknownTask):
        records.read_batches(task_id, [0])


def test_late_outcome_of_an_expired_task_makes_no_half_task(records, client):
    task_id = records.create("products", total=1)
    client.delete(f"shelfwise:task:{task_id}")
    records.finish_batch(task_id, 0, BatchOutcome(indexed=1))
    with pytest.raises(UnknownTask):
        records.read(task_id)


@pytest.mark.parametrize(
    "call",
    [
        lambda records: records.create("products", total=1),
        lambda records: records.extend("t", by=1),
        lambda records: records.finish_batch("t", 0, BatchOutcome()),
        lambda records: records.read_batches("t", [0]),
        lambda records: records.read("t"),
    ],
    ids=["create", "extend", "finish", "batches", "read"],
)
def test_every_method_without_redis_is_a_temporary_error(call):
    client = redis.Redis(port=9, retry=None, socket_connect_timeout=1)
    records = TaskRecords(client, ttl_seconds=100)
    with pytest.raises(QueueUnavailable) as caught:
        call(records)
    assert caught.value.retry_after_seconds
    assert caught.value.__cause__ is not None
    client.close()
