"""What a search notes of itself beside its answer: time by stage, neighbours, legs left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from mappings.tracing import span
from service.stopwatch import Stopwatch

DropReason = Literal["no_encoder", "encoder_failed", "slow"]


@dataclass(frozen=True)
class Neighbours:
    """How many products a vector leg has brought, of those that were asked for."""

    leg: str
    found: int
    asked: int
    is_filtered: bool


@dataclass(frozen=True)
class DroppedLeg:
    """A leg that the request has and the answer had to do without."""

    leg: str
    reason: DropReason
    message: str


@dataclass
class SearchWatch:
    """Filled while a search runs, by the one thread that runs it."""

    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    neighbours: list[Neighbours] = field(default_factory=list)
    dropped: list[DroppedLeg] = field(default_factory=list)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time inside the block to a stage, and to the trace."""
        with self.stopwatch.measure(stage), span(f"search.{stage}"):
            yield

    def drop(self, leg: str, reason: DropReason, message: str) -> None:
        """Note that a leg is left out."""
        self.dropped.append(DroppedLeg(leg, reason, message))

    def readings(self) -> dict[str, float]:
        """Return milliseconds by stage, and `total` since the making."""
        return self.stopwatch.readings()

    def warnings(self) -> tuple[str, ...]:
        """Return what the answer says of the legs that are left out, each message once."""
        by_message: dict[str, list[str]] = {}
        for one in self.dropped:
            by_message.setdefault(one.message, []).append(one.leg)
        return tuple(f"{', '.join(legs)}: {text}" for text, legs in by_message.items())
