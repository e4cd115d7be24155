"""How far an attached index is: what the attachment's record keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Progress:
    """The place that was reached in the shop's index.

    index, uuid: the index itself behind the shop's name, and which one of that name.
    shards: number of a shard to the last `_seq_no` of it that is done. goal: to the newest one
    when the work began; with all of it done the index is filled.
    done, expected: documents of the goal. written, refused: documents; refusal: the last one.
    building: a companion that is being filled while another one serves.
    replaces_vectors: some vectors are still those of another encoder.
    donors: indexes that may have the vectors of the same texts.
    rate: most documents encoded or copied a second while it is filled; None for no limit.
    may_break_versions: the shop knows that our writes raise versions that it gives itself.
    error: why nothing happens, empty when all is well. at: when this was noted (ISO 8601).
    """

    index: str = ""
    uuid: str = ""
    shards: Mapping[str, int] = field(default_factory=dict)
    goal: Mapping[str, int] = field(default_factory=dict)
    done: int = 0
    expected: int = 0
    written: int = 0
    refused: int = 0
    refusal: str = ""
    building: str = ""
    replaces_vectors: bool = False
    donors: tuple[str, ...] = ()
    rate: float | None = None
    may_break_versions: bool = False
    error: str = ""
    at: str = ""

    @property
    def is_filled(self) -> bool:
        """Return whether everything is done that was there when the work began."""
        return all(self.reached(shard) >= number for shard, number in self.goal.items())

    def reached(self, shard: str) -> int:
        """Return the last `_seq_no` of a shard that is done; -1 for none."""
        return self.shards.get(shard, -1)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read what `to_json` made."""
        return cls(**{**raw, "donors": tuple(raw.get("donors", ()))})
