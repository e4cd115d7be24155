"""From the body of a request to stored events.

parse -> index -> pseudonyms -> rate -> store
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property

from mappings.errors import InvalidQuery, UnknownIndex
from service.events.event import Event, parse_events
from service.events.event_store import EventStore
from service.events.pseudonyms import Pseudonyms, mask_query
from service.events.rate_guard import RateGuard
from service.events.stored_event import StoredEvent


class EventIntake:
    """Takes events in, all of a request or none of it.

    find_key: returns the key of the pseudonyms; asked once, at the first event.
    require_index: raises UnknownIndex for an index that is not served.
    keep_query_text: store queries as typed, with addresses and numbers in them.
    """

    def __init__(
        self,
        store: EventStore,
        guard: RateGuard,
        *,
        find_key: Callable[[], bytes],
        require_index: Callable[[str], object],
        keep_query_text: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._guard = guard
        self._find_key = find_key
        self._require_index = require_index
        self._keep_query_text = keep_query_text
        self._now = now

    def accept(
        self, body: object, *, require_use: Callable[[str], None] = lambda index: None
    ) -> int:
        """Store the events of a decoded body; return how many it has, known ones included.

        require_use: raises for an index that the sender may not use, before it is looked for.

        Raises InvalidQuery that names the event and field, TooManyEvents, MissingSetting
        without a key, and a TemporaryError without the cluster. Nothing is stored unless
        every event is sound; the same body may be sent again after any error.
        """
        events = parse_events(body, now=self._now())
        for index in sorted({event.index for event in events}):
            require_use(index)
        is_list = isinstance(body, dict) and "events" in body
        self._check_indexes(events, is_list=is_list)
        pseudonyms = self._pseudonyms
        self._check_room(events)
        stored = [self._stored(event, pseudonyms) for event in events]
        self._guard.admit(Counter(event.client for event in stored))
        self._store.add(stored)
        return len(stored)

    @cached_property
    def _pseudonyms(self) -> Pseudonyms:
        return Pseudonyms(self._find_key())

    def _check_indexes(self, events: Sequence[Event], *, is_list: bool) -> None:
        checked: set[str] = set()
        for place, event in enumerate(events):
            if event.index in checked:
                continue
            try:
                self._require_index(event.index)
            except (InvalidQuery, UnknownIndex) as error:
                field = f"events[{place}].index" if is_list else "index"
                raise InvalidQuery(f"{field}: {error.message}", field=field) from error
            checked.add(event.index)

    def _check_room(self, events: Sequence[Event]) -> None:
        """Refuse for good what would be too much in any minute; waiting would not help."""
        most = max(Counter(event.client_id for event in events).values())
        if most > self._guard.limit:
            raise InvalidQuery(
                f"events: {most:,} are of one client, which may send {self._guard.limit:,} a "
                "minute; send fewer at a time",
                field="events",
            )

    def _stored(self, event: Event, pseudonyms: Pseudonyms) -> StoredEvent:
        attributes, action = event.event_attributes, event.action_name
        is_about_one = action in ("click", "add_to_cart", "purchase")
        query = event.user_query
        if query is not None and not self._keep_query_text:
            query = mask_query(query)
        return StoredEvent(
            # Of the event as it came, so that it stays one when the masking changes.
            id=pseudonyms.event(event.canonical()),
            action=action,
            query_id=event.query_id,
            client=pseudonyms.client(event.client_id),
            session=event.session_id and pseudonyms.session(event.session_id),
            at=event.timestamp,
            user_query=query,
            index=event.index,
            key_id=pseudonyms.key_id,
            object_id=attributes.object.object_id if is_about_one and attributes.object else None,
            ordinal=attributes.position.ordinal if is_about_one and attributes.position else None,
            shown=tuple((one.object_id, one.ordinal) for one in attributes.objects)
            if action == "impression"
            else (),
        )
