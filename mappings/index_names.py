"""Names of an index and its aliases: `products-v7` behind `products` and `products-write`.

While `products-v8` is built, it stands behind `products-next`; when it has taken over,
`products-v7` stands behind `products-previous`. Each version has also an alias of
its own, `products-v7-write`: what is written through it never reaches another version, and never
makes an index that has been dropped.
"""

from __future__ import annotations

import re

from mappings.errors import InvalidQuery

MAX_NAME_LENGTH = 64
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_VERSIONED = re.compile(r"(?P<name>.+)-v(?P<number>[1-9][0-9]*)")
_WRITE_SUFFIX = "-write"
_NEXT_SUFFIX = "-next"
_PREVIOUS_SUFFIX = "-previous"


def check_index_name(name: str) -> str:
    """Return the name when it may be an index of ours.

    Raises InvalidQuery, which names the value, when it is empty, longer than 64
    characters, has others than a-z, 0-9, `_` and `-`, or looks like a versioned
    index or one of the other aliases.
    """
    if (
        len(name) > MAX_NAME_LENGTH
        or not _NAME.fullmatch(name)
        or _VERSIONED.fullmatch(name)
        or name.endswith((_WRITE_SUFFIX, _NEXT_SUFFIX, _PREVIOUS_SUFFIX))
    ):
        raise InvalidQuery(
            f"index name {name[:80]!r} is not allowed: use 1 to {MAX_NAME_LENGTH} of a-z, 0-9, "
            "'_' and '-', begin with a letter or digit, do not end in '-write', '-next', "
            "'-previous' or '-v<number>'",
            field="index",
        )
    return name


def read_alias(name: str) -> str:
    """Return the alias that queries use."""
    return name


def write_alias(name: str) -> str:
    """Return the alias that writes go to, of an index or of one of its versions."""
    return name + _WRITE_SUFFIX


def next_alias(name: str) -> str:
    """Return the alias of the version that is being built."""
    return name + _NEXT_SUFFIX


def previous_alias(name: str) -> str:
    """Return the alias of the version that was live before."""
    return name + _PREVIOUS_SUFFIX


def versioned(name: str, number: int) -> str:
    """Return the name of the index itself; number counts from 1."""
    return f"{name}-v{number}"


def version_number(index: str) -> int:
    """Return the number in `products-v7`; 0 when the name carries none."""
    match = _VERSIONED.fullmatch(index)
    return int(match["number"]) if match else 0
