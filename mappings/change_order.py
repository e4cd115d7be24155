"""Which of two changes of a product is newer, whatever order they are delivered in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stamp:
    """A change's place in the order of a product's changes.

    version: the shop's counter or time, None when the shop sent none.
    arrival: the order of arrival, 0 when it is not known.
    Two versions decide; where one is missing or both are equal, the arrival does. A change
    without a version counts, once it is applied, as of the version that it found.
    """

    version: int | None = None
    arrival: int = 0

    @property
    def is_ordered(self) -> bool:
        """Return whether there is anything to compare."""
        return self.version is not None or self.arrival > 0

    def is_before(self, other: Stamp) -> bool:
        """Return whether a change of this stamp must not overwrite one of the other."""
        if None not in (self.version, other.version) and self.version != other.version:
            return bool(self.version < other.version)  # type: ignore[operator]
        return 0 < self.arrival < other.arrival
