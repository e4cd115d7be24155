"""The indexes that hold events: one a month, `shelfwise-events-2026.11`.

Plain indexes and no data stream: an event's month follows from the event, so one that is
delivered twice meets itself in the same index, also across the turn of a month.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

PREFIX = "shelfwise-events-"
PATTERN = f"{PREFIX}*.*"
"""Names of products' indexes hold no dot, so none of them is ever meant."""

_NAME = re.compile(re.escape(PREFIX) + r"(?P<year>\d{4})\.(?P<month>\d{2})")
_KEYWORD = {"type": "keyword"}

BODY: Mapping[str, Any] = {
    # As many copies as there are nodes for, so that one node is no reason for a yellow cluster.
    "settings": {"index": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}},
    "mappings": {
        "dynamic": "strict",
        "properties": {
            "action_name": _KEYWORD,
            "query_id": _KEYWORD,
            "client_id": _KEYWORD,
            "session_id": _KEYWORD,
            "timestamp": {"type": "date"},
            "user_query": _KEYWORD,
            "index": _KEYWORD,
            "key_id": _KEYWORD,
            "event_attributes": {
                "properties": {
                    "object": {"properties": {"object_id": _KEYWORD}},
                    "position": {"properties": {"ordinal": {"type": "short"}}},
                    # Read whole and never searched.
                    "objects": {"type": "object", "enabled": False},
                }
            },
        },
    },
}


def event_index(at: datetime) -> str:
    """Return the name of the index of a moment."""
    return f"{PREFIX}{at.astimezone(UTC):%Y.%m}"


def end_of_month(index: str) -> datetime | None:
    """Return the first moment that is too late for an index, None for a name of another kind."""
    match = _NAME.fullmatch(index)
    if match is None or not 1 <= int(match["month"]) <= 12:
        return None
    year, month = int(match["year"]), int(match["month"])
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
