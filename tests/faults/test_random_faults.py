"""Thousands of changes by chance while everything breaks: the index ends as the plain model.

The seed is printed, and can be set with SHELFWISE_TEST_SEED. Elasticsearch is away for
SHELFWISE_TEST_OUTAGE_SECONDS, 8 when that is not set; the full form is 30.
"""

from __future__ import annotations

import os
import random
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mappings import task_records
from mappings.dead_letters import DeadLetters
from mappings.errors import TemporaryError
from mappings.index_lifecycle import find_index
from mappings.outbox import Outbox
from mappings.task_records import TaskRecords
from tests.faults.breaking import Workers, restart_redis, stop_elasticsearch
from tests.faults.comparison import described, differences
from tests.faults.conftest import Servers
from tests.faults.senders import Senders, Sent
from tests.faults.traffic import expected_product, make_histories, make_requests
from tests.indexer.programs import run, wait_until
from tests.service.conftest import TEMPLATE, running_app

pytestmark = [pytest.mark.cluster, pytest.mark.stack, pytest.mark.timeout(600)]

PRODUCTS = 150
CHANGES = 3_200
SENDERS = 4
TRAFFIC_SECONDS = 55
DRAIN_SECONDS = 120
OUTAGE_SECONDS = float(os.environ.get("SHELFWISE_TEST_OUTAGE_SECONDS", "8"))


@pytest.fixture
def seed() -> int:
    seed = int(os.environ.get("SHELFWISE_TEST_SEED") or secrets.randbelow(10**9))
    print(f"SHELFWISE_TEST_SEED={seed}")
    return seed


def test_index_ends_as_the_plain_model_whatever_breaks(servers: Servers, seed: int, tmp_path):
    chance = random.Random(seed)
    histories = make_histories(chance, products=PRODUCTS, changes=CHANGES)
    rows = make_requests(chance, histories, senders=SENDERS)
    index = servers.create_index()
    env = servers.environment()
    started = time.monotonic()

    def note(what: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s: {what}")

    with (
        Workers(env, tmp_path) as workers,
        running_app(servers.elasticsearch.url, servers.redis.url) as app,
        ThreadPoolExecutor(2) as threads,
    ):
        note("workers are ready")
        workers.kill_now_and_then(random.Random(chance.random()), (2.0, 6.0))
        senders = Senders(app, index, seconds=TRAFFIC_SECONDS)
        breaking = threads.submit(_break_servers, servers, random.Random(chance.random()), note)
        rebuilding = threads.submit(
            _rebuild, servers, index, env, tmp_path, random.Random(chance.random()), note
        )
        senders.run(rows)
        note(f"all is sent: {len(senders.sent.tasks)} tasks, {senders.sent.refused} refusals")
        breaking.result()
        workers.leave_alone()
        rebuilding.result()
        note(f"{workers.kills} workers were killed")
        try:
            _wait_until_empty(servers, index, env, tmp_path)
        finally:
            note("the outbox is empty, or should be")
            (tmp_path / "sent.txt").write_text(
                "\n".join(
                    f"{name} {line}" for name, row in senders.sent.lines.items() for line in row
                )
            )
        _assert_each_counts_once(servers, senders.sent)
    expected = {name: expected_product(history) for name, history in histories.items()}
    wrong = differences(servers.cluster, index, expected, TEMPLATE)
    assert not wrong, f"seed {seed}: " + described(
        servers.cluster, index, wrong, senders.sent.lines
    )
    assert find_index(servers.cluster, index).index != f"{index}-v1"
    note("all is as it should be")


def _break_servers(servers: Servers, chance: random.Random, note: Callable[[str], None]) -> None:
    """Restart Redis twice, once by force, and take Elasticsearch away, in any order."""
    how = chance.choice(["stopped", "killed", "frozen"])
    steps: list[tuple[str, Callable[[], None]]] = [
        ("Redis restarted", lambda: restart_redis(servers.redis, by_force=False)),
        ("Redis killed", lambda: restart_redis(servers.redis, by_force=True)),
        (
            f"Elasticsearch {how}",
            lambda: stop_elasticsearch(servers.elasticsearch, how, OUTAGE_SECONDS),
        ),
    ]
    chance.shuffle(steps)
    for name, step in steps:
        time.sleep(chance.uniform(3, 9))
        note(name)
        step()
        note(f"{name}: back again")


def _rebuild(
    servers: Servers,
    index: str,
    env: dict[str, str],
    logs: Path,
    chance: random.Random,
    note: Callable[[str], None],
) -> None:
    """Swap a new version in; called again when a server was away, as its operator would."""
    time.sleep(chance.uniform(1, 30))
    deadline = time.monotonic() + DRAIN_SECONDS
    while not _is_swapped(servers, index):
        assert time.monotonic() < deadline, (logs / "reindex.log").read_text()
        done = run("reindex", "--index", index, env=env, log=logs / "reindex.log")
        note(f"reindex ended with {done.status}: {done.said.strip().splitlines()[-1:]}")
        time.sleep(1)


def _is_swapped(servers: Servers, index: str) -> bool:
    try:
        # A server away at this very question has the rebuild done once more, so a later version
        # than the second is as good.
        return find_index(servers.cluster, index).index != f"{index}-v1"
    except TemporaryError:
        return False


def _wait_until_empty(servers: Servers, index: str, env: dict[str, str], logs: Path) -> None:
    """Wait until nothing is on its way any more; what was given up is tried again.

    A product over which two workers happened to be killed is given up, as it must be.
    """
    with task_records.connect(servers.redis.url) as queue:
        outbox = Outbox(queue, lambda *_: None, ttl_seconds=60)
        letters = DeadLetters(queue)

        def is_empty() -> bool:
            return not queue.zcard("shelfwise:unfinished") and not outbox.count_in_flight(index)

        wait_until(is_empty, DRAIN_SECONDS)
        for _ in range(3):
            if not letters.count():
                return
            reasons = [letter.reason for letter in letters.list(limit=None)]
            print(f"given up: {reasons}")
            assert all("died" in reason for reason in reasons)
            done = run("dead-letters", "retry", "--all", env=env, log=logs / "retry.log")
            assert done.status == 0, done.said
            wait_until(is_empty, DRAIN_SECONDS)
        assert not letters.count()


def _assert_each_counts_once(servers: Servers, sent: Sent) -> None:
    with task_records.connect(servers.redis.url) as queue:
        records = TaskRecords(queue, ttl_seconds=60)
        for task, size in sent.tasks.items():
            record = records.read(task)
            assert (record.total, record.done, record.state) == (size, size, "done"), record
