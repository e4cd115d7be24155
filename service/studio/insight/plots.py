"""Figures as pictures: lines over time, and bars by position."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from mappings.reports.charts import Labels, Places, Series, bar_chart, line_chart
from service.insight.rows import LagRow, LatencyRow, PositionRow, TrafficRow
from service.insight.time_range import TimeRange

_MOST_TICKS = 7
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_STEPS = (
    *(_MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 4 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    *(_DAY, 2 * _DAY, 5 * _DAY, 10 * _DAY, 30 * _DAY, 61 * _DAY),
)
_TIME = "time (UTC)"


def time_axis(span: TimeRange) -> Places:
    """Return the axis of a span, with a name at each of some round times."""
    start, end = span.start.timestamp(), span.end.timestamp()
    step = next((one for one in _STEPS if end - start <= one * _MOST_TICKS), _STEPS[-1])
    first = math.ceil(start / step)
    places = [number * step for number in range(first, math.floor(end / step) + 1)]
    return Places(start, end, [(place, _time_name(place, step)) for place in places])


def _time_name(place: float, step: int) -> str:
    at = datetime.fromtimestamp(place, UTC)
    is_day = step >= _DAY or (at.hour, at.minute) == (0, 0)
    return f"{at.day} {at:%b}" if is_day else f"{at:%H:%M}"


def plot_searches(span: TimeRange, rows: Sequence[TrafficRow]) -> str:
    """Return how many searches there were in each step, as SVG."""
    return _lines(
        span,
        [row.at for row in rows],
        [Series("searches", [float(row.searches) for row in rows])],
        Labels(f"Searches in {step_name(span)}", _TIME, "searches"),
    )


def plot_zero_share(span: TimeRange, rows: Sequence[TrafficRow]) -> str:
    """Return the share of searches without results, as SVG; empty without any search."""
    known = [(row.at, row.zero_share) for row in rows if row.zero_share is not None]
    return _lines(
        span,
        [at for at, _ in known],
        [Series("without results", [100 * share for _, share in known])],
        Labels("Searches without results", _TIME, "percent"),
    )


def plot_latency(span: TimeRange, rows: Sequence[LatencyRow]) -> str:
    """Return the times of the answers, as SVG; empty without any."""
    known = [row for row in rows if row.p50_ms is not None and row.p95_ms is not None]
    return _lines(
        span,
        [row.at for row in known],
        [
            Series("half answered within", [row.p50_ms or 0.0 for row in known]),
            Series("95 of 100 answered within", [row.p95_ms or 0.0 for row in known]),
        ],
        Labels("Time of an answer", _TIME, "milliseconds"),
    )


def plot_lag(span: TimeRange, rows: Sequence[LagRow]) -> str:
    """Return how far each lane was behind, as SVG; empty without samples."""
    times = sorted({row.at for row in rows})
    lanes = sorted({row.lane for row in rows})
    found = {(row.at, row.lane): row.oldest_seconds for row in rows}
    return _lines(
        span,
        times,
        [Series(lane, [found.get((at, lane), 0.0) for at in times]) for lane in lanes],
        Labels("Age of the oldest unfinished change", _TIME, "seconds"),
    )


def plot_positions(rows: Sequence[PositionRow]) -> str:
    """Return click and purchase rate by position with their intervals, as SVG."""
    if not rows:
        return ""
    return bar_chart(
        [str(row.position) for row in rows],
        [
            Series(
                "clicked",
                [100 * (row.click_rate or 0) for row in rows],
                [100 * (row.click_low or 0) for row in rows],
                [100 * (row.click_high or 0) for row in rows],
            ),
            Series(
                "bought",
                [100 * (row.purchase_rate or 0) for row in rows],
                [100 * (row.purchase_low or 0) for row in rows],
                [100 * (row.purchase_high or 0) for row in rows],
            ),
        ],
        labels=Labels("Clicked and bought by position", "position", "percent of searches"),
    )


def step_name(span: TimeRange) -> str:
    """Return how long a step is, in words: `10 minutes`."""
    seconds = span.step_seconds
    for unit, size in (("day", _DAY), ("hour", _HOUR), ("minute", _MINUTE)):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}{'s' * (count > 1)}"
    return f"{timedelta(seconds=seconds).seconds} seconds"


def _lines(
    span: TimeRange, times: Sequence[datetime], series: Sequence[Series], labels: Labels
) -> str:
    if not times:
        return ""
    # The first step may begin a moment before the span that was asked for, never after its end.
    places = [at.timestamp() for at in times]
    axis = time_axis(span)
    return line_chart(places, series, labels=labels, axis=axis, has_dots=False, from_zero=True)
