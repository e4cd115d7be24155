"""An event as it is kept: pseudonymous, and only with what its action needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class StoredEvent:
    """One event.

    client, session: 64 hexadecimal digits, or None for no session. user_query: masked.
    object_id, ordinal: of a click, add_to_cart or purchase. shown: product and position (from
    1) of an impression. key_id: tells under which key the hashes were made.
    """

    id: str
    action: str
    query_id: str
    client: str
    session: str | None
    at: datetime
    user_query: str | None
    index: str
    key_id: str
    object_id: str | None = None
    ordinal: int | None = None
    shown: tuple[tuple[str, int], ...] = ()

    def to_document(self) -> dict[str, Any]:
        """Return the document, in the shape of User Behavior Insights; no field is null."""
        # Of an impression all positions, so that Elasticsearch can count by them.
        places: int | list[int] | None = self.ordinal
        if places is None and self.shown:
            places = [place for _, place in self.shown]
        attributes = {
            "object": None if self.object_id is None else {"object_id": self.object_id},
            "position": None if places is None else {"ordinal": places},
            "objects": [{"object_id": one, "ordinal": place} for one, place in self.shown],
        }
        document = {
            "action_name": self.action,
            "query_id": self.query_id,
            "client_id": self.client,
            "session_id": self.session,
            "timestamp": self.at.isoformat(timespec="milliseconds"),
            "user_query": self.user_query,
            "index": self.index,
            "key_id": self.key_id,
            "event_attributes": {name: value for name, value in attributes.items() if value},
        }
        return {name: value for name, value in document.items() if value not in (None, {})}

    @classmethod
    def from_document(cls, event_id: str, document: Mapping[str, Any]) -> StoredEvent:
        """Return the event of a document that `to_document` made."""
        attributes = document.get("event_attributes", {})
        place = attributes.get("position", {}).get("ordinal")
        return cls(
            id=event_id,
            action=document["action_name"],
            query_id=document["query_id"],
            client=document["client_id"],
            session=document.get("session_id"),
            at=datetime.fromisoformat(document["timestamp"]),
            user_query=document.get("user_query"),
            index=document["index"],
            key_id=document["key_id"],
            object_id=attributes.get("object", {}).get("object_id"),
            ordinal=place if isinstance(place, int) else None,
            shown=tuple(
                (one["object_id"], one["ordinal"]) for one in attributes.get("objects", ())
            ),
        )
