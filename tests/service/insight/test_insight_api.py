"""Searches and events of which every number is known, and what insight tells of them."""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from flask import Flask

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from indexer.encoders.hashing import HashingEncoder
from mappings.index_lifecycle import create_index
from service.events.event_index import PATTERN as EVENTS
from service.events.event_store import EventStore
from service.events.stored_event import StoredEvent
from service.insight.latency_buckets import GROWTH
from service.insight.log_store import HIDDEN, LogStore, log_index
from service.insight.log_store import PATTERN as SEARCHES
from service.insight.outcomes import read_outcomes
from service.insight.search_log import LoggedSearch
from service.insight.time_range import TimeRange
from tests.service.catalogue import PRODUCTS
from tests.service.conftest import TEMPLATE, fill, running_app, services_of

pytestmark = pytest.mark.cluster
HOSTILE = ("<script>alert(1)</script>", "\u202egnp.exe", "=cmd|' /c calc'!a1", "\U0001f45f schuh")
TIMES = np.random.default_rng(3).lognormal(3.2, 0.5, 400)


def note(app: Flask, index: str, words: str, times: int = 1, **changes: Any) -> None:
    values: dict[str, Any] = {"source": "search", "total": 3, "took_ms": 20.0, "weights": "w1"}
    for _ in range(times):
        services_of(app).recorder.note(LoggedSearch(index=index, words=words, **values | changes))


def write(app: Flask) -> None:
    services_of(app).recorder.flush()
    services_of(app).recorder._store.refresh()


def event(index: str, action: str, search: str, **changes: Any) -> StoredEvent:
    values: dict[str, Any] = {
        "id": secrets.token_hex(8),
        "action": action,
        "query_id": search,
        "client": "c" * 64,
        "session": None,
        "at": datetime.now(UTC) - timedelta(minutes=2),
        "user_query": None,
        "index": index,
        "key_id": "k",
    }
    return StoredEvent(**values | changes)


def shown(index: str, search: str, query: str, places: range) -> StoredEvent:
    products = tuple((f"p{place}", place) for place in places)
    return event(index, "impression", search, user_query=query, shown=products)


def clicked(index: str, search: str, place: int, action: str = "click") -> StoredEvent:
    ordinal = place if action == "click" else None
    return event(index, action, search, object_id=f"p{place}", ordinal=ordinal)


def events_of(index: str) -> list[StoredEvent]:
    """Ten searches for mouse, six for hat: 4 and 0 clicked, one bought."""
    made = []
    for number in range(10):
        made.append(shown(index, f"m{number}", "Mouse", range(1, 4)))
        if number < 4:
            made.append(clicked(index, f"m{number}", 1 if number < 3 else 2))
    made.append(clicked(index, "m0", 1))  # again: one search counts once
    made.append(clicked(index, "m3", 2, "purchase"))  # names no position: that of the click
    made += [shown(index, f"h{number}", "hat", range(1, 3)) for number in range(6)]
    return made


@pytest.fixture(scope="module")
def name(cluster: Elasticsearch) -> Iterator[str]:
    name = f"insight-{secrets.token_hex(4)}"
    live = create_index(cluster, name, {"text_vector": HashingEncoder(template=TEMPLATE).spec})
    fill(cluster, name, PRODUCTS[:12])
    yield name
    cluster.indices.delete(index=live.index)
    for pattern in (SEARCHES, EVENTS):
        for index in cluster.indices.get(index=pattern, expand_wildcards=HIDDEN):
            cluster.indices.delete(index=index)


@pytest.fixture(scope="module")
def app(
    elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis, name: str
) -> Iterator[Flask]:
    """A service that knows 400 searches of one hour, and some events."""
    redis_url = redis_server.url.removesuffix("/0") + "/7"
    with running_app(elasticsearch.url, redis_url, service_events_key="k" * 20) as app:
        for took in TIMES:
            note(app, name, "mouse", took_ms=float(took))
        note(app, name, "Keyboard", 5, took_ms=1.0, total=0, source="shop", dropped=("slow",))
        note(app, name, "keyboard", 2, took_ms=1.0, source="shop", rules="r4")
        note(app, name, "hat", 3, took_ms=1.0, is_first_page=False)
        for query in HOSTILE:
            note(app, name, query, took_ms=1.0, total=0)
        note(app, "another", "mouse", 50)
        write(app)
        store = EventStore(services_of(app).client)
        store.add(events_of(name))
        services_of(app).client.indices.refresh(index=EVENTS)
        yield app


def ask(app: Flask, name: str, part: str, **parameters: object) -> dict[str, Any]:
    response = app.test_client().get(
        f"/v1/indexes/{name}/insight/{part}", query_string={"from": "1h", **parameters}
    )
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json
    return found


def test_summary_counts_what_was_searched(app, name):
    found = ask(app, name, "summary")
    assert found["searches"] == 400 + 7 + 4
    assert (found["pages"], found["zero_results"], found["degraded"]) == (3, 5 + 4, 5)
    assert found["zero_share"] == round(9 / 411, 4)
    assert found["sources"] == [{"name": "search", "count": 404}, {"name": "shop", "count": 7}]
    assert found["weights"] == [{"name": "w1", "count": 411}]
    assert found["rules"] == [{"name": "r4", "count": 2}]
    assert found["fallbacks"] == [{"name": "slow", "count": 5}]
    assert (found["shown"], found["click_rate"]) == (16, 0.25)
    assert found["purchase_rate"] == round(1 / 16, 4)
    assert found["notes"] == []
    assert sum(row["searches"] for row in found["rows"]) == 411
    assert 60 <= len(found["rows"]) <= 62  # steps of nothing are shown, too
    times = [*TIMES, *[1.0] * 14]
    for share, value in ((0.5, found["p50_ms"]), (0.95, found["p95_ms"])):
        true = float(np.quantile(times, share, method="inverted_cdf"))
        assert true / GROWTH < value < true * GROWTH


def test_times_add_up_over_all_answers(app, name):
    (row,) = [row for row in ask(app, name, "latency")["rows"] if row["answers"]]
    assert row["answers"] == 414
    assert row["mean_ms"] == pytest.approx((TIMES.sum() + 14) / 414, abs=0.01)
    assert row["max_ms"] == pytest.approx(TIMES.max(), abs=0.01)
    assert row["p50_ms"] < row["p95_ms"] < row["p99_ms"] <= row["max_ms"]


def test_queries_are_ranked_with_what_became_of_them(app, name):
    first, second, *others = ask(app, name, "queries")["rows"]
    assert (first["query"], first["searches"], first["zero_share"]) == ("mouse", 400, 0.0)
    assert (first["shown"], first["click_rate"], first["purchase_rate"]) == (10, 0.4, 0.1)
    assert (first["click_low"], first["click_high"]) == (0.1682, 0.6873)
    assert (second["query"], second["zero_share"]) == ("keyboard", round(5 / 7, 4))
    assert (second["shown"], second["click_rate"]) == (0, None)
    assert {row["query"] for row in others} == {query.casefold() for query in HOSTILE}
    assert len(ask(app, name, "queries", limit=1)["rows"]) == 1


def test_queries_without_results_and_without_clicks(app, name):
    rows = ask(app, name, "queries", only="no_results")["rows"]
    assert rows[0]["query"] == "keyboard"
    assert len(rows) == 5
    (row,) = ask(app, name, "queries", only="no_clicks")["rows"]
    assert (row["query"], row["shown"], row["click_rate"]) == ("hat", 6, 0.0)
    assert row["searches"] == 6  # only events know of it: its first pages were not recorded
    assert ask(app, name, "queries", only="no_clicks", least=7)["rows"] == []


def test_rates_by_position(app, name):
    first, second, third = ask(app, name, "positions")["rows"]
    assert [first["position"], second["position"], third["position"]] == [1, 2, 3]
    assert (first["shown"], first["clicked"], first["purchased"]) == (16, 3, 0)
    assert (second["shown"], second["clicked"], second["purchased"]) == (16, 1, 1)
    assert (third["shown"], third["clicked"], third["click_rate"]) == (10, 0, 0.0)
    # Wilson's upper end of 0 of 10: z^2 / (10 + z^2).
    assert third["click_high"] == round(1.959964**2 / (10 + 1.959964**2), 4)
    assert len(ask(app, name, "positions", limit=2)["rows"]) == 2


def test_a_look_at_a_part_of_the_searches_says_so(app, name, cluster):
    span = TimeRange.parse("1h", None, now=datetime.now(UTC))
    whole, part = (read_outcomes(cluster, name, span, most_rows=rows) for rows in (1_000, 8))
    assert (whole.is_sample, whole.total.shown) == (False, 16)
    assert part.is_sample
    assert 0 < part.total.shown < 16


def test_queue_is_sampled_once_a_minute_of_all_processes(app, name, cluster):
    services = services_of(app)
    # Other tests have sampled queues of theirs, which are no index's own.
    queues = cluster.search(
        index=SEARCHES,
        query={"term": {"kind": "queue"}},
        size=1_000,
        expand_wildcards=HIDDEN,
    )
    for hit in queues["hits"]["hits"]:
        cluster.delete(index=hit["_index"], id=hit["_id"])
    services.recorder._queue.flushdb()
    assert services.recorder.sample_queue()
    assert not services.recorder.sample_queue()
    write(app)
    found = ask(app, name, "lag")
    assert {row["lane"] for row in found["rows"]} == {"fast", "changes", "bulk", "photos"}
    assert all(row["oldest_seconds"] == 0 for row in found["rows"])


@pytest.mark.parametrize("part", ["summary", "queries", "positions", "latency", "lag"])
def test_every_table_is_a_file_for_spreadsheets(app, name, part):
    path = f"/v1/indexes/{name}/insight/{part}"
    response = app.test_client().get(path, query_string={"from": "1h", "format": "csv"})
    assert response.mimetype == "text/csv"
    assert f'filename="{name}-{part}.csv"' in response.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
    answer = ask(app, name, part)["rows"]
    assert len(rows) == len(answer)
    if part == "queries":
        assert [row["query"] for row in rows] == [
            f"'{row['query']}" if row["query"].startswith("=") else row["query"] for row in answer
        ]


@pytest.mark.parametrize(
    ("part", "parameters", "field"),
    [
        ("summary", {"from": "soon"}, "from"),
        ("summary", {"to": "2h"}, "from"),
        ("summary", {"limit": "3"}, "limit"),
        ("queries", {"only": "bad"}, "only"),
        ("queries", {"limit": "0"}, "limit"),
        ("positions", {"limit": "201"}, "limit"),
        ("lag", {"format": "xlsx"}, "format"),
    ],
)
def test_wrong_parameter_is_a_400_that_names_it(app, name, part, parameters, field):
    response = app.test_client().get(
        f"/v1/indexes/{name}/insight/{part}", query_string={"from": "1h", **parameters}
    )
    assert (response.status_code, response.json["error"]["field"]) == (400, field)


def test_index_that_is_not_there_is_a_404(app):
    assert app.test_client().get("/v1/indexes/nobody/insight/summary").status_code == 404


def test_searches_of_every_kind_are_recorded(app, name):
    client = app.test_client()
    before = ask(app, name, "summary")
    client.post(f"/v1/indexes/{name}/search", json={"q": {"blue anna@b.de": 1.0, "red": -1.0}})
    client.get(f"/shop/{name}?q=blue")
    body = {"query": {"match": {"title": "blue"}}}
    hybrid = client.post(f"/{name}/_search", json=body)
    assert hybrid.headers["Shelfwise-Search"].startswith("hybrid")
    assert client.post(f"/{name}/_search", json={"query": {"match_all": {}}}).status_code == 200
    write(app)
    after = ask(app, name, "summary")
    counts = {one["name"]: one["count"] for one in after["sources"]}
    for one in before["sources"]:
        counts[one["name"]] -= one["count"]
    assert counts == {"search": 1, "shop": 1, "elasticsearch": 1, "passed": 1}
    found = {row["query"]: row for row in ask(app, name, "queries")["rows"]}
    assert found["blue"]["searches"] == 2
    assert found["blue [email]"]["searches"] == 1


def test_written_twice_counts_once_and_what_is_old_is_dropped(cluster, name):
    store, old = LogStore(cluster), datetime.now(UTC) - timedelta(days=40)
    document = {
        "id": "once",
        "kind": "query",
        "at": round(old.timestamp() * 1e3),
        "index": name,
        "query": "old",
        "searches": 1,
    }
    store.write([document])
    store.write([document])
    store.refresh()
    day = log_index(document["at"])
    assert cluster.count(index=day)["count"] == 1
    assert day not in cluster.indices.get(index="*")  # hidden, its alias too
    assert store.purge(old) == 0
    assert store.purge(datetime.now(UTC) - timedelta(days=30)) == 1
    assert day not in store.names()
