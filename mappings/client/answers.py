"""The service's answers, with types; `raw` is the whole answer as it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Hit:
    """A product that was found. legs: score, rank, weight and contribution by leg."""

    id: str
    score: float | None
    product: Mapping[str, Any]
    legs: Mapping[str, Mapping[str, Any]]
    explanation: str | None
    photo: Mapping[str, Any] | None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read a hit."""
        return cls(
            value["id"],
            value["score"],
            value["product"],
            value.get("legs", {}),
            value.get("explanation"),
            value.get("photo"),
        )


@dataclass(frozen=True)
class SearchAnswer:
    """A page of hits.

    query_id: for the events of what follows. cursor: of the next page, None behind the last
    one. total_is_exact: False where there are at least so many. took: milliseconds by stage.
    """

    query_id: str
    total: int
    total_is_exact: bool
    hits: Sequence[Hit]
    facets: Mapping[str, Sequence[Mapping[str, Any]]]
    cursor: str | None
    warnings: Sequence[str]
    understood: Mapping[str, Any]
    weights_version: str
    took: Mapping[str, float]
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read the answer to a search."""
        return cls(
            query_id=value["query_id"],
            total=value["total"]["value"],
            total_is_exact=value["total"]["relation"] == "eq",
            hits=tuple(map(Hit.from_json, value["hits"])),
            facets=value["facets"],
            cursor=value["cursor"],
            warnings=value["warnings"],
            understood=value["understood"],
            weights_version=value["weights_version"],
            took=value["took"],
            raw=value,
        )


@dataclass(frozen=True)
class Rejected:
    """A product that is not in the index, and why. position: among those that were sent."""

    position: int | None
    product_id: str | None
    field: str | None
    reason: str


@dataclass(frozen=True)
class Task:
    """Changes on their way. state: queued, running, done or cancelled.

    rejected: those that workers set aside, the first thousand of a batch.
    """

    id: str
    index: str
    state: str
    total: int
    done: int
    indexed: int
    unchanged: int
    deleted: int
    stale: int
    missing: int
    rejected_count: int
    rejected: Sequence[Rejected]
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is left to do."""
        return self.state in ("done", "cancelled")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read a task."""
        names = ("id", "index", "state", "total", "done", "indexed", "unchanged", "deleted")
        return cls(
            **{name: value[name] for name in (*names, "stale", "missing")},
            rejected_count=value["rejected"],
            rejected=tuple(
                Rejected(one["position"], one["product_id"], one["field"], one["reason"])
                for one in value["rejects"]
            ),
            raw=value,
        )


@dataclass(frozen=True)
class Accepted:
    """Changes that were queued. rejected: those that were not, for they cannot be products."""

    task_ids: Sequence[str]
    accepted: int
    rejected: Sequence[Rejected]
