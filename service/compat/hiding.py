"""Our fields in a shop's own documents: left out of what its code reads, unless it asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappings.attachments import OWN_FIELD

_ALL = [OWN_FIELD, f"{OWN_FIELD}.*"]


def hiding(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body with our fields left out of `_source`, also of hits within hits."""
    found = dict(body)
    if "_source" in body or "stored_fields" not in body:  # which bring no `_source` by themselves
        found["_source"] = _without_ours(body.get("_source", True))
    if isinstance(found.get("collapse"), dict):
        found["collapse"] = _collapsed(found["collapse"])
    for name in ("aggs", "aggregations"):
        if isinstance(found.get(name), dict):
            found[name] = _aggregated(found[name])
    return found


def without_own_fields(answer: Any) -> None:  # noqa: ANN401 - any part of an answer
    """Take our fields out of an answer in place, where a pattern in `fields` brought them along.

    Hits are also within collapsed ones and aggregations.
    """
    if isinstance(answer, list):
        for part in answer:
            without_own_fields(part)
    if not isinstance(answer, dict):
        return
    fields = answer.get("fields")
    if isinstance(fields, dict):
        for name in [name for name in fields if is_ours(name)]:
            del fields[name]
    for name, part in answer.items():
        if name not in ("_source", "fields"):
            without_own_fields(part)


def show_as(answer: Any, name: str) -> None:  # noqa: ANN401 - any part of an answer
    """Give every hit of an answer, in place, the name of the index that the shop knows."""
    if isinstance(answer, list):
        for part in answer:
            show_as(part, name)
    if not isinstance(answer, dict):
        return
    if "_index" in answer:
        answer["_index"] = name
    for key, part in answer.items():
        if key not in ("_source", "fields"):
            show_as(part, name)


def brings_ours(body: Mapping[str, Any]) -> bool:
    """Whether `fields` has a pattern that our fields match, and does not name them."""
    fields = body.get("fields")
    if not isinstance(fields, list):
        return False
    names = [part.get("field") if isinstance(part, dict) else part for part in fields]
    patterns = [name for name in names if isinstance(name, str)]
    return any("*" in name for name in patterns) and not any(map(is_ours, patterns))


def is_ours(path: str) -> bool:
    """Whether a field, or pattern of fields, is one of ours."""
    return path == OWN_FIELD or path.startswith(f"{OWN_FIELD}.")


def _without_ours(source: Any) -> Any:  # noqa: ANN401 - a part of a decoded body
    if source is True or source is None:
        return {"excludes": _ALL}
    if isinstance(source, str):
        return source if is_ours(source) else {"includes": [source], "excludes": _ALL}
    if isinstance(source, list):
        if any(isinstance(name, str) and is_ours(name) for name in source):
            return source
        return {"includes": source, "excludes": _ALL} if source else {"excludes": _ALL}
    if isinstance(source, dict):
        includes = source.get("includes", source.get("include", []))
        wanted = includes if isinstance(includes, list) else [includes]
        if any(isinstance(name, str) and is_ours(name) for name in wanted):
            return source
        excludes = source.get("excludes", source.get("exclude", []))
        others = excludes if isinstance(excludes, list) else [excludes]
        rest = {name: v for name, v in source.items() if name not in ("exclude", "excludes")}
        return {**rest, "excludes": [*others, *_ALL]}
    return source


def _collapsed(collapse: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(collapse)
    inner = found.get("inner_hits")
    if isinstance(inner, dict):
        found["inner_hits"] = {**inner, "_source": _without_ours(inner.get("_source", True))}
    elif isinstance(inner, list):
        found["inner_hits"] = [
            {**part, "_source": _without_ours(part.get("_source", True))}
            if isinstance(part, dict)
            else part
            for part in inner
        ]
    return found


def _aggregated(aggregations: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, aggregation in aggregations.items():
        if not isinstance(aggregation, dict):
            found[name] = aggregation
            continue
        changed = dict(aggregation)
        top = changed.get("top_hits")
        if isinstance(top, dict):
            changed["top_hits"] = {**top, "_source": _without_ours(top.get("_source", True))}
        for inside in ("aggs", "aggregations"):
            if isinstance(changed.get(inside), dict):
                changed[inside] = _aggregated(changed[inside])
        found[name] = changed
    return found
