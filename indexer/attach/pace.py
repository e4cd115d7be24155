"""How often a shop's index may be refreshed for us: not more often than the shop has it done."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from elasticsearch import Elasticsearch

from mappings.cluster import cluster_errors

SWITCHED_OFF_SECONDS = 30.0
"""Between two refreshes of an index whose own are switched off, as shops do during a load."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def refresh_seconds(client: Elasticsearch, index: str) -> float:
    """Return the refresh interval that the shop has set for an index; 0 when it has set none."""
    key = "index.refresh_interval"
    with cluster_errors(index=index):
        found = client.indices.get_settings(index=index, name=key, flat_settings=True)
    return max(
        (parse_interval(body["settings"].get(key, "")) for body in found.values()), default=0
    )


def parse_interval(text: str) -> float:
    """Return the seconds of an interval such as "30s"; those of SWITCHED_OFF_SECONDS for "-1"."""
    if text.startswith("-"):
        return SWITCHED_OFF_SECONDS
    match = _DURATION.fullmatch(text.strip())
    return float(match[1]) * _SECONDS[match[2]] if match else 0.0


def is_due(at: str, seconds: float, *, now: datetime | None = None) -> bool:
    """Return whether so many seconds have passed since a moment (ISO 8601); so for no moment."""
    if not at:
        return True
    passed = (now or datetime.now(UTC)) - datetime.fromisoformat(at)
    # A clock that was set back must not stop the work.
    return not 0 <= passed.total_seconds() < seconds
