"""Watches and wristbands."""

from __future__ import annotations

import math

from embedded.pictures.colours import COLOURS, Rgb, shade
from embedded.pictures.kind_table import KindTable
from embedded.pictures.pen import Pen

KINDS = KindTable()


def _strap(pen: Pen, paint: Rgb, *, wide: float, links: bool) -> None:
    for end, top, bottom in ((wide * 0.78, 2, 34), (wide * 0.78, 98, 66)):
        outline = [(50 - wide, bottom), (50 + wide, bottom), (50 + end, top), (50 - end, top)]
        pen.fill(outline, paint, surface="metal" if links else "round")
        if links:
            for step in range(5):
                y = top + (bottom - top) * step / 5
                pen.line([(50 - wide, y), (50 + wide, y)], shade(paint, 0.6), 0.8)
            pen.line([(46, top), (46, bottom)], shade(paint, 0.75), 0.6)
            pen.line([(54, top), (54, bottom)], shade(paint, 0.75), 0.6)


def _face(pen: Pen, dial: Rgb, marks: Rgb, radius: float) -> None:
    pen.oval(50, 50, radius, radius, dial, surface="screen", edge=False)
    for hour in range(12):
        angle = math.radians(hour * 30)
        x, y = math.sin(angle), -math.cos(angle)
        ends = [(50 + x * radius * part, 50 + y * radius * part) for part in (0.8, 0.93)]
        pen.line(ends, marks, 1.1 if hour % 3 == 0 else 0.6)
    for turn, length, width in (
        (pen.between(0, 6.28), 0.5, 1.3),
        (pen.between(0, 6.28), 0.75, 0.9),
    ):
        pen.line(
            [
                (50, 50),
                (50 + math.sin(turn) * radius * length, 50 - math.cos(turn) * radius * length),
            ],
            marks,
            width,
        )


@KINDS.kind("watch", "wrist watch", "wristwatch", "analog watch", tilt=8)
def _watch(pen: Pen) -> None:
    links = pen.chance(0.4)
    metal = pen.one_of([COLOURS["silver"], COLOURS["gold"], pen.tone(0.9)])
    dial = pen.one_of([pen.tone(1.0), (244, 244, 240), (28, 28, 32), pen.tone(0.8)])
    marks = (40, 40, 44) if sum(dial) > 380 else (236, 236, 232)
    radius = pen.between(21, 27)
    _strap(pen, pen.main, wide=pen.between(11, 15), links=links)
    pen.box(50 + radius - 1, 47, 50 + radius + 5, 53, metal, corner=1, surface="metal")
    pen.oval(50, 50, radius + 3.5, radius + 3.5, pen.main if links else metal, surface="metal")
    if pen.chance(0.2):
        pen.box(
            50 - radius, 50 - radius, 50 + radius, 50 + radius, metal, corner=4, surface="metal"
        )
    _face(pen, dial, marks, radius)
    if pen.chance(0.3):
        for x, y in ((42, 50), (58, 50), (50, 58)):
            pen.oval(x, y, 4.4, 4.4, shade(dial, 0.85), surface="flat")


@KINDS.kind("digital watch", "sports watch", "running watch", "gps watch", "smartwatch", tilt=8)
def _digital_watch(pen: Pen) -> None:
    _strap(pen, pen.main, wide=pen.between(13, 16), links=False)
    for y in (8, 14, 20, 80, 86):
        pen.line([(44, y), (56, y)], pen.tone(0.7), 1)
    for side in (-1, 1):
        for y in (40, 58):
            pen.box(
                50 + side * 27 - 2, y, 50 + side * 27 + 2, y + 5, pen.tone(0.6), surface="flat"
            )
    if pen.chance(0.5):
        pen.box(25, 24, 75, 76, pen.tone(0.85), corner=8, surface="gloss")
        pen.box(31, 32, 69, 68, (24, 26, 30), corner=4, surface="screen")
    else:
        pen.oval(50, 50, 27, 27, pen.tone(0.85), surface="gloss")
        pen.oval(50, 50, 21, 21, (24, 26, 30), surface="screen")
    digits = pen.one_of([(120, 230, 160), (240, 240, 240), (250, 180, 60)])
    for x in (37, 43, 52, 58):
        pen.box(x, 44, x + 4, 53, digits, surface="flat", edge=False)
    pen.box(38, 58, 38 + pen.between(6, 22), 60.5, pen.accents[0], surface="flat", edge=False)


@KINDS.kind("fitness tracker", "fitness band", "activity tracker", "wristband", tilt=10)
def _fitness_tracker(pen: Pen) -> None:
    wide = pen.between(9, 11)
    pen.box(50 - wide, 3, 50 + wide, 97, pen.main, corner=8, surface="round")
    for y in (8, 13, 18, 84, 89):
        pen.oval(50, y, 1.3, 1.3, pen.tone(0.5), surface="flat", edge=False)
    pen.box(50 - wide - 1, 28, 50 + wide + 1, 72, (30, 31, 35), corner=8, surface="screen")
    for row, long in ((40, 10), (48, 6), (54, 9)):
        pen.box(
            44,
            row,
            44 + long,
            row + 3,
            pen.one_of([(240, 240, 240), pen.accents[0]]),
            surface="flat",
            edge=False,
        )
