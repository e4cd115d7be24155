"""Prices as people read them, and the scale of the price slider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.search_results import FacetCount, RangeCount

_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹"}

LADDER = tuple(
    round(step * 10.0**decade, 2)
    for decade in range(0, 6)
    for step in (1, 1.5, 2, 3, 4, 5, 7, 8.5)
)
"""Boundaries of the slider's steps, 1 to 850,000, each about a third above the one before: people
ask for 10 or 15, and for 1,000 or 1,500. A facet takes 50."""

BAR_HEIGHT = 40
"""Units of the tallest bar in the picture over the slider."""


@dataclass(frozen=True)
class Bar:
    """Products of one step of the scale. x and height: in the units of the picture."""

    x: int
    height: float
    count: int


@dataclass(frozen=True)
class PriceScale:
    """The slider: prices at its steps, lowest first, and how many products lie between them.

    steps: the first may be 0, n + 1 of them for n bars. start, end: chosen steps.
    """

    steps: tuple[float, ...]
    bars: tuple[Bar, ...]
    start: int
    end: int


def format_price(price: float | None, currency: str | None) -> str:
    """Return e.g. `€1,299.00`; empty without a price."""
    if price is None:
        return ""
    amount = f"{price:,.2f}"
    if currency in _SIGNS:
        return f"{_SIGNS[currency]}{amount}"
    return f"{amount} {currency}" if currency else amount


def price_scale(
    counts: Sequence[FacetCount | RangeCount], low: float | None, high: float | None
) -> PriceScale | None:
    """Return the scale of the prices that there are, None when all lie in one step.

    counts: of the ranges of LADDER. low, high: the chosen limits.
    """
    ranges = [one for one in counts if isinstance(one, RangeCount)]
    filled = [place for place, one in enumerate(ranges) if one.count]
    if len(filled) < 2:
        return None
    kept = ranges[filled[0] : filled[-1] + 1]
    top = kept[-1].end if kept[-1].end is not None else LADDER[-1] * 10
    steps = (kept[0].start or 0.0, *(one.end or top for one in kept[:-1]), top)
    most = max(one.count for one in kept)
    bars = tuple(
        Bar(place * 10, round(BAR_HEIGHT * (one.count / most) ** 0.5, 1), one.count)
        for place, one in enumerate(kept)
    )
    last = len(steps) - 1
    start, end = 0, last
    if low is not None:
        start = max((i for i, step in enumerate(steps) if step <= low), default=0)
    if high is not None:
        end = min((i for i, step in enumerate(steps) if step >= high), default=last)
    return PriceScale(steps, bars, min(start, last - 1), max(end, start + 1, 1))
