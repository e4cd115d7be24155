"""Deliveries of batches: every product ends in the task's record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import orjson
import pytest
import redis

from embedded.redis_server import EmbeddedRedis
from indexer.batch_runner import Batch, BatchRunner
from indexer.settings import IndexerSettings
from mappings import task_records
from mappings.dead_letters import DeadLetters
from mappings.errors import ClusterUnavailable, EncoderMismatch, QueueUnavailable
from mappings.outbox import Outbox, Outgoing
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome, TaskRecords
from tests.indexer.conftest import delete, upsert

pytestmark = pytest.mark.stack
CHANGES = [upsert("1", title="A"), delete("2")]


@dataclass
class ScriptedPipeline:
    """Raises the errors in turn, then indexes everything but the poison."""

    errors: list[Exception] = field(default_factory=list)
    seen: list[Sequence[ProductChange]] = field(default_factory=list)
    photos: list[bool] = field(default_factory=list)
    poison: frozenset[str] = frozenset()
    poison_error: BaseException = field(default_factory=lambda: ZeroDivisionError("oops"))

    def process(
        self, index: str, changes: Sequence[ProductChange], *, with_photos: bool = True
    ) -> BatchOutcome:
        self.seen.append(changes)
        self.photos.append(with_photos)
        if any(change.product_id in self.poison for change in changes):
            raise self.poison_error
        if self.errors:
            raise self.errors.pop(0)
        return BatchOutcome(
            indexed=len(changes), by_position=dict.fromkeys(range(len(changes)), "indexed")
        )


@pytest.fixture
def client(redis_server: EmbeddedRedis) -> Iterator[redis.Redis]:
    with task_records.connect(redis_server.url[:-1] + "8") as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def outbox(client: redis.Redis) -> Outbox:
    return Outbox(client, lambda *message: None, ttl_seconds=60)


@pytest.fixture
def records(client: redis.Redis) -> TaskRecords:
    return TaskRecords(client, ttl_seconds=60)


def submitted(
    outbox: Outbox, changes: Sequence[ProductChange] = CHANGES, *, first: int = 0
) -> Batch:
    positions = range(first, first + len(changes))
    task_id = outbox.submit("shop", [Outgoing(0, "bulk", changes, positions)])
    return Batch(task_id, 0, "shop", "message")


def runner_of(pipeline: ScriptedPipeline, outbox: Outbox, **settings: object) -> BatchRunner:
    return BatchRunner(
        lambda: pipeline,  # type: ignore[arg-type,return-value]
        outbox,
        DeadLetters(outbox._client),
        IndexerSettings(**settings),
        sleep=lambda _: None,
    )


def test_outcome_is_recorded_once_although_the_batch_comes_twice(outbox, records):
    pipeline, batch = ScriptedPipeline(), submitted(outbox)
    runner = runner_of(pipeline, outbox)
    assert runner.run(batch) is None
    assert runner.run(batch) is None
    assert records.read(batch.task_id).indexed == 2
    (seen,) = pipeline.seen
    assert [change.product_id for change in seen] == ["1", "2"]
    assert 0 < seen[0].arrival < seen[1].arrival


def test_message_of_a_batch_that_another_worker_has_is_dropped(outbox, records):
    pipeline, batch = ScriptedPipeline(), submitted(outbox)
    outbox.begin(batch.name, "another message")
    assert runner_of(pipeline, outbox).run(batch) is None
    assert pipeline.seen == []
    assert records.read(batch.task_id).done == 0


def test_temporary_error_waits_longer_each_time_and_ends_in_rejects(outbox, records):
    pipeline = ScriptedPipeline([ClusterUnavailable("Elasticsearch is away")] * 3)
    batch = submitted(outbox, first=40)
    runner = runner_of(
        pipeline, outbox, indexer_max_attempts=3, indexer_backoff_seconds=10,
        indexer_max_backoff_seconds=15,
    )  # fmt: skip
    waits = [runner.run(batch) for _ in range(3)]
    assert 8 <= waits[0] <= 10
    assert 12 <= waits[1] <= 15
    assert waits[2] is None
    record = records.read(batch.task_id)
    assert (record.state, record.rejected) == ("done", 2)
    assert [(item.product_id, item.position) for item in record.rejects] == [("1", 40), ("2", 41)]
    assert record.rejects[0].reason == "given up after 3 attempts: Elasticsearch is away"


def test_error_of_the_whole_batch_rejects_at_once(outbox, records):
    batch = submitted(outbox)
    error = EncoderMismatch("another encoder", field="text_vector")
    assert runner_of(ScriptedPipeline([error]), outbox).run(batch) is None
    found = records.read(batch.task_id).rejects
    assert [(item.reason, item.field) for item in found] == [
        ("another encoder", "text_vector")
    ] * 2


def test_message_that_is_no_change_is_rejected_alone(outbox, records, client):
    batch = submitted(outbox, [delete("0"), *CHANGES])
    kept = [
        [7, {"operation": "upsert"}],
        [8, CHANGES[0].to_message()],
        [9, {"operation": "delete", "id": "2"}],
    ]
    client.hset(f"shelfwise:batch:{batch.task_id}:0", "payload", orjson.dumps(kept))
    runner_of(ScriptedPipeline(), outbox).run(batch)
    record = records.read(batch.task_id)
    assert (record.indexed, record.rejected, record.rejects[0].position) == (2, 1, 7)
    assert "no change of a product: KeyError: 'id'" in record.rejects[0].reason


def test_product_that_fails_unexpectedly_is_rejected_and_its_neighbours_are_indexed(
    outbox, records
):
    batch = submitted(outbox, first=10)
    runner_of(ScriptedPipeline(poison=frozenset("2")), outbox).run(batch)
    record = records.read(batch.task_id)
    assert record.indexed == 1
    assert [(item.product_id, item.position) for item in record.rejects] == [("2", 11)]
    assert record.rejects[0].reason == "unexpected failure: ZeroDivisionError: oops"


class Killed(BaseException):
    """Stands for the death of the process: nothing after it runs."""


def test_product_that_kills_workers_is_found_and_its_neighbours_are_indexed(outbox, records):
    pipeline = ScriptedPipeline(poison=frozenset("2"), poison_error=Killed())
    runner, batch = runner_of(pipeline, outbox), submitted(outbox)
    for _ in range(3):  # the whole batch, then twice the product alone
        with pytest.raises(Killed):
            runner.run(batch)
    assert runner.run(batch) is None
    record = records.read(batch.task_id)
    assert record.indexed == 1
    assert [(item.product_id, item.reason) for item in record.rejects] == [
        ("2", "2 workers died over this product")
    ]
    first, *later = pipeline.photos
    assert first and not any(later), "photos are their lane's after a death"


def test_batch_whose_workers_die_again_and_again_is_given_up(outbox, records):
    pipeline = ScriptedPipeline([Killed()] * 9)  # type: ignore[list-item]
    runner = runner_of(pipeline, outbox, indexer_max_deliveries=2)
    batch = submitted(outbox)
    for _ in range(2):
        with pytest.raises(Killed):
            runner.run(batch)
    assert runner.run(batch) is None
    reasons = {item.reason for item in records.read(batch.task_id).rejects}
    assert reasons == {"given up: 2 workers died over the batch of this product"}


def test_redis_that_stays_away_is_an_error_that_says_wait():
    with redis.Redis(port=9) as client:
        outbox = Outbox(client, lambda *message: None, ttl_seconds=60)
        runner = runner_of(ScriptedPipeline(), outbox, indexer_patience_seconds=0)
        with pytest.raises(QueueUnavailable):
            runner.run(Batch("t", 0, "shop", "message"))
