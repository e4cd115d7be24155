"""Tools of workshop and garden."""

from __future__ import annotations

from embedded.pictures.colours import Rgb
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import band, mirrored, oval
from embedded.pictures.pen import Pen

KINDS = KindTable()

_DARK: Rgb = (44, 44, 48)
_STEEL: Rgb = (180, 184, 190)


@KINDS.kind("drill", "cordless drill", "power drill", "screwdriver drill", flip=0.3, tilt=6)
def _drill(pen: Pen) -> None:
    pen.line([(2, 30), (18, 30)], _STEEL, 2.2)
    pen.fill([(16, 26), (30, 21), (30, 39), (16, 34)], _DARK, surface="down")
    pen.fill([(52, 42), (74, 40), (82, 80), (60, 82)], pen.tone(0.9), surface="round")
    pen.fill([(30, 18), (76, 16), (86, 20, 1), (86, 38), (80, 44, 1), (30, 43)], surface="gloss")
    pen.fill([(54, 46), (46, 48), (48, 56), (56, 57)], _DARK, surface="flat")
    pen.box(50, 79, 90, 93, _DARK, corner=3)
    pen.box(38, 22, 60, 28, pen.contrast, surface="flat", edge=False)


@KINDS.kind("jigsaw", "electric saw", "power saw", flip=0.3, tilt=4)
def _jigsaw(pen: Pen) -> None:
    pen.fill(
        [(10, 40), (16, 28, 1), (80, 26), (94, 34, 1), (90, 56), (70, 66), (14, 66)],
        surface="gloss",
    )
    pen.line([(26, 34), (32, 8, 1), (60, 8), (86, 8, 1), (86, 34)], pen.tone(0.8), 7)
    pen.fill([(6, 66), (76, 66), (76, 72), (6, 72)], _STEEL, surface="metal")
    pen.fill([(20, 72), (26, 72), (25, 97), (22, 97)], _STEEL, surface="metal")
    for step in range(5):
        pen.line([(20, 75 + step * 4), (18.4, 77 + step * 4)], _STEEL, 1.0)
    for step in range(4):
        pen.line([(62 + step * 5, 40), (60 + step * 5, 52)], _DARK, 1.6)
    pen.box(30, 40, 50, 47, pen.contrast, surface="flat", edge=False)


@KINDS.kind("sander", "orbital sander", "sanding machine", tilt=4)
def _sander(pen: Pen) -> None:
    pen.ground(18, 78, 92)
    pen.fill(
        mirrored([(46, 10), (68, 10, 1), (70, 30), (64, 44), (68, 70), (46, 70)], axis=46),
        surface="gloss",
    )
    pen.fill(band([(66, 50), (96, 50)], 12, end_width=10), _DARK, surface="down")
    pen.fill(mirrored([(46, 70), (72, 70), (76, 82), (46, 82)], axis=46), _DARK, surface="round")
    pen.box(17, 82, 75, 87, (176, 150, 110), corner=1)
    pen.oval(46, 26, 10, 5, pen.tone(0.7))


@KINDS.kind("lawn mower", "lawnmower", "grass cutter", flip=0.4, tilt=2)
def _lawn_mower(pen: Pen) -> None:
    pen.ground(4, 70, 92)
    pen.line([(54, 66), (92, 10), (98, 12)], _DARK, 3)
    pen.line([(48, 66), (84, 16)], _DARK, 2)
    pen.fill([(56, 60), (86, 50), (90, 78), (62, 84)], (70, 72, 74), surface="side")
    pen.fill([(4, 72), (10, 60, 1), (58, 58), (68, 62, 1), (68, 84), (6, 84)], surface="gloss")
    pen.fill([(16, 60), (20, 44, 1), (46, 44, 1), (50, 60)], pen.tone(0.75), surface="gloss")
    for x, radius in ((14, 9), (60, 12)):
        pen.oval(x, 92 - radius, radius, radius, _DARK)
        pen.oval(x, 92 - radius, radius * 0.5, radius * 0.5, pen.main)


@KINDS.kind("pruning shears", "secateurs", "garden scissors", tilt=25)
def _shears(pen: Pen) -> None:
    for side in (-1, 1):
        pen.fill(
            band([(50, 42), (50 + side * 18, 64, 1), (50 + side * 12, 96)], 8), surface="round"
        )
        pen.fill(
            [
                (50 - side * 3, 44),
                (50 + side * 4, 44),
                (50 + side * (9 if side > 0 else 5), 20, 1),
                (50 + side * 2, 4),
                (50 - side * 3, 26, 1),
            ],
            _STEEL,
            surface="metal",
        )
    pen.oval(50, 43, 4.4, 4.4, _DARK)
    pen.line([(46, 56), (50, 62), (54, 56)], _STEEL, 1.6)


@KINDS.kind("hose reel", "garden hose", "garden hose reel", tilt=3)
def _hose_reel(pen: Pen) -> None:
    pen.line([(20, 92), (50, 50), (80, 92)], _DARK, 5)
    pen.line([(14, 93), (86, 93)], _DARK, 4)
    for step in range(5):
        pen.line(oval(50, 46, 22 + step * 4, 22 + step * 4), pen.main, 3.6)
        pen.line(oval(50, 46, 22 + step * 4, 22 + step * 4), pen.tone(0.65), 0.7)
    pen.oval(50, 46, 20, 20, (230, 230, 228), surface="metal")
    pen.oval(50, 46, 6, 6, _DARK)
    pen.line([(85, 60), (96, 84, 1), (92, 96)], pen.main, 3.6)
    pen.line([(50, 46), (62, 40)], _DARK, 3)


@KINDS.kind("screwdriver set", "screwdrivers", "screwdriver", tilt=4)
def _screwdriver_set(pen: Pen) -> None:
    for step in range(5):
        x, long = 14 + step * 18, 62 - step * 5
        pen.box(x - 1.3, 40, x + 1.3, 40 + long * 0.8, _STEEL, surface="metal")
        pen.fill(
            mirrored([(x, 6), (x + 6, 6, 1), (x + 6, 30), (x + 4, 40), (x, 41)], axis=x),
            surface="gloss",
        )
        pen.line([(x, 10), (x, 34)], _DARK, 1.8)


@KINDS.kind("hammer", "claw hammer", tilt=30)
def _hammer(pen: Pen) -> None:
    pen.fill(band([(50, 16), (50, 46)], 5), pen.one_of([(206, 168, 118), _DARK]), surface="round")
    pen.fill(mirrored([(50, 42), (54, 42), (56, 92), (53, 97, 1), (50, 97)]), surface="round")
    pen.fill(
        [
            (26, 10),
            (42, 10),
            (46, 6),
            (58, 6),
            (66, 8, 1),
            (84, 20),
            (76, 18, 1),
            (62, 20),
            (46, 22),
            (42, 19),
            (26, 19),
        ],
        _STEEL,
        surface="metal",
    )
    pen.box(22, 8, 28, 21, _STEEL, corner=1, surface="metal")


@KINDS.kind("socket set", "tool set", "wrench set", "tool box", tilt=3)
def _socket_set(pen: Pen) -> None:
    pen.box(4, 8, 96, 46, pen.tone(0.85), corner=3, surface="down")
    pen.box(4, 48, 96, 92, pen.main, corner=3, surface="down")
    pen.box(8, 52, 92, 88, _DARK, corner=2, surface="flat")
    for row, (count, radius) in enumerate(((8, 4), (10, 3))):
        for column in range(count):
            x, y = 14 + column * 74 / (count - 1), 60 + row * 11
            pen.oval(x, y, radius, radius, _STEEL, surface="metal")
            pen.oval(x, y, radius * 0.5, radius * 0.5, _DARK, surface="flat", edge=False)
    pen.fill(band([(16, 82), (76, 82)], 3.4), _STEEL, surface="metal")
    pen.oval(80, 82, 4.4, 4.4, _STEEL, surface="metal")
    pen.box(36, 22, 64, 30, pen.contrast, surface="flat", edge=False)
