"""Small batches that are worked on together, and come apart again."""

from __future__ import annotations

import pytest
import redis

from indexer.batch_runner import Batch, BatchRunner
from indexer.settings import IndexerSettings
from mappings.dead_letters import DeadLetters
from mappings.errors import ClusterUnavailable, EncoderNeeded
from mappings.outbox import Outbox, Outgoing
from mappings.product_changes import Lane, ProductChange
from tests.indexer.conftest import patch, upsert
from tests.indexer.test_batch_runner import Killed, ScriptedPipeline, client, records

__all__ = ["client", "records"]

pytestmark = pytest.mark.stack


class Shop:
    """An outbox with single changes as the API sends them, and a runner that gathers."""

    def __init__(self, client: redis.Redis, pipeline: ScriptedPipeline, size: int = 10) -> None:
        self.sent: list[tuple[Lane, str]] = []
        self.slept: list[float] = []
        self.outbox = Outbox(
            client,
            lambda lane, task, number, index: self.sent.append((lane, task)),
            ttl_seconds=60,
        )
        self.letters = DeadLetters(client)
        self.runner = BatchRunner(
            lambda: pipeline,  # type: ignore[arg-type,return-value]
            self.outbox,
            self.letters,
            IndexerSettings(indexer_products_per_task=size, indexer_gather_milliseconds=200),
            sleep=self.slept.append,
        )

    def _publish(self, lane: Lane, task_id: str, batch: int, index: str) -> None:
        self.sent.append((lane, task_id))

    def submit(self, *changes: ProductChange, lane: Lane = "changes", index: str = "shop") -> str:
        return self.outbox.submit(index, [Outgoing(0, lane, changes, range(len(changes)))])

    def run(self, task_id: str) -> float | None:
        return self.runner.run(Batch(task_id, 0, "shop", f"message of {task_id}"))


@pytest.fixture
def pipeline() -> ScriptedPipeline:
    return ScriptedPipeline()


@pytest.fixture
def shop(client: redis.Redis, pipeline: ScriptedPipeline) -> Shop:
    return Shop(client, pipeline)


def names(changes) -> list[str]:
    return [change.product_id for change in changes]


def test_waiting_singles_go_along_in_the_order_of_their_arrival(shop, pipeline, records):
    tasks = [shop.submit(patch("a", price=number)) for number in range(3)]
    assert shop.run(tasks[1]) is None
    (seen,) = pipeline.seen
    assert [change.fields["price"] for change in seen] == [0, 1, 2]
    assert all(records.read(task).state == "done" for task in tasks)
    assert [shop.run(task) for task in tasks] == [None] * 3
    assert len(pipeline.seen) == 1
    assert shop.outbox.in_flight("shop", ["a"]) == {"a": 0}


def test_young_batch_waits_for_others_and_an_old_one_does_not(shop, client):
    young, old = shop.submit(patch("a", price=1)), shop.submit(patch("b", price=1), index="other")
    client.hset(f"shelfwise:batch:{old}:0", "submitted", 0)
    shop.run(old)
    assert shop.slept == []
    shop.run(young)
    (wait,) = shop.slept
    assert 0 < wait <= 0.2


def test_others_of_another_lane_or_index_and_loads_go_alone(shop, pipeline):
    first = shop.submit(patch("a", price=1))
    shop.submit(patch("b", price=1), lane="fast")
    shop.submit(patch("c", price=1), index="other")
    load = shop.submit(upsert("d"), lane="bulk")
    shop.submit(upsert("e"), lane="bulk")
    shop.run(first)
    shop.run(load)
    assert [names(seen) for seen in pipeline.seen] == [["a"], ["d"]]


def test_no_more_go_along_than_a_batch_may_hold(client, pipeline, records):
    shop = Shop(client, pipeline, size=4)
    tasks = [shop.submit(*(upsert(f"{task}{n}") for n in range(2))) for task in "abc"]
    shop.run(tasks[0])
    assert names(pipeline.seen[0]) == ["a0", "a1", "b0", "b1"]
    assert records.read(tasks[2]).state == "queued"
    shop.run(tasks[2])
    assert names(pipeline.seen[1]) == ["c0", "c1"]


def test_each_task_gets_its_own_rejects_letters_and_positions(shop, pipeline, records):
    pipeline.poison = frozenset({"bad"})
    good = shop.submit(upsert("a"), upsert("b"))
    bad = shop.submit(upsert("c"), upsert("bad"))
    shop.run(good)
    assert (records.read(good).indexed, records.read(good).rejected) == (2, 0)
    record = records.read(bad)
    assert (record.indexed, record.rejected) == (1, 1)
    assert [(one.product_id, one.position) for one in record.rejects] == [("bad", 1)]
    (letter,) = shop.letters.list()
    assert (letter.task_id, letter.change.product_id, letter.attempts) == (bad, "bad", 1)


def test_after_a_death_the_same_batches_come_and_only_the_poison_is_convicted(
    shop, pipeline, records
):
    pipeline.poison, pipeline.poison_error = frozenset({"bad"}), Killed()
    first, bad = shop.submit(upsert("a")), shop.submit(upsert("bad"))
    with pytest.raises(Killed):
        shop.run(first)
    late = shop.submit(upsert("late"))
    assert shop.run(bad) is None  # its own message comes while the first batch holds it
    for _ in range(2):
        with pytest.raises(Killed):
            shop.run(first)
    assert shop.run(first) is None
    assert not any("late" in names(seen) for seen in pipeline.seen)
    assert (records.read(first).indexed, records.read(bad).rejected) == (1, 1)
    assert records.read(bad).rejects[0].reason == "2 workers died over this product"
    assert records.read(late).state == "queued"


def test_batch_that_went_along_with_a_vanished_one_comes_back_by_itself(
    shop, pipeline, records, client
):
    first, other = shop.submit(upsert("a")), shop.submit(upsert("b"))
    pipeline.errors = [Killed()]  # type: ignore[list-item]
    with pytest.raises(Killed):
        shop.run(first)
    for task in (first, other):
        client.hset(f"shelfwise:batch:{task}:0", "until", 0)
    shop.run(other)
    assert records.read(other).state == "done"
    shop.run(first)
    assert records.read(first).state == "done"
    assert shop.outbox.in_flight("shop", ["a", "b"]) == {"a": 0, "b": 0}


def test_postponed_batches_stay_together(shop, pipeline, records):
    pipeline.errors = [ClusterUnavailable("away")]
    first, other = shop.submit(upsert("a")), shop.submit(upsert("b"))
    assert shop.run(first) > 0
    assert shop.run(other) is None
    shop.submit(upsert("late"))
    assert shop.run(first) is None
    assert [names(seen) for seen in pipeline.seen] == [["a", "b"]] * 2
    assert records.read(other).state == "done"


def test_batches_that_need_an_encoder_all_go_over_to_the_other_lane(shop, pipeline, records):
    pipeline.errors = [EncoderNeeded("no encoder here")]
    tasks = [shop.submit(patch(name, price=1), lane="fast") for name in "ab"]
    shop.sent.clear()
    assert shop.run(tasks[0]) is None
    assert sorted(shop.sent) == sorted(("changes", task) for task in tasks)
    assert shop.outbox.in_flight("shop", ["a", "b"]) == {"a": 1, "b": 1}
    shop.run(tasks[1])
    assert [records.read(task).indexed for task in tasks] == [1, 1]


def test_cancelled_batch_does_not_go_along(shop, pipeline, records):
    first, other = shop.submit(upsert("a")), shop.submit(upsert("b"))
    shop.outbox.cancel(other)
    shop.run(first)
    assert names(pipeline.seen[0]) == ["a"]
    assert records.read(other).done == 1
