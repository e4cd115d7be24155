"""A `retriever` of a body, read and checked: leaves that search, and what fuses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.compat.words import Clause

COMPOUND = frozenset({"linear", "rrf"})
NORMALIZERS = ("none", "minmax", "l2_norm")

MAX_WINDOW = 10_000
MAX_LEAVES = 20
"""Searches of one request."""

DEFAULT_RANK_CONSTANT = 60

_STANDARD = {"query", "filter", "min_score", "sort", "terminate_after", "_name"}
_KNN = {"field", "query_vector", "k", "num_candidates", "filter", "similarity"}
_KNN |= {"rescore_vector", "visit_percentage", "_name"}
_RRF = {"retrievers", "rank_constant", "rank_window_size", "filter", "min_score", "_name"}
_LINEAR = {"retrievers", "normalizer", "rank_window_size", "filter", "min_score", "_name"}


@dataclass(frozen=True, eq=False)
class Leaf:
    """One search. body: of it. query: finds the same documents, None for neighbours.

    window: hits that count. is_whole: whether `query` alone says what is found.
    """

    body: Mapping[str, Any] = field(repr=False)
    query: Clause | None
    window: int
    is_whole: bool


@dataclass(frozen=True, eq=False)
class Part:
    """What is fused, with its weight, 0 and up."""

    node: Leaf | Fused
    weight: float
    normalizer: str


@dataclass(frozen=True, eq=False)
class Fused:
    """Lists that are fused. window: hits that come out. min_score: least score of them."""

    method: Literal["linear", "rrf"]
    parts: Sequence[Part]
    window: int
    rank_constant: int
    min_score: float | None


Node = Leaf | Fused


def read_tree(retriever: Mapping[str, Any], *, size: int) -> Node:
    """Return the tree. size: hits of a page, which the windows default to.

    Raises InvalidQuery, whose field is the path, for what cannot be honoured.
    """
    tree = _node(retriever, "retriever", size, size, ())
    if isinstance(tree, Fused) and tree.window < size:
        path = f"retriever.{tree.method}.rank_window_size"
        raise InvalidQuery(
            f"{path}: should be at least size {size}, got {tree.window}", field=path
        )
    if len(leaves_of(tree)) > MAX_LEAVES:
        raise InvalidQuery(f"retriever: has more than {MAX_LEAVES} searches", field="retriever")
    return tree


def leaves_of(node: Node) -> list[Leaf]:
    """Return the leaves of a tree, in their order."""
    if isinstance(node, Leaf):
        return [node]
    return [leaf for part in node.parts for leaf in leaves_of(part.node)]


def _node(raw: object, path: str, size: int, window: int, filters: tuple[Clause, ...]) -> Node:
    if not isinstance(raw, dict) or len(raw) != 1:
        raise InvalidQuery(f"{path}: should be an object with one retriever", field=path)
    ((kind, spec),) = raw.items()
    path = f"{path}.{kind}"
    if not isinstance(spec, dict):
        raise InvalidQuery(f"{path}: should be an object, got {shorten(spec)}", field=path)
    if kind == "standard":
        return _standard(spec, path, window, filters)
    if kind == "knn":
        return _knn(spec, path, window, filters)
    if kind == "rrf" or kind == "linear":
        return _fused(kind, spec, path, size, filters)
    raise InvalidQuery(
        f"{path}: there is no such retriever here; there are knn, linear, rrf, standard",
        field=path,
    )


def _standard(
    spec: Mapping[str, Any], path: str, window: int, filters: tuple[Clause, ...]
) -> Leaf:
    _check_keys(spec, _STANDARD, path)
    every = [*filters, *_listed(spec.get("filter"))]
    query = spec.get("query", {"match_all": {}} if not every else None)
    clause: Clause = query
    if every:
        clause = {"bool": {"filter": every, **({"must": [query]} if query else {})}}
    named = {"_name": spec["_name"]} if "_name" in spec else {}
    if named:
        clause = {"bool": {"must": [clause], **named}}
    limits = {
        name: spec[name] for name in ("min_score", "sort", "terminate_after") if name in spec
    }
    is_whole = not limits.keys() & {"min_score", "terminate_after"}
    return Leaf({"query": clause, "size": window, **limits}, clause, window, is_whole)


def _knn(spec: Mapping[str, Any], path: str, window: int, filters: tuple[Clause, ...]) -> Leaf:
    if "query_vector_builder" in spec:
        raise InvalidQuery(
            f"{path}.query_vector_builder: no model of Elasticsearch's is run here; send "
            "query_vector",
            field=f"{path}.query_vector_builder",
        )
    _check_keys(spec, _KNN, path)
    neighbours = _count(spec, "k", window, path)
    every = [*filters, *_listed(spec.get("filter"))]
    knn = {name: part for name, part in spec.items() if name not in ("filter", "_name")}
    if every:
        knn["filter"] = every
    return Leaf({"knn": knn, "size": neighbours}, None, window, is_whole=False)


def _fused(
    kind: Literal["linear", "rrf"],
    spec: Mapping[str, Any],
    path: str,
    size: int,
    filters: tuple[Clause, ...],
) -> Fused:
    if "query" in spec or "fields" in spec:
        name = "query" if "query" in spec else "fields"
        raise InvalidQuery(
            f"{path}.{name}: is not supported, write retrievers", field=f"{path}.{name}"
        )
    _check_keys(spec, _RRF if kind == "rrf" else _LINEAR, path)
    window = _count(spec, "rank_window_size", max(size, 1), path)
    every = (*filters, *_listed(spec.get("filter")))
    raw = spec.get("retrievers")
    if not isinstance(raw, list) or not raw:
        raise InvalidQuery(f"{path}.retrievers: should be a list of them", field=path)
    by_default = _normalizer(spec, "none", path)
    parts = []
    for place, entry in enumerate(raw):
        where = f"{path}.retrievers.{place}"
        inner, weight, normalizer = _entry(kind, entry, where, by_default)
        suffix = ".retriever" if inner is not entry else ""
        parts.append(Part(_node(inner, where + suffix, size, window, every), weight, normalizer))
    constant = _count(spec, "rank_constant", DEFAULT_RANK_CONSTANT, path)
    least = spec.get("min_score")
    return Fused(kind, parts, window, constant, None if least is None else _real(least, path))


def _entry(kind: str, entry: object, path: str, normalizer: str) -> tuple[object, float, str]:
    """Return the retriever of an entry, its weight and its normalizer."""
    if not isinstance(entry, dict) or "retriever" not in entry:
        return entry, 1.0, normalizer
    known = {"retriever", "weight"} | ({"normalizer"} if kind == "linear" else set())
    _check_keys(entry, known, path)
    weight = _real(entry.get("weight", 1.0), f"{path}.weight")
    if weight < 0:
        raise InvalidQuery(f"{path}.weight: should be 0 or more", field=f"{path}.weight")
    return entry["retriever"], weight, _normalizer(entry, normalizer, path)


def _normalizer(spec: Mapping[str, Any], by_default: str, path: str) -> str:
    name = spec.get("normalizer", by_default)
    if name not in NORMALIZERS:
        raise InvalidQuery(
            f"{path}.normalizer: there are {', '.join(NORMALIZERS)}, got {shorten(name)}",
            field=f"{path}.normalizer",
        )
    return str(name)


def _check_keys(spec: Mapping[str, Any], known: set[str], path: str) -> None:
    for name in spec:
        if name not in known:
            raise InvalidQuery(
                f"{path}.{name}: is not supported here; there are {', '.join(sorted(known))}",
                field=f"{path}.{name}"[:200],
            )


def _count(spec: Mapping[str, Any], name: str, by_default: int, path: str) -> int:
    value = spec.get(name, by_default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_WINDOW:
        raise InvalidQuery(
            f"{path}.{name}: should be from 1 to {MAX_WINDOW}, got {shorten(value)}",
            field=f"{path}.{name}",
        )
    return value


def _real(value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidQuery(f"{path}: should be a number, got {shorten(value)}", field=path)
    return float(value)


def _listed(value: Any) -> list[Clause]:  # noqa: ANN401 - a part of a decoded body
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
