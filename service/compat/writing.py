"""Answers as bytes: `filter_path` and `pretty`, which Elasticsearch does for its own answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import orjson

from mappings.errors import InvalidQuery
from mappings.raw_cluster import JSON, RawAnswer

_MAX_PATHS = 50
_ANY_DEPTH = "**"
_NOTHING: Any = object()

Path = tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What goes back to the client.

    note: what was done, for the header `Shelfwise-Search`. warning: of Elasticsearch.
    """

    status: int
    body: bytes = field(repr=False)
    content_type: str = JSON
    note: str = ""
    warning: str = ""

    @classmethod
    def of_raw(cls, raw: RawAnswer, note: str) -> Answer:
        """Hand on what Elasticsearch answered."""
        return cls(raw.status, raw.body, raw.content_type or JSON, note, raw.warning)


def written(answer: Mapping[str, Any], given: Mapping[str, str]) -> bytes:
    """Return an answer as the URL parameters `filter_path` and `pretty` ask for it.

    Raises InvalidQuery for too many paths.
    """
    found: Any = answer
    if given.get("filter_path"):
        found = filtered(answer, given["filter_path"].split(","))
    is_pretty = given.get("pretty", "false") != "false"
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 if is_pretty else None)


def filtered(answer: Mapping[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    """Return the parts of an answer that paths name.

    paths: parts divided by dots; `*` stands for anything in a part, `**` for any number of
    parts, and a path after `-` takes away.
    """
    if len(paths) > _MAX_PATHS:
        raise InvalidQuery(f"filter_path: has more than {_MAX_PATHS} paths", field="filter_path")
    wanted = [_parts(path) for path in paths if path and not path.startswith("-")]
    unwanted = [_parts(path[1:]) for path in paths if path.startswith("-")]
    found: Any = dict(answer)
    if wanted:
        found = _kept(found, wanted)
    if unwanted and found is not _NOTHING:
        found = _reduced(found, unwanted)
    return {} if found is _NOTHING else dict(found)


def _parts(path: str) -> Path:
    return tuple(part for part in path.split(".") if part)


def _after(key: str, paths: Sequence[Path]) -> tuple[bool, list[Path]]:
    """Return whether a path ends at a key, and what of the others is left behind it."""
    ends, rest = False, []
    for path in paths:
        tails = [path]
        if path and path[0] == _ANY_DEPTH:
            rest.append(path)
            tails = [path[1:]]
            ends = ends or len(path) == 1
        for tail in tails:
            if tail and fnmatchcase(key, tail[0]):
                ends = ends or len(tail) == 1
                if len(tail) > 1:
                    rest.append(tail[1:])
    # Each once: several `**` in a path would double them at every level of the answer.
    return ends, list(dict.fromkeys(rest))


def _kept(node: Any, paths: Sequence[Path]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(node, list):
        parts = [part for item in node if (part := _kept(item, paths)) is not _NOTHING]
        return parts or _NOTHING
    if not isinstance(node, dict):
        return _NOTHING
    found = {}
    for key, value in node.items():
        ends, rest = _after(key, paths)
        part = value if ends else _kept(value, rest) if rest else _NOTHING
        if part is not _NOTHING:
            found[key] = part
    return found or _NOTHING


def _reduced(node: Any, paths: Sequence[Path]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(node, list):
        return [_reduced(item, paths) for item in node]
    if not isinstance(node, dict):
        return node
    found = {}
    for key, value in node.items():
        ends, rest = _after(key, paths)
        if not ends:
            found[key] = _reduced(value, rest) if rest else value
    return found
