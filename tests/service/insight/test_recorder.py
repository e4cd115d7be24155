"""The thread that writes: it never stands in the way of a search, and forgets in time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
import redis

from mappings.cluster import connect
from mappings.errors import ClusterUnavailable, ShelfwiseError
from mappings.settings import SharedSettings
from service.events.event_store import EventStore
from service.insight import recorder as module
from service.insight.log_store import LogStore, end_of_day, log_index
from service.insight.recorder import Recorder, Retention
from service.insight.search_log import LoggedSearch

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Store(LogStore):
    """Keeps documents in memory. away: whether it fails."""

    def __init__(self) -> None:
        self.written: list[dict] = []
        self.purged: list[datetime] = []
        self.away = False

    def write(self, documents):
        if self.away:
            raise ClusterUnavailable("away", retry_after_seconds=1)
        self.written += documents

    def purge(self, before):
        self.purged.append(before)
        return 1


class Events(EventStore):
    """Notes what is to be forgotten."""

    def __init__(self) -> None:
        self.purged: list[datetime] = []

    def purge(self, before):
        self.purged.append(before)
        return 2


class Turns(redis.Redis):
    """Gives the first one a turn."""

    def __init__(self) -> None:
        self.keys_set: set[str] = set()

    def set(self, name, *_, **__):
        is_first = name not in self.keys_set
        self.keys_set.add(name)
        return is_first or None


class NoRedis(Turns):
    """Is away."""

    def set(self, name, *_, **__):
        raise redis.ConnectionError("away")


def made(store=None, events=None, queue=None, *, days=(30, 90), **more) -> Recorder:
    return Recorder(
        store or Store(),
        events or Events(),
        queue or Turns(),
        retention=Retention(*days),
        now=lambda: NOW,
        **more,
    )


def search(number: int = 0) -> LoggedSearch:
    return LoggedSearch("shop", "search", f"query {number}", 1, 5.0)


def test_what_was_not_written_is_written_the_next_time():
    store = Store()
    recorder = made(store)
    recorder.note(search())
    store.away = True
    with pytest.raises(ClusterUnavailable):
        recorder.flush()
    recorder.note(search(1))
    store.away = False
    assert recorder.flush() == 4
    assert sorted(one["query"] for one in store.written if one["kind"] == "query") == [
        *("query 0", "query 1")
    ]
    assert recorder.flush() == 0


def test_of_too_much_that_waits_the_oldest_is_dropped_and_counted(monkeypatch):
    monkeypatch.setattr(module, "MOST_WAITING", 10)
    store, dropped = Store(), []
    recorder = made(store, on_drop=dropped.append)
    store.away = True
    for number in range(8):
        recorder.note(search(number))
        with pytest.raises(ClusterUnavailable):
            recorder.flush()
    assert sum(dropped) == 8 * 2 - 10
    store.away = False
    recorder.flush()
    assert [one["query"] for one in store.written if one["kind"] == "query"] == [
        f"query {number}" for number in range(3, 8)
    ]


def test_switched_off_it_records_nothing_and_forgets_all_the_same():
    store, events = Store(), Events()
    recorder = made(store, events, is_on=False)
    recorder.note(search())
    assert (recorder.flush(), recorder.sample_queue()) == (0, False)
    assert recorder.purge()
    assert store.purged == [NOW - timedelta(days=30)]
    assert events.purged == [NOW - timedelta(days=90)]


def test_one_process_of_all_forgets_and_0_days_are_for_ever():
    store, events, queue = Store(), Events(), Turns()
    recorder = made(store, events, queue, days=(0, 0))
    assert recorder.purge()
    assert not made(store, events, queue).purge()
    assert not made(store, events, NoRedis()).purge()
    assert (store.purged, events.purged) == ([], [])


def test_searches_do_not_wait_while_the_cluster_is_away(monkeypatch):
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.01)
    settings = SharedSettings(elasticsearch_url="http://127.0.0.1:9")
    with connect(settings) as client:
        recorder = made(LogStore(client), queue=NoRedis())
        recorder.start()
        began = time.perf_counter()
        slowest = 0.0
        while time.perf_counter() - began < 0.3:
            before = time.perf_counter()
            recorder.note(search())
            slowest = max(slowest, time.perf_counter() - before)
        began = time.perf_counter()
        recorder.close()
        assert time.perf_counter() - began < module.CLOSE_SECONDS
    assert slowest < 0.1  # a thread of ours had the processor; a refused connection takes longer
    with pytest.raises(ShelfwiseError):
        recorder.flush()
    assert recorder._waiting  # nothing was lost


def test_closing_writes_what_is_left(monkeypatch):
    store = Store()
    recorder = made(store, queue=NoRedis())
    recorder.start()
    recorder.note(search())
    recorder.close()
    assert len(store.written) == 2


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("shelfwise-searches-2026.12.31", datetime(2027, 1, 1, tzinfo=UTC)),
        ("shelfwise-searches-2026.13.01", None),
        ("shelfwise-searches-2026.1.01", None),
        ("shelfwise-events-2026.11", None),
    ],
)
def test_days_end_at_midnight(name, end):
    assert end_of_day(name) == end
    if end:
        last = end - timedelta(milliseconds=1)
        assert log_index(round(last.timestamp() * 1e3)) == name
