"""Paper, pens, printers and the furniture of the office."""

from __future__ import annotations

from embedded.pictures.colours import COLOURS, Rgb
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import band, mirrored
from embedded.pictures.pen import Pen

KINDS = KindTable()

_DARK: Rgb = (44, 44, 48)
_STEEL: Rgb = (190, 194, 200)
_PAPER: Rgb = (250, 249, 245)
_WOOD: Rgb = (206, 168, 118)


@KINDS.kind("fountain pen", "ink pen", "pen", flip=0.4, tilt=40)
def _fountain_pen(pen: Pen) -> None:
    metal = pen.one_of([COLOURS["gold"], _STEEL])
    pen.fill([(94, 42), (98, 50, 1), (94, 58), (36, 57), (36, 43)], surface="down")
    pen.fill([(36, 43.5), (36, 56.5), (24, 54), (24, 46)], _DARK, surface="down")
    pen.fill([(24, 45), (24, 55), (14, 54, 1), (3, 50), (14, 46, 1)], metal, surface="metal")
    pen.line([(4, 50), (18, 50)], _DARK, 0.7)
    pen.box(58, 42.5, 61, 57.5, metal, surface="metal")
    pen.fill(band([(62, 40), (88, 40)], 2), metal, surface="metal")


@KINDS.kind("gel pens", "gel pen set", "ballpoint pens", "pens", tilt=4)
def _gel_pens(pen: Pen) -> None:
    hues = [pen.main, *pen.accents[:4], pen.tone(0.6)]
    for step in range(6):
        x, paint = 20 + step * 12, hues[step]
        pen.fill(
            mirrored([(x, 95), (x + 1, 92), (x + 4, 84), (x + 4, 78), (x, 78)], axis=x),
            _STEEL,
            surface="metal",
        )
        pen.box(x - 4.2, 26, x + 4.2, 79, (236, 240, 244), surface="gloss")
        pen.box(x - 1.4, 34, x + 1.4, 80, paint, surface="flat", edge=False)
        pen.box(x - 4.6, 8, x + 4.6, 36, paint, corner=3, surface="gloss")
        pen.line([(x + 4, 12), (x + 4, 32)], pen.tone(0.7), 1.2)


@KINDS.kind("mechanical pencil", "pencil", flip=0.4, tilt=40)
def _mechanical_pencil(pen: Pen) -> None:
    pen.line([(2, 50), (8, 50)], _DARK, 0.9)
    pen.fill([(8, 49), (22, 45), (22, 55), (8, 51)], _STEEL, surface="metal")
    pen.box(22, 44, 88, 56, pen.main, surface="down")
    for step in range(7):
        pen.line([(24 + step * 2.6, 44.4), (24 + step * 2.6, 55.6)], pen.tone(0.6), 0.9)
    pen.fill(band([(64, 42.6), (86, 42.6)], 2), _STEEL, surface="metal")
    pen.box(88, 45.5, 95, 54.5, _STEEL, surface="metal")
    pen.box(95, 46.5, 98.5, 53.5, (240, 170, 180), corner=1)


@KINDS.kind("notebook", "hardcover notebook", "journal", "diary", tilt=10, patterned=0.05)
def _notebook(pen: Pen) -> None:
    pen.fill([(26, 94), (80, 94), (83, 91), (83, 9), (80, 8), (80, 90)], _PAPER, surface="flat")
    pen.box(22, 6, 80, 92, pen.cloth, corner=3, surface="side")
    pen.box(22, 6, 28, 92, pen.tone(0.8), corner=2, surface="flat")
    pen.line([(71, 6), (71, 92)], pen.tone(0.5), 2.2)
    pen.line([(40, 92), (41, 99)], pen.accents[0], 1.6)


@KINDS.kind("planner", "weekly planner", "calendar", "agenda", tilt=6)
def _planner(pen: Pen) -> None:
    pen.box(6, 18, 94, 84, pen.main, corner=3)
    for left, right in ((9, 49), (51, 91)):
        pen.box(left, 21, right, 81, _PAPER, surface="side")
        for step in range(5):
            y = 31 + step * 9.6
            pen.line([(left + 3, y), (right - 3, y)], (190, 192, 198), 0.7)
            pen.box(left + 3, y + 2, left + 8, y + 5, pen.main, surface="flat", edge=False)
    pen.box(11, 23, 36, 27, pen.tone(0.8), surface="flat", edge=False)
    for step in range(7):
        pen.oval(50, 25 + step * 8.6, 2.4, 1.4, _STEEL, surface="flat")


@KINDS.kind("sketchbook", "drawing pad", "spiral notebook", tilt=8)
def _sketchbook(pen: Pen) -> None:
    pen.box(18, 13, 84, 93, _PAPER, surface="flat")
    pen.box(16, 11, 82, 91, pen.main, corner=1, surface="side")
    for step in range(13):
        x = 20 + step * 4.9
        pen.line([(x, 6), (x + 2, 6, 1), (x + 2, 16)], _STEEL, 1.2)
        pen.oval(x + 1, 16, 1, 1, _DARK, surface="flat", edge=False)
    pen.box(32, 40, 66, 54, pen.contrast, surface="flat", edge=False)
    pen.line([(36, 66), (46, 58, 1), (54, 70), (58, 74, 1), (64, 62)], pen.contrast, 1.2)


@KINDS.kind("office chair", "desk chair", "ergonomic chair", "swivel chair", tilt=2)
def _office_chair(pen: Pen) -> None:
    pen.ground(22, 78, 96)
    for x in (24, 38, 62, 76):
        pen.fill(band([(50, 84), (x, 91)], 3), _DARK, surface="flat")
        pen.oval(x, 94, 3, 3, _DARK)
    pen.box(48, 64, 52, 86, _STEEL, surface="metal")
    if pen.chance(0.6):
        pen.box(40, 2, 60, 10, pen.cloth, corner=4, surface="round")
    pen.fill(
        mirrored([(50, 11), (66, 11, 1), (70, 24), (66, 48, 1), (64, 54), (50, 55)]),
        surface="round",
    )
    for side in (-1, 1):
        pen.line([(50 + side * 28, 62), (50 + side * 30, 46), (50 + side * 24, 45)], _DARK, 3)
    pen.fill(
        mirrored([(50, 55), (74, 55, 1), (78, 65), (70, 70, 1), (50, 70)]),
        pen.tone(0.92),
        surface="down",
    )


@KINDS.kind("desk", "height adjustable desk", "standing desk", "writing desk", tilt=2)
def _desk(pen: Pen) -> None:
    leg = pen.one_of([_DARK, _STEEL, (240, 240, 240)])
    for x in (18, 78):
        pen.box(x, 38, x + 5, 84, leg, surface="round")
        pen.box(x - 8, 84, x + 13, 88, leg, corner=1)
    pen.box(22, 40, 80, 44, leg, surface="flat")
    pen.fill([(10, 26), (90, 26), (98, 34), (2, 34)], surface="side")
    pen.box(2, 34, 98, 38.5, pen.tone(0.8), surface="flat")
    pen.box(80, 38, 90, 41, _DARK, surface="flat")


@KINDS.kind("footrest", "foot stool", tilt=4)
def _footrest(pen: Pen) -> None:
    pen.ground(10, 90, 84)
    pen.fill([(14, 84), (22, 58), (30, 58), (24, 84)], pen.tone(0.7), surface="flat")
    pen.fill([(86, 84), (78, 58), (70, 58), (76, 84)], pen.tone(0.7), surface="flat")
    pen.fill([(20, 40), (80, 40), (94, 68), (6, 68)], surface="down")
    pen.box(6, 68, 94, 73, pen.tone(0.6), corner=1)
    for row in range(4):
        y, grow = 46 + row * 6, row * 2.6
        pen.stitches([(22 - grow, y), (78 + grow, y)], pen.tone(0.7), 1.4)


@KINDS.kind("laser printer", "printer", "office printer", tilt=3)
def _laser_printer(pen: Pen) -> None:
    pen.ground(12, 88, 88)
    pen.fill([(30, 30), (32, 14), (68, 14), (70, 30)], _PAPER, surface="flat")
    pen.fill([(16, 34), (24, 24), (76, 24), (84, 34)], pen.tone(0.85), surface="flat")
    pen.box(12, 33, 88, 86, pen.main, corner=4, surface="down")
    pen.box(24, 48, 76, 58, _DARK, corner=1, surface="flat")
    pen.fill([(30, 54), (70, 54), (76, 66), (24, 66)], _PAPER, surface="flat")
    pen.box(62, 37, 82, 44, (60, 80, 110), corner=1, surface="screen")
    pen.line([(14, 74), (86, 74)], pen.tone(0.7), 1.0)
    pen.box(42, 77, 58, 80, pen.tone(0.6), corner=1, surface="flat")


@KINDS.kind("photo printer", "inkjet printer", "colour printer", tilt=3)
def _photo_printer(pen: Pen) -> None:
    pen.ground(16, 84, 82)
    pen.fill([(18, 40), (26, 26), (74, 26), (82, 40)], pen.tone(1.15), surface="flat")
    pen.box(14, 40, 86, 76, pen.main, corner=6, surface="down")
    pen.box(24, 58, 76, 66, _DARK, corner=2, surface="flat")
    pen.fill([(32, 63), (68, 63), (74, 88), (26, 88)], _PAPER, surface="flat")
    pen.fill([(34, 66), (66, 66), (70, 84), (30, 84)], (130, 190, 240), surface="flat")
    pen.fill(
        [(32, 78), (46, 68, 1), (58, 76), (64, 72, 1), (69, 80), (70, 84), (30, 84)],
        (60, 150, 80),
        surface="flat",
        edge=False,
    )
    pen.box(40, 44, 60, 54, (60, 80, 110), corner=1, surface="screen")


@KINDS.kind("scanner", "document scanner", tilt=4)
def _scanner(pen: Pen) -> None:
    pen.ground(16, 84, 88)
    pen.fill([(28, 46), (32, 6), (68, 6), (72, 46)], _PAPER, surface="flat")
    for step in range(5):
        pen.line([(37, 13 + step * 6), (63, 13 + step * 6)], (170, 172, 178), 1.0)
    pen.fill([(20, 52), (26, 36), (74, 36), (80, 52)], pen.tone(0.75), surface="flat")
    pen.box(14, 50, 86, 78, pen.main, corner=5, surface="down")
    pen.fill([(26, 72), (74, 72), (80, 90), (20, 90)], pen.tone(0.8), surface="down")
    for x in (68, 76):
        pen.oval(x, 60, 2.4, 2.4, (80, 190, 120))
