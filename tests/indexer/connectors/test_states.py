"""What the cluster keeps of a source: one reader at a time, and a cursor that stays."""

from __future__ import annotations

import os
import secrets
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest

from indexer.connectors.states import STATES_INDEX, SourceStates, new_owner
from mappings.errors import SourceBusy

pytestmark = pytest.mark.cluster


class Clock:
    now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def states(cluster, clock) -> SourceStates:
    return SourceStates(cluster, now=clock, lease_seconds=60)


@pytest.fixture
def name(cluster) -> str:
    name = f"source-{secrets.token_hex(4)}"
    yield name
    cluster.options(ignore_status=404).delete(index=STATES_INDEX, id=name, refresh=True)


def claim(states, name, owner="elsewhere:1:a", identity="files a"):
    return states.claim(name, owner, index="shop", identity=identity)


def test_cursor_is_there_for_the_next_process(states, name):
    held = claim(states, name)
    assert held.state.cursor is None
    held.release(cursor={"at": [1, {"datetime": "2026"}]}, counts={"records": 3})
    again = claim(states, name, owner="elsewhere:2:b")
    assert again.state.cursor == {"at": [1, {"datetime": "2026"}]}
    assert [one.counts for one in states.list() if one.source == name] == [{"records": 3}]


def test_source_is_read_by_one_process_until_its_lease_ends(states, name, clock):
    held = claim(states, name)
    clock.now += timedelta(seconds=59)
    with pytest.raises(SourceBusy, match="elsewhere:1:a"):
        claim(states, name, owner="elsewhere:2:b")
    held.save()
    clock.now += timedelta(seconds=59)
    with pytest.raises(SourceBusy):
        claim(states, name, owner="elsewhere:2:b")
    clock.now += timedelta(seconds=2)
    claim(states, name, owner="elsewhere:2:b")
    with pytest.raises(SourceBusy):
        held.save(cursor={"late": True})


@pytest.mark.parametrize("number", [os.getpid(), 2**22 + 1], ids=["before me", "ended"])
def test_source_of_a_process_that_died_here_is_free_at_once(states, name, number):
    claim(states, name, owner=f"{socket.gethostname()}:{number}:a")
    claim(states, name, owner=new_owner())


def test_lease_is_renewed_while_a_page_takes_long(cluster, name):
    states = SourceStates(cluster, lease_seconds=0.4)
    held = claim(states, name)
    with held.kept():
        first = held.state.lease_until
        for _ in range(100):
            if held.state.lease_until != first:
                break
            time.sleep(0.05)
        assert held.state.lease_until > first
    held.release()


def test_other_source_under_the_same_name_begins_anew(states, name):
    claim(states, name).release(cursor={"at": 1}, complete_as_of="2026-03-01T00:00:00Z")
    again = claim(states, name, identity="files b")
    assert (again.state.cursor, again.state.complete_as_of) == (None, None)


def test_index_is_hidden(states, name, cluster):
    claim(states, name).release()
    assert STATES_INDEX not in cluster.indices.get(index="*")
