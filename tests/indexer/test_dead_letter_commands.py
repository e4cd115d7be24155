"""`shelfwise dead-letters` against a real Redis."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
from click.testing import CliRunner, Result

from embedded.redis_server import EmbeddedRedis
from mappings.command_line import cli
from mappings.dead_letters import DeadLetter, DeadLetters, letter_id
from mappings.errors import InvalidQuery, QueueUnavailable, UnknownDeadLetter
from mappings.outbox import Outbox
from mappings.product_changes import ProductChange
from mappings.task_records import TaskRecords
from tests.indexer.programs import environment

pytestmark = pytest.mark.stack
Invoke = Callable[..., Result]


def letter(number: int, index: str = "shop", days: int = 0, **fields: object) -> DeadLetter:
    change = ProductChange("upsert", f"p{number}", {"title": "Mouse", **fields}, 7, 1_000 + number)
    at = datetime.now(UTC) - timedelta(days=days, seconds=100 - number)
    return DeadLetter(
        letter_id("task", number, change), index, change, f"bad [{number}]", "price", 2, "task",
        at.isoformat("T", "milliseconds"),
    )  # fmt: skip


@pytest.fixture
def url(redis_server: EmbeddedRedis) -> str:
    return redis_server.url.removesuffix("/0") + "/6"


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def letters(client: redis.Redis) -> DeadLetters:
    return DeadLetters(client)


@pytest.fixture
def invoke(url: str, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.setenv("COLUMNS", "200")
    for name, value in environment("http://127.0.0.1:9", url).items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str, answer: str = "") -> Result:
        return CliRunner().invoke(cli, ["dead-letters", *arguments], input=answer)

    return call


def test_list_shows_newest_first_and_how_many_there_are(invoke, letters):
    letters.add([letter(1), letter(2, "other"), letter(3)])
    lines = invoke("list").output.splitlines()
    rows = [line for line in lines if "bad [" in line]
    assert [letter(n).id in row for n, row in zip((3, 2, 1), rows, strict=True)] == [True] * 3
    assert all(word in rows[1] for word in ("other", "p2", "bad [2]"))
    assert lines[-1] == "3 of 3"
    assert invoke("list", "--index", "shop", "--limit", "1").output.splitlines()[-1] == "1 of 2"


def test_list_and_show_as_json_hold_the_whole_change(invoke, letters):
    some = [letter(1, price=-1), letter(2, title="half \ud800")]
    letters.add(some)
    found = [json.loads(line) for line in invoke("list", "--json").output.splitlines()]
    assert found == [some[1].to_json(), some[0].to_json()]
    assert json.loads(invoke("show", some[1].id).output) == some[1].to_json()
    assert invoke("list").exit_code == 0
    assert isinstance(invoke("show", "no-such").exception, UnknownDeadLetter)


def test_retry_queues_the_named_ones_as_they_were(invoke, letters, client):
    letters.add([letter(1), letter(2), letter(3, "other")])
    done = invoke("retry", letter(1).id, letter(3).id, letter(1).id)
    assert done.exit_code == 0, done.output
    assert [line.rpartition(" task ")[0] for line in done.output.splitlines()] == [
        "queued 1 of 'shop':",
        "queued 1 of 'other':",
    ]
    assert [one.id for one in letters.list()] == [letter(2).id]
    task_id = done.output.split()[-1]
    record = TaskRecords(client, ttl_seconds=60).read(task_id)
    assert (record.index, record.total, record.state) == ("other", 1, "queued")
    outbox = Outbox(client, lambda *_: None, ttl_seconds=60)
    (batch,) = outbox.begin((task_id, 0), "message").batches
    assert batch.changes == [(0, letter(3).change.to_message())]


def test_retry_of_all_is_cut_into_batches_of_one_task(invoke, letters, client, monkeypatch):
    monkeypatch.setenv("SHELFWISE_INDEXER_PRODUCTS_PER_TASK", "2")
    letters.add([letter(number) for number in range(5)] + [letter(9, "other")])
    done = invoke("retry", "--all", "--index", "shop")
    assert done.output.startswith("queued 5 of 'shop': task ")
    assert TaskRecords(client, ttl_seconds=60).read(done.output.split()[-1]).total == 5
    assert (letters.count("shop"), letters.count("other")) == (0, 1)
    assert invoke("retry", "--all", "--index", "shop").output == "there is nothing to retry\n"


@pytest.mark.parametrize("arguments", [[], ["--index", "shop"], ["x", "--all"]], ids=str)
def test_retry_of_nothing_or_of_two_kinds_is_refused(invoke, arguments):
    refused = invoke("retry", *arguments)
    assert (refused.exit_code, "name letters, or all" in refused.output) == (2, True)


def test_retry_with_an_unknown_id_queues_nothing(invoke, letters):
    letters.add([letter(1)])
    assert isinstance(invoke("retry", letter(1).id, "x").exception, UnknownDeadLetter)
    assert letters.count() == 1


def test_purge_asks_and_forgets_by_age_and_index(invoke, letters):
    letters.add([letter(1), letter(2, days=8), letter(3, "other", days=8)])
    kept = invoke("purge", "--index", "shop", "--older-than", "7d", answer="n\n")
    assert kept.exit_code == 1
    question = "Forget dead letters of 'shop' that are older than 7d (2 of 'shop' in all)?"
    assert question in kept.output
    assert letters.count() == 3
    assert "forgot 1 " in invoke("purge", "--index", "shop", "--older-than", "1w", "--yes").output
    assert "forgot 2 " in invoke("purge", answer="y\n").output


@pytest.mark.parametrize("age", ["7", "d", "-1d", "1y", "1.5h", "9999999d"])
def test_age_that_cannot_be_read_is_refused(invoke, age):
    assert isinstance(invoke("purge", "--older-than", age, "--yes").exception, InvalidQuery)


def test_redis_away_is_told(invoke, monkeypatch):
    monkeypatch.setenv("SHELFWISE_REDIS_URL", "redis://127.0.0.1:9/0")
    assert isinstance(invoke("list").exception, QueueUnavailable)
