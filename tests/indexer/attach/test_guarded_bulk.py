"""Writes that give way, and a cluster that is too busy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import orjson
import pytest

from indexer.attach.driving import follow_in_foreground
from indexer.attach.guarded_bulk import MAX_ITEM_ATTEMPTS, GuardedWrite, send_guarded
from indexer.attach.throttle import Throttle
from mappings.attachments import Attachment
from mappings.errors import ClusterOverloaded


@dataclass
class BusyCluster:
    """Answers a status to each document, by its id; `busy` ones 429 for some requests."""

    refusals: int = 0
    bodies: list[bytes] = field(default_factory=list)

    def bulk(self, *, operations: bytes, **options: object) -> Mapping[str, object]:
        assert options["pipeline"] == "_none"
        self.bodies.append(operations)
        items = []
        for line in operations.splitlines():
            action = json.loads(line)
            if not {"update", "index", "delete"} & set(action):
                continue
            ((operation, target),) = action.items()
            items.append({operation: self._answer(target["_id"])})
        return {"items": items}

    def _answer(self, name: str) -> Mapping[str, object]:
        if name == "busy" and len(self.bodies) <= self.refusals:
            return {"status": 429, "error": {"type": "es_rejected_execution_exception"}}
        if name == "overtaken":
            return {"status": 409, "error": {"type": "version_conflict_engine_exception"}}
        if name == "gone":
            return {"status": 404, "error": {"type": "document_missing_exception"}}
        if name == "bad":
            cause = {"reason": "it is Tuesday"}
            return {"status": 400, "error": {"reason": "refused", "caused_by": cause}}
        return {"status": 200}


def write(name: str, body: Mapping[str, object] | None = None) -> GuardedWrite:
    guard = {"if_seq_no": 1, "if_primary_term": 1}
    return GuardedWrite("update", name, None, guard, body or {"doc": {}})


def test_each_write_has_its_outcome_and_only_the_busy_ones_are_sent_again():
    cluster, waits = BusyCluster(refusals=2), []
    names = ("1", "busy", "overtaken", "gone", "bad")
    outcome = send_guarded(
        cluster,  # type: ignore[arg-type]
        "shop",
        [write(name) for name in names],
        sleep=waits.append,
    )
    assert (outcome.written, outcome.overtaken) == (2, 2)
    assert outcome.refused == {"bad": "refused: it is Tuesday"}
    assert [body.count(b'"_id"') for body in cluster.bodies] == [5, 1, 1]
    assert waits == [0.5, 1.0]


def test_cluster_that_stays_busy_is_an_error_that_says_wait():
    with pytest.raises(
        ClusterOverloaded, match=f"1 documents of 'shop' {MAX_ITEM_ATTEMPTS} times"
    ):
        send_guarded(BusyCluster(refusals=99), "shop", [write("busy")], sleep=lambda _: None)  # type: ignore[arg-type]


def test_numbers_that_no_float_holds_and_half_characters_travel_as_they_are():
    cluster = BusyCluster()
    body = {"n": 12345678901234567890123, "half": "\ud83d", "v": np.array([0.5], np.float32)}
    operation = GuardedWrite("index", "1", "r", {}, body)
    send_guarded(cluster, "shop", [operation])  # type: ignore[arg-type]
    action, document = cluster.bodies[0].splitlines()
    assert orjson.loads(action) == {"index": {"_id": "1", "routing": "r"}}
    assert document == b'{"n": 12345678901234567890123, "half": "\\ud83d", "v": [0.5]}'


def test_throttle_lets_pass_so_many_a_second_and_saves_nothing_up():
    now, waits = [0.0], []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    throttle = Throttle(100, clock=lambda: now[0], sleep=sleep)
    throttle.passed(50)
    now[0] += 10
    throttle.passed(50)
    throttle.passed(25)
    assert waits == pytest.approx([50 / 100, 50 / 100, 25 / 100])
    Throttle(None, sleep=lambda _: pytest.fail("waits")).passed(1_000)


def test_foreground_waits_for_a_busy_cluster_and_goes_on():
    done = Attachment("shop", "in_place", "shop", {}, {}, state="following")
    answers = [ClusterOverloaded("busy"), ClusterOverloaded("busy"), done]
    heard: list[str] = []

    class BusyFollower:
        class attachments:
            get = staticmethod(lambda _: done)

        def turn(self, *_: object) -> Attachment:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    result = follow_in_foreground(
        BusyFollower(),  # type: ignore[arg-type]
        done,
        on_progress=lambda _: None,
        on_wait=lambda error: heard.append(error.message),
        patience_seconds=30,
        until=lambda item: item.state == "following",
        pause_seconds=0,
    )
    assert (result, heard) == (done, ["busy", "busy"])
