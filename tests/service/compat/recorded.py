"""The recorded bodies, and what two answers to one of them must have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RECORDED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "bodies.json").read_bytes())
IDS = [case["name"] for case in RECORDED]

_TIMES = frozenset({"took", "profile"})


def kinds(value: object) -> object:
    """What an answer is made of: keys and types, those of all members of a list together."""
    if isinstance(value, Mapping):
        # What is profiled is how the body was run, which differs.
        return {key: kinds(part) if key != "profile" else "profile" for key, part in value.items()}
    if isinstance(value, list):
        found: object = None
        for part in value:
            found = _together(found, kinds(part))
        return [found]
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "null"


def _together(one: object, other: object) -> object:
    if one is None:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        names = [*one, *(name for name in other if name not in one)]
        return {name: _together(one.get(name), other.get(name, one.get(name))) for name in names}
    if isinstance(one, list) and isinstance(other, list):
        return [_together(one[0], other[0]) if other[0] is not None else one[0]]
    return one


def same_kinds(direct: Any, through: Any) -> bool:
    """Whether two answers have the same keys and types; a list may be empty in one of them."""
    if isinstance(direct, dict) and isinstance(through, dict):
        return direct.keys() == through.keys() and all(
            same_kinds(direct[key], through[key]) for key in direct
        )
    if isinstance(direct, list) and isinstance(through, list):
        if direct[0] is None or through[0] is None:
            return True
        return same_kinds(direct[0], through[0])
    return bool(direct == through)


def untimed(answer: Any) -> Any:
    """An answer without what differs from one asking to the next."""
    if isinstance(answer, dict):
        return {key: untimed(part) for key, part in answer.items() if key not in _TIMES}
    return [untimed(part) for part in answer] if isinstance(answer, list) else answer


def ids_of(answer: Mapping[str, Any]) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]
