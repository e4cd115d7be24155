"""Dead letters from a batch's rejects, and what they mean for newer changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import redis
from elasticsearch import Elasticsearch

from embedded.redis_server import EmbeddedRedis
from indexer.encoders.base import TextEncoder
from indexer.isolation import rejected, total
from indexer.late_changes import LateChanges
from indexer.pipeline import Pipeline
from indexer.rejected_changes import letters_of
from mappings.dead_letters import DeadLetters, letter_id
from mappings.outbox import Outbox, Outgoing
from mappings.product_changes import ProductChange
from mappings.task_records import BatchOutcome, Reject
from tests.indexer.conftest import patch, upsert

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


@pytest.fixture
def client(redis_server: EmbeddedRedis) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.url.removesuffix("/0") + "/7") as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def letters(client: redis.Redis) -> DeadLetters:
    return DeadLetters(client)


@pytest.fixture
def outbox(client: redis.Redis) -> Outbox:
    return Outbox(client, lambda *_: None, ttl_seconds=60)


def arriving(change: ProductChange, arrival: int) -> ProductChange:
    return ProductChange(
        change.operation, change.product_id, change.fields, change.version, arrival
    )


def test_every_reject_becomes_a_letter_with_its_change():
    changes = [(40, upsert("1", 3)), (41, upsert("2")), (45, patch("1", price=-1))]
    outcome = BatchOutcome(
        indexed=1,
        rejects=(Reject("1", None, "given up", 40), Reject("1", "price", "price: -1", 45)),
        rejected=2,
    )
    made = letters_of("t", "shop", changes, outcome, 5, now=lambda: NOW)
    assert [(one.change, one.reason, one.field) for one in made] == [
        (upsert("1", 3), "given up", None),
        (patch("1", price=-1), "price: -1", "price"),
    ]
    assert [one.id for one in made] == [
        letter_id("t", 40, upsert("1", 3)),
        letter_id("t", 45, patch("1", price=-1)),
    ]
    assert {(one.task_id, one.index, one.attempts, one.at) for one in made} == {
        ("t", "shop", 5, "2026-01-02T03:04:05.678+00:00")
    }


def test_reject_of_what_was_no_change_makes_no_letter():
    malformed = BatchOutcome(
        rejects=(Reject(None, None, "no change", 7), Reject(None, None, "no place")), rejected=2
    )
    outcome = total([rejected([(8, upsert())], "given up"), malformed])
    made = letters_of("t", "shop", [(8, upsert())], outcome, 1)
    assert [one.reason for one in made] == ["given up"]
    assert letters_of("t", "shop", [(8, upsert())], BatchOutcome(indexed=1), 1) == []


def test_changes_on_their_way_and_among_the_letters_are_counted(letters, outbox):
    outbox.submit("shop", [Outgoing(0, "changes", [upsert("1"), upsert("2")], range(2))])
    changes = [(0, upsert("1")), (1, upsert("3")), (2, patch("3"))]
    outcome = rejected(changes, "no")
    letters.add(letters_of("t", "shop", changes, outcome, 1))
    late = LateChanges(outbox, letters)
    assert late.in_flight("shop", ["1", "2", "3", "4"]) == {"1": 2, "2": 1, "3": 2, "4": 0}
    assert late.in_flight("other", ["1"]) == {"1": 0}
    assert late.in_flight("shop", []) == {}


@pytest.mark.cluster
def test_retried_change_never_undoes_a_newer_one(
    cluster: Elasticsearch,
    index: str,
    encoder: TextEncoder,
    letters: DeadLetters,
    outbox: Outbox,
):
    pipeline = Pipeline(cluster, encoder, in_flight=LateChanges(outbox, letters))
    outcomes = []

    def deliver(index: str, changes: list[ProductChange]) -> str:
        task = outbox.submit(index, [Outgoing(0, "changes", changes, range(len(changes)))])
        outcomes.append(pipeline.process(index, changes))
        outbox.finish({(task, 0): outcomes[-1]})
        return task

    old = [arriving(upsert("1", price=5.0), 20), arriving(upsert("2", price=5.0), 21)]
    given_up = list(enumerate(old))
    letters.add(letters_of("t", index, given_up, rejected(given_up, "given up"), 3))
    deliver(index, [arriving(upsert(name, price=9.0), 10) for name in "12"])
    # This changes nothing but the place in the order, which counts since 20 may still come.
    deliver(index, [arriving(upsert("1", price=9.0), 30)])
    letters.retry(letters.list(index), deliver)
    assert outcomes == [
        BatchOutcome(indexed=2),
        BatchOutcome(unchanged=1),
        BatchOutcome(stale=1, indexed=1),
    ]
    prices = [cluster.get(index=index, id=one)["_source"]["price"] for one in "12"]
    assert prices == [9.0, 5.0]
    assert letters.count() == 0
