"""The outbox on a real Redis: every batch is kept until its outcome is recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil
import pytest
import redis

from embedded.redis_server import EmbeddedRedis
from mappings.errors import QueueUnavailable, UnknownTask
from mappings.outbox import RESEND_SLACK_SECONDS, Outbox, Outgoing
from mappings.product_changes import Lane, ProductChange
from mappings.task_records import BatchOutcome, TaskRecords, connect

pytestmark = pytest.mark.stack
LEASE = 300.0


@dataclass
class Published:
    """Stands for Celery: notes the messages, or is away."""

    messages: list[tuple[Lane, str, int, str]] = field(default_factory=list)
    is_away: bool = False

    def __call__(self, lane: Lane, task_id: str, batch: int, index: str) -> None:
        if self.is_away:
            raise QueueUnavailable("away")
        self.messages.append((lane, task_id, batch, index))


@pytest.fixture
def client(redis_server: EmbeddedRedis) -> Iterator[redis.Redis]:
    with connect(redis_server.url[:-1] + "9") as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def published() -> Published:
    return Published()


@pytest.fixture
def outbox(client, published) -> Outbox:
    return Outbox(client, published, ttl_seconds=100, lease_seconds=LEASE)


@pytest.fixture
def records(client) -> TaskRecords:
    return TaskRecords(client, ttl_seconds=100)


def delete(name: str, arrival: int = 0) -> ProductChange:
    return ProductChange("delete", name, {}, None, arrival)


def outgoing(*names: str, number: int = 0, lane: Lane = "changes", first: int = 0) -> Outgoing:
    changes = [delete(name) for name in names]
    return Outgoing(number, lane, changes, range(first, first + len(names)))


def age(client: redis.Redis, seconds: float) -> None:
    """Make everything look as if it had been sent so much earlier."""
    for name, score in client.zrange("shelfwise:unfinished", 0, -1, withscores=True):
        client.zadd("shelfwise:unfinished", {name: score - seconds})


def end_lease(client: redis.Redis, task: str, number: int = 0) -> None:
    client.hset(f"shelfwise:batch:{task}:{number}", "until", 0)


def test_batch_is_kept_counted_and_sent_and_handed_out_whole(outbox, records, published):
    batch = outgoing("a", "b", "a", first=7)
    task = outbox.submit("shop", [batch])
    assert published.messages == [("changes", task, 0, "shop")]
    record = records.read(task)
    assert (record.index, record.state, record.total) == ("shop", "queued", 3)
    assert outbox.in_flight("shop", ["a", "b", "c"]) == {"a": 2, "b": 1, "c": 0}
    delivery = outbox.begin((task, 0), "m1")
    assert (delivery.attempt, delivery.starts) == (0, 1)
    (kept,) = delivery.batches
    assert (kept.name, kept.index) == ((task, 0), "shop")
    assert [position for position, _ in kept.changes] == [7, 8, 9]
    changes = [ProductChange.from_message(message) for _, message in kept.changes]
    assert [change.product_id for change in changes] == ["a", "b", "a"]


def test_finished_batch_leaves_its_outcome_and_nothing_else(outbox, records, client):
    task = outbox.submit("shop", [outgoing("a"), outgoing("a", "b", number=1, first=1)])
    outbox.begin((task, 0), "m1")
    outbox.count_suspect((task, 0), "a", 1)
    outbox.finish({(task, 0): BatchOutcome(deleted=1)})
    assert outbox.in_flight("shop", ["a", "b"]) == {"a": 1, "b": 1}
    assert (records.read(task).state, records.read(task).done) == ("running", 1)
    outbox.finish({(task, 1): BatchOutcome(missing=2)})
    assert records.read(task).state == "done"
    kept = {key.decode() for key in client.scan_iter("shelfwise:*")}
    assert kept == {
        "shelfwise:arrivals",
        f"shelfwise:task:{task}",
        f"shelfwise:task:{task}:batches",
    }
    assert 0 < client.ttl(f"shelfwise:task:{task}") <= 100
    assert outbox.begin((task, 0), "m1") is None


def test_first_outcome_of_a_batch_counts(outbox, records):
    task = outbox.submit("shop", [outgoing("a")])
    outbox.finish({(task, 0): BatchOutcome(deleted=1)})
    outbox.finish({(task, 0): BatchOutcome(stale=1)})
    record = records.read(task)
    assert (record.deleted, record.stale, record.done) == (1, 0, 1)
    assert outbox.in_flight("shop", ["a"]) == {"a": 0}


def test_unfinished_batch_does_not_expire(outbox, client):
    task = outbox.submit("shop", [outgoing("a")])
    assert client.ttl(f"shelfwise:batch:{task}:0") == -1
    client.delete(f"shelfwise:task:{task}")  # as if the record had expired
    assert outbox.begin((task, 0), "m1") is not None
    outbox.finish({(task, 0): BatchOutcome(deleted=1)})
    assert [key for key in client.scan_iter("shelfwise:*")] == [b"shelfwise:arrivals"]


def test_arrivals_grow_even_after_redis_lost_them(outbox, client):
    (first,) = outbox.numbered([outgoing("a", "b")])
    client.flushdb()
    (second,) = outbox.numbered([outgoing("c")])
    client.set("shelfwise:arrivals", 2**52)  # a clock that was set back
    (third,) = outbox.numbered([outgoing("d")])
    arrivals = [change.arrival for batch in (first, second, third) for change in batch.changes]
    assert arrivals == sorted(set(arrivals))
    assert arrivals[0] > 1_700_000_000_000_000
    assert arrivals[-1] == 2**52 + 1


def test_changes_of_one_request_arrive_in_its_order_whatever_their_lanes(outbox):
    fast = Outgoing(0, "fast", [delete("a"), delete("c")], [0, 2])
    slow = Outgoing(1, "changes", [delete("b"), delete("d")], [1, 3])
    numbered = outbox.numbered([fast, slow])
    changes = [change for batch in numbered for change in batch.changes]
    in_order = sorted(changes, key=lambda change: change.arrival)
    assert [change.product_id for change in in_order] == ["a", "b", "c", "d"]


def test_change_that_has_an_arrival_keeps_it(outbox):
    batch = Outgoing(0, "changes", [delete("a", 5), delete("b")], [0, 1])
    (numbered,) = outbox.numbered([batch])
    assert numbered.changes[0].arrival == 5
    assert numbered.changes[1].arrival > 5
    assert outbox.numbered([numbered]) == [numbered]


def test_batch_submitted_again_is_sent_again_and_counts_once(outbox, records, published):
    task = outbox.submit("shop", [outgoing("a")])
    assert outbox.submit("shop", [outgoing("a")], task) == task
    assert len(published.messages) == 2
    assert outbox.in_flight("shop", ["a"]) == {"a": 1}
    outbox.finish({(task, 0): BatchOutcome(deleted=1)})
    outbox.submit("shop", [outgoing("a")], task)
    assert len(published.messages) == 2
    assert (records.read(task).total, records.read(task).done) == (1, 1)


def test_another_message_waits_for_the_lease_and_the_same_one_tells_of_a_death(outbox, client):
    task = outbox.submit("shop", [outgoing("a")])
    assert outbox.begin((task, 0), "m1").starts == 1
    assert outbox.begin((task, 0), "m2") is None
    assert outbox.begin((task, 0), "m1").starts == 2
    end_lease(client, task)
    assert outbox.begin((task, 0), "m2").starts == 3
    assert outbox.begin((task, 0), "m1") is None


def test_postponed_batch_stays_with_its_message_and_counts_the_attempt(outbox, client):
    task = outbox.submit("shop", [outgoing("a")])
    outbox.begin((task, 0), "m1")
    outbox.postpone((task, 0), 60)
    assert float(client.hget(f"shelfwise:batch:{task}:0", "until")) - LEASE > 0
    assert outbox.begin((task, 0), "m2") is None
    delivery = outbox.begin((task, 0), "m1")
    assert (delivery.attempt, delivery.starts) == (1, 1)


def test_batch_whose_message_was_lost_is_sent_again_and_again(outbox, client, published):
    task = outbox.submit("shop", [outgoing("a")])
    published.messages.clear()
    assert outbox.send_overdue() == 0
    for _ in range(2):
        age(client, LEASE + RESEND_SLACK_SECONDS + 1)
        assert outbox.send_overdue() == 1
        assert outbox.send_overdue() == 0
    assert published.messages == [("changes", task, 0, "shop")] * 2


def test_batch_in_work_is_not_sent_again_before_its_lease_ends(outbox, client, published):
    task = outbox.submit("shop", [outgoing("a")])
    outbox.begin((task, 0), "m1")
    age(client, LEASE + RESEND_SLACK_SECONDS + 1)
    assert outbox.send_overdue() == 0
    end_lease(client, task)
    assert outbox.send_overdue() == 1
    outbox.finish({(task, 0): BatchOutcome(deleted=1)})
    age(client, LEASE + RESEND_SLACK_SECONDS + 1)
    assert outbox.send_overdue() == 0


def test_many_overdue_batches_are_all_sent_beside_some_in_work(outbox, client):
    task = outbox.submit("shop", [outgoing(str(n), number=n) for n in range(1_200)])
    for number in range(0, 1_200, 100):
        outbox.begin((task, number), "m")
    age(client, LEASE + RESEND_SLACK_SECONDS + 1)
    assert outbox.send_overdue() == 1_200 - 12


def test_what_was_kept_but_not_sent_is_an_error_and_is_sent_by_the_janitor(
    outbox, client, published
):
    published.is_away = True
    with pytest.raises(QueueUnavailable):
        outbox.submit("shop", [outgoing("a")])
    published.is_away = False
    age(client, LEASE + RESEND_SLACK_SECONDS + 1)
    assert outbox.send_overdue() == 1


def test_strange_text_and_great_numbers_travel_unharmed(outbox):
    fields = {"title": "\ud800", "attributes": {"n": 2**70}}
    change = ProductChange("upsert", "\udfff", fields, None, 1)
    task = outbox.submit("shop", [Outgoing(0, "bulk", [change], [0])])
    assert outbox.in_flight("shop", ["\udfff"]) == {"\udfff": 1}
    ((_, message),) = outbox.begin((task, 0), "m").batches[0].changes
    assert ProductChange.from_message(message) == change


def test_cancelled_task_ends_without_what_nobody_has_begun(outbox, records, client):
    task = outbox.submit("shop", [outgoing("a"), outgoing("b", "c", number=1, first=1)])
    outbox.begin((task, 0), "m")
    assert outbox.cancel(task) == 1
    assert outbox.begin((task, 1), "m") is None
    outbox.finish({(task, 0): BatchOutcome(deleted=1)})
    assert records.read_batches(task, [1]) == {1: BatchOutcome(cancelled=2)}
    outbox.submit("shop", [outgoing("d", number=2, first=3)], task)
    assert (records.read(task).total, records.read(task).done) == (4, 4)
    assert outbox.in_flight("shop", ["a", "b", "c", "d"]) == dict.fromkeys("abcd", 0)
    with pytest.raises(UnknownTask):
        outbox.cancel("no-such")


def test_time_left_of_a_load_is_that_of_the_whole_file(outbox, records, client):
    task = outbox.submit("shop", [outgoing("a", "b", lane="bulk")], expected=100)
    outbox.submit("shop", [outgoing("c", number=1, lane="bulk", first=2)], task, expected=12)
    outbox.finish({(task, 0): BatchOutcome(deleted=2)})
    record = records.read(task)
    assert (record.total, record.done) == (3, 2)
    assert record.seconds_left == pytest.approx(10 / record.rate, abs=0.1)


def test_one_janitor_at_a_time(outbox, client, published):
    other = Outbox(client, published, ttl_seconds=100)
    assert outbox.is_my_turn(15)
    assert not other.is_my_turn(15)


def test_nothing_submitted_is_lost_when_redis_is_killed(tmp_path, published):
    with EmbeddedRedis(tmp_path) as server, connect(server.url) as client:
        outbox = Outbox(client, published, ttl_seconds=100)
        task = outbox.submit("shop", [outgoing("a", "b")])
        (before,) = outbox.numbered([outgoing("c")])
        client.bgrewriteaof()
        late = outbox.submit("shop", [outgoing("d")])
        _wait_for_disk(client)
        _kill(server)
        port = server.port
        server.stop()
    with EmbeddedRedis(tmp_path, port=port) as server, connect(server.url) as client:
        outbox = Outbox(client, published, ttl_seconds=100)
        assert TaskRecords(client, ttl_seconds=100).read(task).total == 2
        assert outbox.in_flight("shop", ["a", "b", "d"]) == {"a": 1, "b": 1, "d": 1}
        age(client, 1_000)
        published.messages.clear()
        assert outbox.send_overdue() == 2
        assert {message[1] for message in published.messages} == {task, late}
        (after,) = outbox.numbered([outgoing("e")])
        assert after.changes[0].arrival > before.changes[0].arrival


def _wait_for_disk(client: redis.Redis) -> None:
    """Wait out the second after which Redis has surely written what it was told."""
    time.sleep(1.5)
    assert client.info("persistence")["aof_last_write_status"] == "ok"


def _kill(server: EmbeddedRedis) -> None:
    assert server.process_id
    lifeline = psutil.Process(server.process_id)
    found = [*lifeline.children(recursive=True), lifeline]
    servers = [process for process in found if "redis-server" in process.name()]
    assert servers
    for process in servers:
        process.kill()


@pytest.mark.parametrize(
    "call",
    [
        lambda outbox: outbox.submit("shop", [outgoing("a")]),
        lambda outbox: outbox.begin(("t", 0), "m"),
        lambda outbox: outbox.finish({("t", 0): BatchOutcome()}),
        lambda outbox: outbox.postpone(("t", 0), 1),
        lambda outbox: outbox.move([("t", 0)], "shop", "changes"),
        lambda outbox: outbox.cancel("t"),
        lambda outbox: outbox.send_overdue(),
        lambda outbox: outbox.in_flight("shop", ["a"]),
        lambda outbox: outbox.suspects(("t", 0)),
    ],
    ids=[
        "submit",
        "begin",
        "finish",
        "postpone",
        "move",
        "cancel",
        "resend",
        "flight",
        "suspects",
    ],
)
def test_every_method_without_redis_is_a_temporary_error(call, published):
    with redis.Redis(port=9, retry=None, socket_connect_timeout=1) as client:
        with pytest.raises(QueueUnavailable):
            call(Outbox(client, published, ttl_seconds=100))
