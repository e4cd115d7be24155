"""Outlines of shapes: corners and curves, turned into points.

An outline is written as TrueType writes a glyph: a pair is a point on the line, a triple
(x, y, 1) is the control of a quadratic curve, and between two controls lies a point of the
line half-way. The drawing area is 100 by 100, y grows downwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]
Outline: TypeAlias = Sequence[tuple[float, ...]]
"""Pairs and triples, see above."""

_CURVE_STEPS = 7


def flatten(outline: Outline, *, closed: bool = True) -> list[Point]:
    """Return the outline as points of straight lines; of one without corners a smooth loop."""
    return list(_flattened(_with_midpoints(outline, closed=closed), closed=closed))


def mirrored(right_half: Outline, *, axis: float = 50.0) -> Outline:
    """Return the whole outline of a symmetric thing, given its right half from top to bottom."""
    left = [(2 * axis - point[0], *point[1:]) for point in reversed(right_half)]
    # A point on the axis would be there twice, which bends nothing and costs little.
    return [*right_half, *left]


def oval(
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    turn: float = 0.0,
    start: float = 0.0,
    end: float = 360.0,
) -> list[Point]:
    """Return an ellipse about (x, y), or its part between two angles (degrees, clockwise)."""
    steps = max(10, int(abs(end - start) / 12))
    angle = math.radians(turn)
    cosine, sine = math.cos(angle), math.sin(angle)
    points = []
    for step in range(steps + 1):
        at = math.radians(start + (end - start) * step / steps)
        across, down = width * math.cos(at), height * math.sin(at)
        points.append((x + across * cosine - down * sine, y + across * sine + down * cosine))
    return points


def box(left: float, top: float, right: float, bottom: float, *, corner: float = 0.0) -> Outline:
    """Return a rectangle, its corners rounded by a length."""
    if corner <= 0:
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    c = min(corner, (right - left) / 2, (bottom - top) / 2)
    return [
        (left + c, top), (right - c, top), (right, top, 1), (right, top + c),
        (right, bottom - c), (right, bottom, 1), (right - c, bottom),
        (left + c, bottom), (left, bottom, 1), (left, bottom - c),
        (left, top + c), (left, top, 1),
    ]  # fmt: skip


def band(points: Outline, width: float, *, end_width: float | None = None) -> list[Point]:
    """Return the outline of a strip along an open line, as wide at its end as asked."""
    line = flatten(points, closed=False)
    last = len(line) - 1
    upper, lower = [], []
    for place, (x, y) in enumerate(line):
        before, after = line[max(0, place - 1)], line[min(last, place + 1)]
        across, down = after[0] - before[0], after[1] - before[1]
        length = math.hypot(across, down) or 1.0
        here = width + ((end_width if end_width is not None else width) - width) * place / last
        offset_x, offset_y = -down / length * here / 2, across / length * here / 2
        upper.append((x + offset_x, y + offset_y))
        lower.append((x - offset_x, y - offset_y))
    return upper + lower[::-1]


def _with_midpoints(outline: Outline, *, closed: bool) -> list[tuple[float, float, bool]]:
    points = [(point[0], point[1], len(point) == 3) for point in outline]
    filled: list[tuple[float, float, bool]] = []
    for place, point in enumerate(points):
        filled.append(point)
        following = points[(place + 1) % len(points)]
        if point[2] and following[2] and (closed or place + 1 < len(points)):
            filled.append(((point[0] + following[0]) / 2, (point[1] + following[1]) / 2, False))
    if closed and filled[0][2]:
        first = next(place for place, point in enumerate(filled) if not point[2])
        filled = filled[first:] + filled[:first]
    return filled


def _flattened(points: Sequence[tuple[float, float, bool]], *, closed: bool) -> Iterator[Point]:
    count = len(points)
    for place, (x, y, control) in enumerate(points):
        if not control:
            yield x, y
            continue
        before = points[place - 1]
        after = points[(place + 1) % count] if closed else points[min(place + 1, count - 1)]
        for step in range(1, _CURVE_STEPS):
            t = step / _CURVE_STEPS
            a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
            yield a * before[0] + b * x + c * after[0], a * before[1] + b * y + c * after[1]
