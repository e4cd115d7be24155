"""What is counted in memory, and what documents it becomes."""

from __future__ import annotations

import json
import threading
import time

import pytest

from service.insight.latency_buckets import NAMES, bucket_of
from service.insight.search_log import LoggedSearch, SearchLog, query_key


def searched(words: str = "mouse", **changes: object) -> LoggedSearch:
    values = {"index": "shop", "source": "search", "total": 3, "took_ms": 20.0, "weights": "w1"}
    return LoggedSearch(words=words, **{**values, **changes})  # type: ignore[arg-type]


def by_kind(documents):
    return (
        [one for one in documents if one["kind"] == "searches"],
        {one["query"]: one for one in documents if one["kind"] == "query"},
    )


def test_searches_become_one_document_of_their_kind_and_one_for_each_query():
    log = SearchLog(clock=lambda: 1_700_000_000.5)
    log.note(searched(took_ms=10.0))
    log.note(searched("Mouse ", took_ms=30.0, total=0, dropped=("slow", "slow")))
    log.note(searched("keyboard", took_ms=50.0, total=None))
    log.note(searched("keyboard", took_ms=5.0, is_first_page=False))
    log.note(searched("", took_ms=1.0))
    (kind,), queries = by_kind(log.take())
    assert kind["at"] == 1_700_000_000_500
    assert (kind["searches"], kind["pages"], kind["known"], kind["zero"]) == (4, 1, 3, 1)
    assert (kind["degraded"], kind["dropped"]) == (1, {"slow": 1})
    assert (kind["took_sum"], kind["took_max"]) == (96.0, 50.0)
    assert kind["took"] == {NAMES[bucket_of(ms)]: 1 for ms in (10.0, 30.0, 50.0, 5.0, 1.0)}
    assert sorted(queries) == ["keyboard", "mouse"]
    assert (queries["mouse"]["searches"], queries["mouse"]["zero"]) == (2, 1)
    assert (queries["keyboard"]["searches"], queries["keyboard"]["known"]) == (1, 0)
    assert log.take() == []


def test_kinds_are_told_apart_and_ids_are_of_their_own():
    log = SearchLog()
    for changes in ({}, {"source": "shop"}, {"weights": "w2"}, {"index": "other"}, {"rules": "r"}):
        log.note(searched(**changes))
    documents = log.take()
    assert len({one["id"] for one in documents}) == len(documents) == 5 + 2
    log.note(searched())
    assert log.take()[0]["id"] not in {one["id"] for one in documents}


def test_no_more_queries_are_told_apart_than_the_limit_and_none_is_lost_from_the_sum():
    log = SearchLog(most_queries=3)
    for number in range(10):
        log.note(searched(f"query {number}"))
    log.note(searched("query 0"))
    (kind,), queries = by_kind(log.take())
    assert kind["searches"] == 11
    assert {query: one["searches"] for query, one in queries.items()} == {
        **{"query 0": 2, "query 1": 1, "query 2": 1}
    }


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("  Rote   SCHUHE ", "rote schuhe"),
        ("shoe for anna@example.de", "shoe for [email]"),
        ("call 0171 2345 6789", "call [number]"),
        ("x" * 500, "x" * 200),
        ("\u202eevil \U0001f600", "\u202eevil \U0001f600"),
        ("   ", ""),
    ],
)
def test_queries_are_masked_and_folded(text, key):
    assert query_key(text) == key


def test_nothing_personal_is_in_what_is_written():
    log = SearchLog()
    log.note(searched("anna@example.de"))
    text = json.dumps(log.take())
    assert "anna" not in text and "[email]" in text
    assert "anna" not in repr(searched("anna@example.de"))


def test_threads_lose_no_search():
    log, taken = SearchLog(most_queries=10), []

    def ask():
        for number in range(2_000):
            log.note(searched(f"q{number % 5}"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken += log.take()
        time.sleep(0.002)
    kinds, _ = by_kind(taken + log.take())
    assert sum(one["searches"] for one in kinds) == 8_000


def test_a_search_pays_microseconds():
    log, one = SearchLog(), searched("wireless mouse")
    best = min(_timed(log, one) for _ in range(5))
    assert best < 50e-6  # about 3 on a machine with nothing else to do


def _timed(log: SearchLog, one: LoggedSearch) -> float:
    began = time.perf_counter()
    for _ in range(1_000):
        log.note(one)
    return (time.perf_counter() - began) / 1_000
