"""Events over HTTP into a real Elasticsearch, and what is kept of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from elasticsearch import Elasticsearch
from flask.testing import FlaskClient
from jsonschema_rs import validator_for

from embedded.elasticsearch import EmbeddedElasticsearch
from embedded.redis_server import EmbeddedRedis
from mappings.command_line import cli
from mappings.errors import DocumentRejected
from service.clicks.sessions import CLICK, PURCHASE, build_sessions
from service.events.event_index import PATTERN, end_of_month, event_index
from service.events.event_store import Erased, EventStore
from service.events.pseudonyms import Pseudonyms
from service.events.stored_event import StoredEvent
from tests.service.conftest import running_app, services_of

pytestmark = pytest.mark.cluster
KEY = "a key that only the tests have"
PSEUDONYMS = Pseudonyms(KEY.encode())
PATH = "/v1/events"
LIMIT = 50


def remove_events(cluster: Elasticsearch) -> None:
    for name in cluster.indices.get(index=PATTERN):
        cluster.indices.delete(index=name)


@pytest.fixture
def store(cluster: Elasticsearch) -> Iterator[EventStore]:
    remove_events(cluster)
    yield EventStore(cluster)
    remove_events(cluster)


@pytest.fixture
def client(
    elasticsearch: EmbeddedElasticsearch, redis_server: EmbeddedRedis, store: EventStore
) -> Iterator[FlaskClient]:
    with running_app(
        elasticsearch.url,
        redis_server.url.removesuffix("/0") + "/6",
        service_events_key=KEY,
        service_events_per_minute=LIMIT,
    ) as app:
        services_of(app).task_records._client.flushdb()
        yield app.test_client()


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat(timespec="milliseconds")


def click(index: str, *, product: str = "p1", client: str = "anna", **changes: Any) -> Any:
    return {
        "action_name": "click",
        "query_id": "q1",
        "client_id": client,
        "session_id": "s1",
        "timestamp": ago(minutes=1),
        "user_query": "mouse anna@example.de",
        "index": index,
        "event_attributes": {"object": {"object_id": product}, "position": {"ordinal": 2}},
    } | changes


def impression(index: str, **changes: Any) -> Any:
    shown = [{"object_id": f"p{place}", "ordinal": place} for place in (1, 2, 3)]
    return click(index, action_name="impression", event_attributes={"objects": shown}, **changes)


def error_of(response: Any) -> dict[str, Any]:
    error: dict[str, Any] = response.json["error"]
    return error


def documents(cluster: Elasticsearch) -> list[dict[str, Any]]:
    cluster.indices.refresh(index=PATTERN)
    return [hit["_source"] for hit in cluster.search(index=PATTERN, size=100)["hits"]["hits"]]


def test_event_is_stored_in_its_month_without_who_it_was(
    client: FlaskClient, cluster: Elasticsearch, shop: str
) -> None:
    at = ago(minutes=1)
    response = client.post(PATH, json=click(shop, timestamp=at))
    assert (response.status_code, response.json) == (202, {"accepted": 1})
    assert list(cluster.indices.get(index=PATTERN)) == [event_index(datetime.fromisoformat(at))]
    (document,) = documents(cluster)
    assert document == {
        "action_name": "click",
        "query_id": "q1",
        "client_id": PSEUDONYMS.client("anna"),
        "session_id": PSEUDONYMS.session("s1"),
        "timestamp": at,
        "user_query": "mouse [email]",
        "index": shop,
        "key_id": PSEUDONYMS.key_id,
        "event_attributes": {"object": {"object_id": "p1"}, "position": {"ordinal": 2}},
    }


def test_what_was_sent_is_read_back_by_time(
    client: FlaskClient, store: EventStore, shop: str
) -> None:
    first, second = impression(shop, timestamp=ago(minutes=2)), click(shop)
    assert client.post(PATH, json={"events": [second, first]}).json == {"accepted": 2}
    shown, clicked = store.read(index=shop)
    assert (shown.action, shown.shown) == ("impression", (("p1", 1), ("p2", 2), ("p3", 3)))
    assert shown.at == datetime.fromisoformat(first["timestamp"])
    assert (clicked.action, clicked.object_id, clicked.ordinal) == ("click", "p1", 2)
    assert list(store.read(index="other")) == []
    assert list(store.read(since=clicked.at)) == [clicked]
    assert list(store.read(until=clicked.at)) == [shown]


def test_repeated_delivery_is_stored_once_also_within_one_body(
    client: FlaskClient, cluster: Elasticsearch, shop: str
) -> None:
    body = {"events": [click(shop), impression(shop)]}
    assert client.post(PATH, json=body).json == {"accepted": 2}
    again = {"events": [*body["events"], body["events"][0], click(shop, product="p3")]}
    assert client.post(PATH, json=again).json == {"accepted": 4}
    assert len(documents(cluster)) == 3


def test_one_bad_event_keeps_all_from_being_stored(
    client: FlaskClient, cluster: Elasticsearch, shop: str
) -> None:
    events = [click(shop), click(shop, product="p2"), click(shop, timestamp=ago(days=31))]
    response = client.post(PATH, json={"events": events})
    assert response.status_code == 400
    assert error_of(response)["field"] == "events[2].timestamp"
    assert not cluster.indices.get(index=PATTERN)


@pytest.mark.parametrize("index", ["no-such-index", "NOT A NAME"])
def test_index_that_is_not_there_is_a_400_by_its_place(
    client: FlaskClient, cluster: Elasticsearch, shop: str, index: str
) -> None:
    response = client.post(PATH, json={"events": [click(shop), click(index)]})
    assert response.status_code == 400
    assert error_of(response)["field"] == "events[1].index"
    assert index in error_of(response)["message"]
    assert not cluster.indices.get(index=PATTERN)


def test_parameter_is_refused_by_its_name(client: FlaskClient, shop: str) -> None:
    response = client.post(f"{PATH}?dry_run=1", json=click(shop))
    assert (response.status_code, error_of(response)["field"]) == (400, "dry_run")


def test_too_many_events_of_a_client_are_a_429_with_the_time_to_wait(
    client: FlaskClient, cluster: Elasticsearch, shop: str
) -> None:
    events = [click(shop, product=f"p{number}") for number in range(LIMIT)]
    assert client.post(PATH, json={"events": events}).status_code == 202
    refused = client.post(PATH, json=click(shop, product="more"))
    assert refused.status_code == 429
    assert error_of(refused)["code"] == "too_many_events"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert client.post(PATH, json=click(shop, client="ben")).status_code == 202
    assert len(documents(cluster)) == LIMIT + 1


def test_more_of_one_client_than_any_minute_takes_is_a_400(client: FlaskClient, shop: str) -> None:
    events = [click(shop, product=f"p{number}") for number in range(LIMIT + 1)]
    response = client.post(PATH, json={"events": events})
    assert (response.status_code, error_of(response)["field"]) == (400, "events")


def test_without_a_key_events_are_refused_with_the_setting_to_set(
    elasticsearch: EmbeddedElasticsearch,
    redis_server: EmbeddedRedis,
    store: EventStore,
    cluster: Elasticsearch,
    shop: str,
    tmp_path: Path,
) -> None:
    folder = str(tmp_path / "models")
    with running_app(elasticsearch.url, redis_server.url, model_directory=folder) as app:
        response = app.test_client().post(PATH, json=click(shop))
    assert response.status_code == 503
    assert error_of(response)["code"] == "missing_setting"
    assert "SHELFWISE_SERVICE_EVENTS_KEY" in error_of(response)["message"]
    assert not cluster.indices.get(index=PATTERN)


def test_query_is_kept_as_typed_when_the_setting_says_so(
    elasticsearch: EmbeddedElasticsearch,
    redis_server: EmbeddedRedis,
    store: EventStore,
    cluster: Elasticsearch,
    shop: str,
) -> None:
    with running_app(
        elasticsearch.url,
        redis_server.url,
        service_events_key=KEY,
        service_events_keep_query_text=True,
    ) as app:
        assert app.test_client().post(PATH, json=click(shop)).status_code == 202
    assert documents(cluster)[0]["user_query"] == "mouse anna@example.de"


def test_answers_are_as_documented(client: FlaskClient, shop: str) -> None:
    document: Any = client.get("/openapi.json").json
    answers = document["paths"][PATH]["post"]["responses"]
    for body, status in ((click(shop), 202), ({}, 400)):
        response = client.post(PATH, json=body)
        assert response.status_code == status
        schema = answers[str(status)]["content"]["application/json"]["schema"]
        whole = {**schema, "components": document["components"]}
        validator_for(whole).validate(response.json)


def test_cluster_away_is_a_503_and_redis_away_is_none(
    elasticsearch: EmbeddedElasticsearch,
    redis_server: EmbeddedRedis,
    store: EventStore,
    shop: str,
) -> None:
    nowhere = "http://127.0.0.1:9"
    with running_app(nowhere, redis_server.url, service_events_key=KEY) as app:
        response = app.test_client().post(PATH, json=click(shop))
    assert response.status_code == 503
    assert error_of(response)["code"] == "cluster_unavailable"
    assert int(response.headers["Retry-After"]) > 0
    with running_app(elasticsearch.url, "redis://127.0.0.1:9/0", service_events_key=KEY) as app:
        assert app.test_client().post(PATH, json=click(shop)).status_code == 202
    assert len(list(store.read())) == 1


def test_what_is_stored_becomes_sessions_and_forged_clicks_do_not(
    client: FlaskClient, store: EventStore, shop: str
) -> None:
    events = [
        impression(shop, user_query="Gaming  mouse"),
        click(shop, product="p2"),
        click(shop, product="p3"),  # at position 2, where p2 was
        click(shop, product="p1", client="eve"),
        click(
            shop,
            product="p1",
            action_name="purchase",
            event_attributes={"object": {"object_id": "p1"}},
        ),
    ]
    assert client.post(PATH, json={"events": events}).status_code == 202
    report = build_sessions(store.read(index=shop))
    (session,) = report.sessions
    assert (session.query, session.client) == ("gaming mouse", PSEUDONYMS.client("anna"))
    assert session.shown == (("p1", 1), ("p2", 2), ("p3", 3))
    assert session.levels == {1: PURCHASE, 2: CLICK}
    assert report.dropped == {"not_shown_there": 1, "other_client": 1}


def test_more_events_than_a_page_are_all_read_and_erased(store: EventStore, shop: str) -> None:
    at = datetime.now(UTC)
    many = [
        StoredEvent(str(number), "search", "q1", "c", None, at, "mouse", shop, "k")
        for number in range(2_500)
    ]
    assert store.add(many) == 2_500
    assert store.add(many) == 0
    assert {event.id for event in store.read()} == {event.id for event in many}
    assert store.erase("c", key_id="k") == Erased(2_500, 0)
    assert list(store.read()) == []


def send(http: FlaskClient, shop: str, **changes: Any) -> None:
    assert http.post(PATH, json=click(shop, **changes)).status_code == 202


def test_index_dropped_meanwhile_is_made_again_with_its_mapping(
    client: FlaskClient, cluster: Elasticsearch, shop: str
) -> None:
    send(client, shop)
    remove_events(cluster)
    send(client, shop)
    (found,) = cluster.indices.get(index=PATTERN).values()
    assert found["mappings"]["dynamic"] == "strict"


def test_document_that_does_not_fit_is_an_error_and_no_loss(
    client: FlaskClient, store: EventStore, cluster: Elasticsearch, shop: str
) -> None:
    send(client, shop)
    (event,) = store.read()
    object.__setattr__(event, "id", "another")
    object.__setattr__(event, "ordinal", 70_000)  # no `short`
    with pytest.raises(DocumentRejected, match="ordinal"):
        store.add([event])


class TestForgetting:
    @pytest.fixture(autouse=True)
    def environment(
        self, monkeypatch: pytest.MonkeyPatch, elasticsearch: EmbeddedElasticsearch
    ) -> None:
        monkeypatch.setenv("SHELFWISE_ELASTICSEARCH_URL", elasticsearch.url)
        monkeypatch.setenv("SHELFWISE_SERVICE_EVENTS_KEY", KEY)

    def run(self, *arguments: str) -> str:
        result = CliRunner().invoke(cli, ["events", *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    def test_client_is_erased_from_every_month_and_no_other(
        self, client: FlaskClient, store: EventStore, shop: str
    ) -> None:
        for days in (0, 1, 29):
            send(client, shop, timestamp=ago(days=days, minutes=1))
        send(client, shop, client="ben")
        assert self.run("erase", "--client", "anna") == "deleted 3 events\n"
        assert [event.client for event in store.read()] == [PSEUDONYMS.client("ben")]
        assert self.run("erase", "--client", "anna") == "deleted 0 events\n"

    def test_erasing_says_what_another_key_keeps_out_of_sight(
        self, client: FlaskClient, store: EventStore, shop: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send(client, shop)
        monkeypatch.setenv("SHELFWISE_SERVICE_EVENTS_KEY", "a key that came later")
        output = self.run("erase", "--client", "anna")
        assert "deleted 0 events" in output and "1 events were stored under another" in output
        assert len(list(store.read())) == 1

    def test_purge_deletes_what_is_older_and_drops_months_that_are_over(
        self, client: FlaskClient, store: EventStore, cluster: Elasticsearch, shop: str
    ) -> None:
        for days in (0, 2, 4, 29):
            send(client, shop, timestamp=ago(days=days, minutes=1))
        (old, *_) = [event for event in store.read()]
        for age in (100, 200):  # as if they had been stored long ago
            at = datetime.now(UTC) - timedelta(days=age)
            store.add([type(old)(**{**vars(old), "id": str(age), "at": at})])
        months = set(cluster.indices.get(index=PATTERN))
        assert self.run("purge", "--older-than", "3d") == "deleted 4 events\n"
        left = [event.at for event in store.read()]
        limit = datetime.now(UTC) - timedelta(days=3)
        assert len(left) == 2 and all(at > limit for at in left)
        over = {month for month in months if (end_of_month(month) or limit) < limit}
        assert len(over) >= 2 and not over & set(cluster.indices.get(index=PATTERN))

    def test_stats_count_by_action_and_month(self, client: FlaskClient, shop: str) -> None:
        send(client, shop)
        send(client, shop, client="ben", action_name="purchase")
        output = self.run("stats")
        assert "2 events of about 2 clients" in output
        assert "purchase" in output and "click" in output
        assert '"events": 2' in self.run("stats", "--json")

    def test_nothing_stored_is_no_error(self, store: EventStore) -> None:
        assert self.run("stats") == "0 events of about 0 clients\n"
        assert self.run("purge", "--older-than", "90d") == "deleted 0 events\n"
        assert self.run("erase", "--client", "anna") == "deleted 0 events\n"
        assert list(store.read()) == []


@pytest.mark.parametrize(
    ("index", "end"),
    [
        ("shelfwise-events-2026.11", datetime(2026, 12, 1, tzinfo=UTC)),
        ("shelfwise-events-2026.12", datetime(2027, 1, 1, tzinfo=UTC)),
        ("shelfwise-events-2026.13", None),
        ("shelfwise-events-2026.11-old", None),
    ],
)
def test_month_of_a_name_ends_where_the_next_begins(index: str, end: datetime | None) -> None:
    assert end_of_month(index) == end
