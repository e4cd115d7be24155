"""The body of `POST /v1/events`: taken, or refused by the event and field that is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.errors import InvalidQuery
from service.events.event import MAX_EVENTS, MAX_OBJECTS, parse_events

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
Json = dict[str, Any]


def click(**changes: object) -> Json:
    event = {
        "action_name": "click",
        "query_id": "q1",
        "client_id": "anna",
        "timestamp": "2026-11-21T11:59:00Z",
        "index": "shop",
        "event_attributes": {"object": {"object_id": "p1"}, "position": {"ordinal": 2}},
    } | changes
    return {name: value for name, value in event.items() if value is not ...}


def impression(*objects: tuple[object, object], **changes: object) -> Json:
    shown = [{"object_id": one, "ordinal": place} for one, place in objects]
    attributes = {"objects": shown}
    return click(
        action_name="impression", user_query="mouse", event_attributes=attributes, **changes
    )


def attributes(**changes: object) -> Json:
    return click(event_attributes={**click()["event_attributes"], **changes})


BAD: list[tuple[Json, str, str]] = [
    (click(action_name="hover"), "action_name", "got 'hover'"),
    (click(action_name=...), "action_name", "is missing"),
    (click(query_id="with space"), "query_id", "got 'with space'"),
    (click(query_id="x" * 129), "query_id", "got 'xxx"),
    (click(query_id="a@b.de"), "query_id", "got 'a@b.de'"),
    (click(client_id=""), "client_id", "got ''"),
    (click(client_id=5), "client_id", "should be text, got 5"),
    (click(client_id="half \ud800"), "client_id", "surrogate"),
    (click(client_id="nul\0"), "client_id", "null character"),
    (click(session_id="x" * 257), "session_id", "256"),
    (click(timestamp=1_700_000_000), "timestamp", "got 1700000000"),
    (click(timestamp="yesterday"), "timestamp", "got 'yesterday'"),
    (click(timestamp="2026-11-21T12:05:01Z"), "timestamp", "5 minutes ahead"),
    (click(timestamp="2026-10-22T11:59:59Z"), "timestamp", "30 days"),
    (click(timestamp="2026-11-21T12:05:01+00:00"), "timestamp", "got '2026-11-21T12:05:01"),
    (click(user_query="x" * 1_001), "user_query", "1000"),
    (click(index=...), "index", "is missing"),
    (click(index=""), "index", "got ''"),
    (click(page="1"), "page", "no such field"),
    (click(event_attributes={}), "event_attributes.object", "is needed for 'click', got None"),
    (attributes(object={}), "event_attributes.object.object_id", "is missing"),
    (attributes(object={"object_id": ""}), "event_attributes.object.object_id", "got ''"),
    (
        attributes(object={"object_id": "ä" * 257}),
        "event_attributes.object.object_id",
        "longer than 512 bytes",
    ),
    (attributes(position=None), "event_attributes.position", "is needed for 'click', got None"),
    (attributes(position={"ordinal": 0}), "event_attributes.position.ordinal", "got 0"),
    (attributes(position={"ordinal": 1_001}), "event_attributes.position.ordinal", "got 1001"),
    (attributes(position={"ordinal": "2"}), "event_attributes.position.ordinal", "got '2'"),
    (attributes(position={"ordinal": True}), "event_attributes.position.ordinal", "got True"),
    (impression(("p1", 1)) | {"user_query": None}, "user_query", "for 'impression', got None"),
    (impression(), "event_attributes.objects", "is needed for 'impression', got []"),
    (impression(("p1", 1), ("p2", 0)), "event_attributes.objects[1].ordinal", "got 0"),
    (impression(("p1", 1), ("p2", 1)), "event_attributes.objects", "ordinal 1 is there twice"),
    (impression(("p1", 1), ("p1", 2)), "event_attributes.objects", "object_id 'p1' is there"),
    (
        impression(*((f"p{place}", place) for place in range(1, MAX_OBJECTS + 2))),
        "event_attributes.objects",
        "200",
    ),
    (click(action_name="search"), "user_query", "is needed for 'search', got None"),
    (
        click(action_name="purchase", event_attributes={"position": {"ordinal": 1}}),
        "event_attributes.object",
        "is needed for 'purchase', got None",
    ),
]


@pytest.mark.parametrize(("event", "field", "words"), BAD, ids=[f"{f}-{w}" for _, f, w in BAD])
def test_bad_event_is_refused_by_its_place_and_value(event: Json, field: str, words: str) -> None:
    with pytest.raises(InvalidQuery) as alone:
        parse_events(event, now=NOW)
    assert alone.value.field == field
    assert alone.value.message.startswith(f"{field}: ")
    assert words in alone.value.message
    with pytest.raises(InvalidQuery) as fourth:
        parse_events({"events": [click()] * 3 + [event, click()]}, now=NOW)
    assert fourth.value.field == f"events[3].{field}"
    assert fourth.value.message == f"events[3].{alone.value.message}"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([click()], "body"),
        ("click", "body"),
        (None, "body"),
        ({"events": []}, "events"),
        ({"events": {}}, "events"),
        ({"events": None}, "events"),
        ({"events": [click()], "source": "app"}, "source"),
        ({"events": ["click"]}, "events[0]"),
        ({"events": [click()] * (MAX_EVENTS + 1)}, "events"),
        ({}, "action_name"),
    ],
)
def test_body_of_another_shape_is_refused(body: object, field: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        parse_events(body, now=NOW)
    assert refused.value.field == field
    assert "got" in refused.value.message or "beside" in refused.value.message


def test_fields_of_ubi_that_are_not_used_are_dropped() -> None:
    event = click(
        event_attributes={
            "object": {"object_id": "p1", "name": "Mouse", "object_detail": {"isbn": "1"}},
            "position": {"ordinal": 2, "x": 10, "y": 20, "trail": "home"},
            "browser": "firefox",
            "ip": "10.0.0.1",
        }
    )
    (parsed,) = parse_events(event, now=NOW)
    assert parsed.event_attributes.model_dump(exclude_defaults=True) == {
        "object": {"object_id": "p1"},
        "position": {"ordinal": 2},
    }


@pytest.mark.parametrize(
    "at", [NOW + timedelta(minutes=5), NOW - timedelta(days=30)], ids=["latest", "oldest"]
)
def test_timestamp_at_the_limit_is_taken(at: datetime) -> None:
    (parsed,) = parse_events(click(timestamp=at.isoformat()), now=NOW)
    assert parsed.timestamp == at


def test_purchase_needs_no_position_and_a_blank_query_may_be_browsed() -> None:
    bought = click(action_name="purchase", event_attributes={"object": {"object_id": "p1"}})
    shown = impression(("p1", 1)) | {"user_query": ""}
    assert [one.action_name for one in parse_events({"events": [bought, shown]}, now=NOW)] == [
        "purchase",
        "impression",
    ]


def test_same_event_written_in_another_way_is_the_same_event() -> None:
    one = click(timestamp="2026-11-21T11:00:00+01:00")
    other = dict(reversed(click(timestamp="2026-11-21T10:00:00Z").items()))
    other["event_attributes"] = {**other["event_attributes"], "browser": "firefox"}
    later = click(timestamp="2026-11-21T10:00:01Z")
    first, second, third = parse_events({"events": [one, other, later]}, now=NOW)
    assert first.canonical() == second.canonical() != third.canonical()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (*click(), "session_id", "user_query", "event_attributes")


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
    st.dictionaries(st.sampled_from(("object", "position", "objects")), JSON),
    st.sampled_from(("search", "impression", "click", "purchase")),
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_sent_is_an_event_or_refused_by_a_field(
    changes: Json, about: Json, action: str
) -> None:
    event = attributes(**about) | {"action_name": action} | changes
    try:
        (parsed,) = parse_events(event, now=NOW)
    except InvalidQuery as refused:
        assert refused.field and refused.message.startswith(refused.field)
    else:
        assert parsed.action_name in ("search", "impression", "click", "purchase")
