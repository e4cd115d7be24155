"""Deliveries of batches: every product ends in the task's record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
import redis

from embedded.redis_server import EmbeddedRedis
from indexer.batch_runner import Batch, BatchRunner
from indexer.settings import IndexerSettings
from mappings import task_records
from mappings.errors import ClusterUnavailable, EncoderMismatch, QueueUnavailable, UnknownTask
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome, TaskRecords

pytestmark = pytest.mark.stack
CHANGES = [
    {"operation": "upsert", "id": "1", "fields": {"title": "A"}},
    {"operation": "delete", "id": "2"},
]


@dataclass
class ScriptedPipeline:
    """Raises the errors in turn, then indexes everything but the poison."""

    errors: list[Exception] = field(default_factory=list)
    seen: list[Sequence[ProductChange]] = field(default_factory=list)
    poison: frozenset[str] = frozenset()
    poison_error: BaseException = field(default_factory=lambda: ZeroDivisionError("oops"))

    def process(self, index: str, changes: Sequence[ProductChange]) -> BatchOutcome:
        self.seen.append(changes)
        if any(change.product_id in self.poison for change in changes):
            raise self.poison_error
        if self.errors:
            raise self.errors.pop(0)
        return BatchOutcome(indexed=len(changes))


@pytest.fixture
def records(redis_server: EmbeddedRedis) -> Iterator[TaskRecords]:
    with task_records.connect(redis_server.url) as client:
        yield TaskRecords(client, ttl_seconds=60)


def runner_of(pipeline: ScriptedPipeline, records: TaskRecords, **settings: object) -> BatchRunner:
    return BatchRunner(
        lambda: pipeline,  # type: ignore[arg-type,return-value]
        records,
        IndexerSettings(**settings),
        sleep=lambda _: None,
    )


def test_outcome_is_recorded_once_although_the_batch_comes_twice(records):
    pipeline, task_id = ScriptedPipeline(), records.create("shop", total=2)
    runner, batch = runner_of(pipeline, records), Batch(task_id, 0, "shop", CHANGES)
    assert runner.run(batch) is None
    assert runner.run(batch) is None
    assert records.read(task_id).indexed == 2
    assert pipeline.seen == [[ProductChange.from_message(message) for message in CHANGES]]


def test_temporary_error_waits_longer_each_time_and_ends_in_rejects(records):
    pipeline = ScriptedPipeline([ClusterUnavailable("Elasticsearch is away")] * 3)
    task_id = records.create("shop", total=2)
    runner = runner_of(
        pipeline, records, indexer_max_attempts=3, indexer_backoff_seconds=10,
        indexer_max_backoff_seconds=15,
    )  # fmt: skip
    waits = [
        runner.run(Batch(task_id, 0, "shop", CHANGES, first_position=40, attempt=attempt))
        for attempt in range(3)
    ]
    assert 8 <= waits[0] <= 10
    assert 12 <= waits[1] <= 15
    assert waits[2] is None
    record = records.read(task_id)
    assert (record.state, record.rejected) == ("done", 2)
    assert [(item.product_id, item.position) for item in record.rejects] == [("1", 40), ("2", 41)]
    assert record.rejects[0].reason == "given up after 3 attempts: Elasticsearch is away"


def test_error_of_the_whole_batch_rejects_at_once(records):
    task_id = records.create("shop", total=2)
    error = EncoderMismatch("another encoder", field="text_vector")
    assert (
        runner_of(ScriptedPipeline([error]), records).run(Batch(task_id, 0, "shop", CHANGES))
        is None
    )
    found = records.read(task_id).rejects
    assert [(item.reason, item.field) for item in found] == [
        ("another encoder", "text_vector")
    ] * 2


def test_message_that_is_no_change_is_rejected_alone(records):
    task_id = records.create("shop", total=3)
    messages = [{"operation": "upsert"}, *CHANGES]
    runner_of(ScriptedPipeline(), records).run(Batch(task_id, 0, "shop", messages, 7))
    record = records.read(task_id)
    assert (record.indexed, record.rejected, record.rejects[0].position) == (2, 1, 7)
    assert "no change of a product: KeyError: 'id'" in record.rejects[0].reason


def test_product_that_fails_unexpectedly_is_rejected_and_its_neighbours_are_indexed(records):
    task_id = records.create("shop", total=2)
    pipeline = ScriptedPipeline(poison=frozenset("2"))
    runner_of(pipeline, records).run(Batch(task_id, 0, "shop", CHANGES, first_position=10))
    record = records.read(task_id)
    assert record.indexed == 1
    assert [(item.product_id, item.position) for item in record.rejects] == [("2", 11)]
    assert record.rejects[0].reason == "unexpected failure: ZeroDivisionError: oops"


class Killed(BaseException):
    """Stands for the death of the process: nothing after it runs."""


def test_product_that_kills_workers_is_found_and_its_neighbours_are_indexed(records):
    task_id = records.create("shop", total=2)
    pipeline = ScriptedPipeline(poison=frozenset("2"), poison_error=Killed())
    runner, batch = runner_of(pipeline, records), Batch(task_id, 0, "shop", CHANGES)
    for _ in range(3):  # the whole batch, then twice the product alone
        with pytest.raises(Killed):
            runner.run(batch)
    assert runner.run(batch) is None
    record = records.read(task_id)
    assert record.indexed == 1
    assert [(item.product_id, item.reason) for item in record.rejects] == [
        ("2", "2 workers died over this product")
    ]


def test_batch_whose_workers_die_again_and_again_is_given_up(records):
    task_id = records.create("shop", total=2)
    pipeline = ScriptedPipeline([Killed()] * 9)  # type: ignore[list-item]
    runner = runner_of(pipeline, records, indexer_max_deliveries=2)
    batch = Batch(task_id, 0, "shop", CHANGES)
    for _ in range(2):
        with pytest.raises(Killed):
            runner.run(batch)
    assert runner.run(batch) is None
    reasons = {item.reason for item in records.read(task_id).rejects}
    assert reasons == {"given up: 2 workers died over the batch of this product"}


def test_redis_that_stays_away_is_an_error_that_says_wait():
    with redis.Redis(port=9) as client:
        runner = runner_of(
            ScriptedPipeline(), TaskRecords(client, ttl_seconds=60), indexer_patience_seconds=0
        )
        with pytest.raises(QueueUnavailable):
            runner.run(Batch("t", 0, "shop", CHANGES))


def test_task_of_unknown_length_grows_and_tells_its_batches(records):
    task_id = records.create("shop", total=2)
    records.extend(task_id, by=3)
    assert records.read_batches(task_id, [0, 1]) == {}
    records.finish_batch(task_id, 1, BatchOutcome(indexed=3))
    assert records.read_batches(task_id, [0, 1]) == {1: BatchOutcome(indexed=3)}
    assert records.read_batches(task_id, []) == {}
    assert (records.read(task_id).total, records.read(task_id).state) == (5, "running")
    assert records.is_finished(task_id, 1)
    assert not records.is_finished(task_id, 0)
    with pytest.raises(UnknownTask):
        records.read_batches("gone", [0])
