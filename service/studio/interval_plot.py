"""A value with its interval as a small drawing, and the axis that several of them share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

WIDTH = 160
HEIGHT = 18
_EDGE = 5.0
"""Room for half a dot at both ends, in pixels."""


@dataclass(frozen=True)
class Estimate:
    """A value, and the 95 % interval that it may really lie in; ends alike where none is known."""

    value: float
    low: float
    high: float

    @classmethod
    def read(cls, raw: object) -> Self | None:
        """Return what a measure says, a number or value, low and high; None for anything else."""
        if isinstance(raw, Mapping):
            numbers = [_number(raw.get(name)) for name in ("value", "low", "high")]
        else:
            numbers = [_number(raw)] * 3
        value, low, high = numbers
        if value is None or low is None or high is None:
            return None
        return cls(value, low, high)

    @property
    def has_interval(self) -> bool:
        """Whether how sure it is is known."""
        return self.low < self.high

    @property
    def is_clear_of_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.has_interval and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Axis:
    """From low to high over the width of a drawing."""

    low: float
    high: float

    @classmethod
    def around(cls, estimates: Iterable[Estimate | None], *also: float) -> Axis:
        """Return the axis that holds all estimates, and the values given besides."""
        ends = [end for one in estimates if one for end in (one.low, one.value, one.high)]
        ends += also
        low, high = min(ends, default=0.0), max(ends, default=1.0)
        return cls(low, high) if low < high else cls(low - 0.5, low + 0.5)

    def place(self, value: float) -> float:
        """Return the x of a value, in pixels of a drawing WIDTH wide."""
        share = (value - self.low) / (self.high - self.low)
        return round(_EDGE + share * (WIDTH - 2 * _EDGE), 2)


@dataclass(frozen=True)
class IntervalPlot:
    """Where everything stands. line: a value to be held against, such as 0; None without."""

    estimate: Estimate
    axis: Axis
    line: float | None = None

    @property
    def x(self) -> float:
        """Return the place of the value."""
        return self.axis.place(self.estimate.value)

    @property
    def ends(self) -> tuple[float, float]:
        """Return the places of the interval's ends."""
        return self.axis.place(self.estimate.low), self.axis.place(self.estimate.high)

    @property
    def line_x(self) -> float | None:
        """Return the place of the line."""
        return None if self.line is None else self.axis.place(self.line)


def _number(raw: Any) -> float | None:  # noqa: ANN401 - decoded JSON
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        return None
    return float(raw)
