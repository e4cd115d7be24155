"""Dead letters on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
from structlog.testing import capture_logs

from embedded.redis_server import EmbeddedRedis
from mappings.dead_letters import DeadLetter, DeadLetters, letter_id
from mappings.errors import QueueUnavailable, UnknownDeadLetter
from mappings.product_changes import ProductChange

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CHANGE = ProductChange("upsert", "p1", {"title": "Mouse", "price": -1}, 7, 1_767_000_000_000_001)


def letter(
    number: int,
    index: str = "shop",
    change: ProductChange = CHANGE,
    minutes: int = 0,
    reason: str = "price: -1 is below 0",
) -> DeadLetter:
    return DeadLetter(
        id=letter_id("task", number, change),
        index=index,
        change=change,
        reason=reason,
        field="price",
        attempts=1,
        task_id="task",
        at=(START + timedelta(minutes=minutes)).isoformat("T", "milliseconds"),
    )


@pytest.fixture
def client(redis_server: EmbeddedRedis) -> Iterator[redis.Redis]:
    """A database of its own, since the letters are those of a whole database."""
    with redis.Redis.from_url(redis_server.url.removesuffix("/0") + "/8") as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def letters(client: redis.Redis) -> DeadLetters:
    return DeadLetters(client, now=lambda: START + timedelta(days=10))


def ids(found: list[DeadLetter]) -> list[str]:
    return [one.id for one in found]


def test_letter_is_read_back_as_it_was(letters):
    letters.add([letter(1)])
    assert letters.get(letter(1).id) == letter(1)
    assert letters.list() == (letter(1),)
    assert letters.get(letter(1).id).to_json() == {
        "id": letter(1).id,
        "index": "shop",
        "change": {
            "operation": "upsert",
            "id": "p1",
            "fields": {"title": "Mouse", "price": -1},
            "version": 7,
            "arrival": 1_767_000_000_000_001,
        },
        "reason": "price: -1 is below 0",
        "field": "price",
        "attempts": 1,
        "task_id": "task",
        "at": "2026-01-02T03:04:05.000+00:00",
    }


@pytest.mark.parametrize(
    "change",
    [
        ProductChange("upsert", "half \ud800", {"title": "\udfff"}),
        ProductChange("patch", "é", {"price": 2**70}),
        ProductChange("delete", "\0\n:", {}),
        ProductChange("upsert", ["no", "text"], {}),  # type: ignore[arg-type]
    ],
    ids=["surrogate", "number", "signs", "id"],
)
def test_change_that_no_index_would_take_is_kept(letters, change):
    letters.add([letter(1, change=change)])
    assert letters.list()[0].change == change
    letters.remove([letter(1, change=change).id])
    assert letters.count() == 0


def test_id_is_that_of_one_change_of_one_task():
    other = ProductChange("upsert", "p1", {"title": "Mouse"}, 7)
    found = {
        letter_id("task", 1, CHANGE),
        letter_id("task", 2, CHANGE),
        letter_id("other", 1, CHANGE),
        letter_id("task", 1, other),
    }
    assert len(found) == 4
    assert letter_id("task", 1, ProductChange.from_message(CHANGE.to_message())) in found
    assert {len(one) for one in found} == {24}


def test_change_that_is_given_up_twice_makes_one_letter(letters, client):
    letters.add([letter(1), letter(2)])
    letters.add([letter(1, reason="given up", minutes=1), letter(2, minutes=1)])
    assert letters.count() == letters.count("shop") == 2
    assert letters.get(letter(1).id).reason == "given up"
    letters.remove([letter(1).id, letter(2).id])
    assert client.keys() in ([], [b"shelfwise:dead-letters:bytes"])
    assert int(client.get("shelfwise:dead-letters:bytes") or 0) == 0


def test_list_is_newest_first_by_index_and_page(letters):
    letters.add([letter(1), letter(2, "other"), letter(3)])
    letters.add([letter(4, minutes=-5), letter(5, "other", minutes=5)])
    everything = [letter(n).id for n in (5, 3, 2, 1, 4)]
    assert ids(letters.list()) == everything
    assert ids(letters.list(limit=2, offset=1)) == everything[1:3]
    assert ids(letters.list(limit=None)) == everything
    assert ids(letters.list("other")) == [letter(5).id, letter(2).id]
    assert ids(letters.list(["shop", "other"], limit=3, offset=1)) == everything[1:4]
    assert letters.list(limit=0) == letters.list(offset=9) == letters.list("no-such") == ()
    assert (letters.count(), letters.count("shop"), letters.count(["shop", "other"])) == (5, 3, 5)


def test_letters_of_one_moment_keep_their_order(letters):
    many = [letter(number) for number in range(1_200)]
    letters.add(many)
    assert ids(letters.list(limit=None)) == ids(many)[::-1]


def test_unknown_letter_is_refused_by_name(letters):
    with pytest.raises(UnknownDeadLetter, match="no dead letter 'x") as caught:
        letters.get("x" * 500)
    assert caught.value.field == "letter_id"
    assert len(str(caught.value)) < 200
    assert letters.remove(["no such"]) == 0


def test_beyond_the_limit_the_oldest_go_and_it_is_told(client):
    letters = DeadLetters(client, limit=3)
    with capture_logs() as logs:
        letters.add([letter(number, minutes=number) for number in range(5)])
        letters.add([letter(9, minutes=-1)])
    assert ids(letters.list()) == [letter(n).id for n in (4, 3, 2)]
    assert [(entry["event"], entry["letters"]) for entry in logs] == [
        ("dead_letters_dropped", 2),
        ("dead_letters_dropped", 1),
    ]
    assert letters.waiting("shop", ["p1"]) == {"p1": 3}


def test_long_letters_are_bounded_by_their_length(client):
    letters = DeadLetters(client, max_bytes=10_000)
    change = ProductChange("upsert", "p1", {"title": "x" * 3_000})
    letters.add([letter(number, change=change, minutes=number) for number in range(8)])
    assert letters.count() == 3
    huge = ProductChange("upsert", "p1", {"title": "x" * 20_000})
    letters.add([letter(9, change=huge, minutes=9)])
    assert letters.count() == 0
    letters.add([letter(1)])
    assert ids(letters.list()) == [letter(1).id]


def test_purge_forgets_by_index_and_age(letters):
    letters.add([letter(1), letter(2, "other"), letter(3, minutes=60), letter(4, "other")])
    assert letters.purge("other", timedelta(days=11)) == 0
    assert letters.purge("other", timedelta(days=9)) == 2
    assert letters.purge(older_than=timedelta(days=10)) == 0
    assert letters.purge(older_than=timedelta(days=10) - timedelta(minutes=1)) == 1
    assert ids(letters.list()) == [letter(3).id]
    assert letters.purge() == 1
    assert letters.count() == letters.count("shop") == 0


def test_letters_of_a_product_are_counted(letters):
    other = ProductChange("delete", "p2", {})
    letters.add([letter(1), letter(2), letter(3, change=other), letter(4, "other")])
    assert letters.waiting("shop", ["p1", "p2", "p3"]) == {"p1": 2, "p2": 1, "p3": 0}
    assert letters.waiting("shop", []) == {}
    letters.remove([letter(1).id])
    letters.purge("other")
    assert letters.waiting("shop", ["p1"]) == {"p1": 1}
    assert letters.waiting("other", ["p1"]) == {"p1": 0}


class TestRetry:
    """What is queued, and when the letter goes."""

    def test_changes_are_queued_as_they_were_by_index_and_in_order_of_arrival(self, letters):
        late = ProductChange("patch", "p1", {"price": 1}, None, CHANGE.arrival + 1)
        deleted = ProductChange("delete", "p2", {}, 3, 5)
        some = [letter(1, change=late), letter(2), letter(3, "other", change=deleted)]
        letters.add([*some, letter(4)])
        queued = {}

        def submit(index: str, changes: list[ProductChange]) -> str:
            assert letters.count(index) == {"shop": 3, "other": 1}[index]  # not removed before
            queued[index] = list(changes)
            return f"task of {index}"

        assert letters.retry(some, submit) == {"shop": "task of shop", "other": "task of other"}
        assert queued == {"shop": [CHANGE, late], "other": [deleted]}
        assert ids(letters.list()) == [letter(4).id]

    def test_letter_stays_when_its_change_cannot_be_queued(self, letters):
        letters.add([letter(1)])

        def submit(index: str, changes: list[ProductChange]) -> str:
            raise QueueUnavailable("Redis is away")

        with pytest.raises(QueueUnavailable):
            letters.retry([letter(1)], submit)
        assert letters.count() == 1

    def test_change_without_a_place_in_the_order_gets_that_of_its_letter(self):
        change = letter(1, change=ProductChange("upsert", "p1", {}, 7)).change_to_retry()
        assert change == ProductChange("upsert", "p1", {}, 7, int(START.timestamp()) * 10**6)
        assert letter(1).change_to_retry() == CHANGE


@pytest.mark.parametrize(
    "call",
    [
        lambda letters: letters.add([letter(1)]),
        lambda letters: letters.get("x"),
        lambda letters: letters.list(),
        lambda letters: letters.count(),
        lambda letters: letters.waiting("shop", ["p1"]),
        lambda letters: letters.remove(["x"]),
        lambda letters: letters.purge(),
    ],
    ids=["add", "get", "list", "count", "waiting", "remove", "purge"],
)
def test_every_method_without_redis_is_a_temporary_error(call):
    client = redis.Redis(port=9, retry=None, socket_connect_timeout=1)
    with pytest.raises(QueueUnavailable) as caught:
        call(DeadLetters(client))
    assert caught.value.retry_after_seconds
    client.close()
