"""Names of indexes in addresses: one or several, and none that is nobody's business."""

from __future__ import annotations

import re

from mappings.errors import Forbidden, InvalidQuery

_MAX_BYTES = 255
_NAME = re.compile(r"[^A-Z\\/*?\"<>| ,#:\x00-\x1f\x7f_.+-][^A-Z\\/*?\"<>| ,#:\x00-\x1f\x7f]*")
_OWN_PREFIX = "shelfwise-"
"""Of the indexes that hold weights, judgements, events and the like."""


def check_name(name: str) -> str:
    """Return the name of an index or alias that may be asked for.

    Raises InvalidQuery for what is no plain name: patterns would reach what they do not say.
    Raises Forbidden for an index that is for ourselves.
    """
    if len(name.encode()) > _MAX_BYTES or not _NAME.fullmatch(name):
        raise InvalidQuery(
            f"index {name[:80]!r} is not allowed: it should be the name of an index or an alias, "
            "without wildcards, or several with commas",
            field="index",
        )
    if name.startswith(_OWN_PREFIX):
        raise Forbidden(f"index {name[:80]!r} is for Shelfwise itself", field="index")
    return name


def split_names(expression: str) -> list[str]:
    """Return the names in an address, each checked."""
    return [check_name(name) for name in expression.split(",")]
