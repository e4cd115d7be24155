"""The rankings whose first products are judged, by the names that a queue is asked for with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.search_request import DEFAULT_WEIGHTS

RANKINGS: Mapping[str, Mapping[str, Any]] = {
    "keyword": {"weights": {"lexical": 1.0}},
    "shipped": {"fusion": "weighted_sum", "weights_version": DEFAULT_WEIGHTS},
    "reciprocal_rank": {"fusion": "reciprocal_rank"},
    "active": {},
}
"""Name to what a request says beyond the words. active: what a search without options gets."""
_VERSION = re.compile(r"[a-z0-9][a-z0-9_.-]{0,200}-\d{1,9}")
"""Form of the name of a stored weights version."""


def ranking_options(name: str) -> Mapping[str, Any]:
    """Return what the requests of a ranking say; raises InvalidQuery for a name of none."""
    if name in RANKINGS:
        return RANKINGS[name]
    if _VERSION.fullmatch(name):
        return {"weights_version": name}
    raise InvalidQuery(
        f"rankings: should be {', '.join(RANKINGS)} or a weights version, got {shorten(name)}",
        field="rankings",
    )
