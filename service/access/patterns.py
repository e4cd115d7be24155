"""Patterns of index names, such as `shop-*`, and the names that no pattern ever covers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten

ALL = "*"
OWN_PREFIX = "shelfwise-"
"""Of the indexes that hold keys, weights, events and the like: no request may read them."""

_PATTERN = re.compile(r"[a-z0-9*][a-z0-9._*-]{0,99}")
_NAME = re.compile(r"[^\s_\-+*?<>|\\/\"#,:\x00-\x1f][^\s*?<>|\\/\"#,:\x00-\x1f]*")


def check_pattern(pattern: str) -> str:
    """Return the pattern; raises InvalidQuery for one that can match no index of a shop."""
    if not _PATTERN.fullmatch(pattern):
        raise InvalidQuery(
            f"indexes: {shorten(pattern)} should be the name of an index, in which '*' stands for "
            "any characters",
            field="indexes",
        )
    return pattern


def may_use(patterns: Iterable[str], expression: str) -> bool:
    """Return whether patterns cover every index of an expression such as `shop` or `a,b`.

    A name with a wildcard of its own says too little about what it reaches, so only who may use
    all indexes may ask for one; our own indexes are never covered.
    """
    known = tuple(patterns)
    return all(_covers(known, part) for part in expression.split(","))


def may_grant(patterns: Iterable[str], wanted: Iterable[str]) -> bool:
    """Return whether whoever has `patterns` may give the `wanted` ones to another key."""
    known = tuple(patterns)
    if ALL in known:
        return True
    return all(
        pattern in known or (ALL not in pattern and _covers(known, pattern)) for pattern in wanted
    )


def _covers(patterns: tuple[str, ...], name: str) -> bool:
    # A date expression, `<shelfwise-keys>`, is another spelling; a dot begins system indexes.
    if name.startswith((OWN_PREFIX, "<", ".")):
        return False
    if ALL in patterns:
        return True
    return bool(_NAME.fullmatch(name)) and any(fnmatchcase(name, pattern) for pattern in patterns)
