"""Events as a shop sends them, in the shape of User Behavior Insights, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from mappings.errors import InvalidQuery
from mappings.index_names import MAX_NAME_LENGTH
from mappings.product import MAX_ID_BYTES, Date, Text
from mappings.validation_faults import first_fault, shorten
from service.search_request import QueryText

MAX_EVENTS = 1_000
"""Events in one request."""

MAX_OBJECTS = 200
"""Products in one impression: the most hits that a page of a search has."""

MAX_ORDINAL = 1_000
MAX_FUTURE = timedelta(minutes=5)
"""How far a browser's clock may be ahead."""

MAX_AGE = timedelta(days=30)
"""Browsers send what they kept while they were offline; older events are somebody's import."""

_LIST_PLACE = re.compile(r"\.(\d+)(?=\.|$)")


def _check_object_id(value: str) -> str:
    if len(value.encode()) > MAX_ID_BYTES:
        raise ValueError(f"is longer than {MAX_ID_BYTES} bytes")
    return value


PersonId = Annotated[Text, StringConstraints(min_length=1, max_length=256)]
# No other characters: whoever puts an address or a name here would have it stored in clear.
QueryId = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9._:-]{1,128}$")]
ObjectId = Annotated[Text, StringConstraints(min_length=1), AfterValidator(_check_object_id)]
Ordinal = Annotated[int, Field(strict=True, ge=1, le=MAX_ORDINAL)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class EventObject(_Part):
    """The product that an event is about."""

    object_id: ObjectId


class EventPosition(_Part):
    """Where on the page it was; 1 is the top."""

    ordinal: Ordinal


class ShownObject(_Part):
    """A product that was shown, and where; 1 is the top."""

    object_id: ObjectId
    ordinal: Ordinal


class EventAttributes(_Part):
    """What an action was about; fields that are not named here are dropped."""

    object: EventObject | None = None
    position: EventPosition | None = None
    objects: Annotated[tuple[ShownObject, ...], Field(max_length=MAX_OBJECTS)] = Field(
        (), description="For an impression: what was shown, and where."
    )


class Event(BaseModel):
    """One action of one shopper on the results of one search."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action_name: Literal["search", "impression", "click", "add_to_cart", "purchase"]
    query_id: QueryId = Field(description="The `query_id` of the search's answer.")
    client_id: PersonId = Field(description="Who; stored only as a keyed hash.")
    session_id: PersonId | None = Field(None, description="Visit; stored only as a keyed hash.")
    timestamp: Date = Field(
        description="ISO 8601; at most 5 minutes ahead and 30 days ago. Without a zone: UTC."
    )
    user_query: QueryText | None = Field(
        None, description="What was typed; needed for `search` and `impression`."
    )
    index: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=MAX_NAME_LENGTH)]
    event_attributes: EventAttributes = EventAttributes()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Require what the action cannot be understood without."""
        action, attributes = self.action_name, self.event_attributes
        if action in ("search", "impression"):
            _require("user_query", self.user_query is not None, action)
        if action == "impression":
            _require("event_attributes.objects", bool(attributes.objects), action)
            _check_distinct("ordinal", [one.ordinal for one in attributes.objects])
            _check_distinct("object_id", [one.object_id for one in attributes.objects])
        elif action != "search":
            _require("event_attributes.object", attributes.object is not None, action)
        if action == "click":
            _require("event_attributes.position", attributes.position is not None, action)
        return self

    def canonical(self) -> bytes:
        """Return the same bytes for the same event, however its JSON was written."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)


def parse_events(body: object, *, now: datetime) -> list[Event]:
    """Return the events of a decoded body: one event, or {"events": [...]}.

    Raises InvalidQuery for the first that is wrong; `field` and message name its place, such
    as events[3].timestamp, and the value.
    """
    if not isinstance(body, Mapping):
        raise InvalidQuery(
            f"the body should be an event or {{'events': [...]}}, got {shorten(body)}",
            field="body",
        )
    if "events" not in body:
        return [_parse_event(body, "", now)]
    raws = body["events"]
    if others := sorted(set(body) - {"events"}):
        raise InvalidQuery(
            f"{shorten(others[0])}: there is no such field beside events", field=others[0][:80]
        )
    if not isinstance(raws, list) or not raws:
        raise InvalidQuery(
            f"events: should be a list of at least 1 event, got {shorten(raws)}", field="events"
        )
    if len(raws) > MAX_EVENTS:
        raise InvalidQuery(f"events: at most {MAX_EVENTS:,}, got {len(raws):,}", field="events")
    return [_parse_event(raw, f"events[{place}]", now) for place, raw in enumerate(raws)]


def _parse_event(raw: object, place: str, now: datetime) -> Event:
    try:
        event = Event.model_validate(raw)
    except ValidationError as error:
        fault = first_fault(error, raw)
        first = error.errors(include_url=False)[0]
        if first["type"] == "missing":  # the fault's path ends where there is nothing any more
            path = ".".join(map(str, first["loc"]))
            raise _invalid(place, path, fault.reason, fault.value) from error
        if fault.path or not isinstance(raw, Mapping):
            raise _invalid(place, fault.path, fault.reason, fault.value) from error
        # A rule over several fields says first which of them is wrong.
        path, _, reason = fault.reason.partition(": ")
        raise _invalid(place, path, reason, _value_at(raw, path)) from error
    if event.timestamp > now + MAX_FUTURE:
        reason = f"should be at most {MAX_FUTURE.seconds // 60} minutes ahead of now"
        raise _invalid(place, "timestamp", reason, event.timestamp.isoformat())
    if event.timestamp < now - MAX_AGE:
        reason = f"should be at most {MAX_AGE.days} days ago"
        raise _invalid(place, "timestamp", reason, event.timestamp.isoformat())
    return event


def _invalid(place: str, path: str, reason: str, value: object) -> InvalidQuery:
    field = ".".join(filter(None, (place, _LIST_PLACE.sub(r"[\1]", path)))) or "body"
    return InvalidQuery(f"{field}: {reason}, got {shorten(value)}", field=field)


def _value_at(raw: Mapping[str, Any], path: str) -> object:
    value: Any = raw
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _require(path: str, is_there: bool, action: str) -> None:
    if not is_there:
        raise ValueError(f"{path}: is needed for {action!r}")


def _check_distinct(name: str, values: list[Any]) -> None:
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"event_attributes.objects: {name} {value!r} is there twice")
        seen.add(value)
