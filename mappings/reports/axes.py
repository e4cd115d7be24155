"""Scales of a chart: round ticks, and the place of a value in the picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_STEPS = (1, 2, 2.5, 5, 10)
_MOST_DECIMALS = 6


@dataclass(frozen=True)
class Scale:
    """A linear way from values to places.

    ticks: round values, growing; the first and the last are the ends. start, end: places of
    the ends, in pixels; y grows downwards.
    """

    ticks: Sequence[float]
    start: float
    end: float

    def place(self, value: float) -> float:
        """Return the place of a value, which may lie outside of the ends."""
        share = (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])
        return self.start + share * (self.end - self.start)


def round_ticks(low: float, high: float, *, count: int = 5) -> list[float]:
    """Return about `count` round numbers, from one at or below low to one at or above high.

    Where both are the same value the numbers spread around it.
    """
    if low == high:
        reach = abs(low) or 1.0
        low, high = low - reach / 2, high + reach / 2
    rough = (high - low) / count
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(step * size for step in _STEPS if step * size >= rough * (1 - 1e-9))
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    # Rounded, as 3 * 0.1 would else be written 0.30000000000000004.
    digits = max(0, 2 - math.floor(math.log10(step)))
    return [round(number * step, digits) for number in range(first, last + 1)]


def tick_text(value: float, ticks: Sequence[float]) -> str:
    """Return a tick's value as text, with as many decimals as the steps between ticks need.

    ticks: all of them, two at least.
    """
    step = ticks[1] - ticks[0]
    decimals = 0
    while decimals < _MOST_DECIMALS and not math.isclose(
        round(step, decimals), step, rel_tol=1e-6
    ):
        decimals += 1
    return f"{value:,.{decimals}f}"


def check_finite(name: str, values: Iterable[float]) -> None:
    """Raise ValueError for a value that has no place in a chart."""
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"{name} should be finite numbers, got {value}")
