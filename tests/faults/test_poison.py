"""A product over which workers die, from the API to its dead letter and back."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.comparison import live_products
from tests.faults.conftest import Servers
from tests.faults.poisoned_worker import POISON
from tests.indexer.programs import Program, run, wait_until
from tests.service.conftest import running_app

pytestmark = [pytest.mark.cluster, pytest.mark.stack]
_COMMAND = [sys.executable, "-m", "tests.faults.poisoned_worker"]
_BETWEEN_DEATHS_SECONDS = 3


@contextmanager
def poisoned_worker(env: Mapping[str, str], log: Path) -> Iterator[list[Program]]:
    """A worker that is started again whenever it has died; yields all that there were."""
    stopped = threading.Event()
    started: list[Program] = []

    def keep_running() -> None:
        while not stopped.wait(0.1):
            if not started or not started[-1].is_running:
                started.append(Program("worker", env=env, log=log, command=_COMMAND))

    thread = threading.Thread(target=keep_running)
    thread.start()
    try:
        yield started
    finally:
        stopped.set()
        thread.join()
        for program in started:
            program.kill()


def test_poison_ends_as_a_dead_letter_and_its_neighbours_are_indexed(servers: Servers, tmp_path):
    index, before = servers.create_index(), datetime.now(UTC)
    env = servers.environment(indexer_visibility_timeout_seconds=_BETWEEN_DEATHS_SECONDS)
    products = [{"id": f"p{n}", "title": f"Mouse {n}", "price": n} for n in range(20)]
    products[7]["description"] = f"full of {POISON}"
    with running_app(servers.elasticsearch.url, servers.redis.url) as app:
        client, path = app.test_client(), f"/v1/indexes/{index}/products"
        # Together in a list, and as singles that are gathered with it.
        sent = [client.post(path, json=products[:12])]
        sent += [client.post(path, json=product) for product in products[12:]]
        tasks = [response.json["task_id"] for response in sent]

        def records() -> list[dict]:
            return [client.get(f"/v1/tasks/{task}").json for task in tasks]

        with poisoned_worker(env, tmp_path / "poisoned.log") as workers:
            wait_until(lambda: all(record["state"] == "done" for record in records()), 150)
        assert len(workers) == 1 + 3, "once with its neighbours, then DEATHS_THAT_CONVICT alone"
        # What a dying worker had written already is found unchanged by the next one.
        assert sum(one["indexed"] + one["unchanged"] for one in records()) == 19
        assert [reject["product_id"] for reject in records()[0]["rejects"]] == ["p7"]
        assert live_products(servers.cluster, index).keys() == {
            product["id"] for product in products
        } - {"p7"}

        listed = run("dead-letters", "list", "--json", env=env, log=tmp_path / "list.log")
        (letter,) = map(json.loads, listed.said.splitlines())
        assert (letter["index"], letter["change"]["id"]) == (index, "p7")
        assert letter["change"]["fields"] == {
            name: value for name, value in products[7].items() if name != "version"
        }
        assert "workers died over this product" in letter["reason"]
        assert before < datetime.fromisoformat(letter["at"]) < datetime.now(UTC)

        retry = run("dead-letters", "retry", letter["id"], env=env, log=tmp_path / "retry.log")
        task = retry.said.split()[-1]
        with Program("worker", env=env, log=tmp_path / "sound.log"):
            wait_until(lambda: client.get(f"/v1/tasks/{task}").json["state"] == "done")
        assert client.get(f"/v1/tasks/{task}").json["indexed"] == 1
    found, _ = live_products(servers.cluster, index)["p7"]
    assert found == products[7]
    left = run("dead-letters", "list", "--json", env=env, log=tmp_path / "left.log")
    assert left.said == ""
