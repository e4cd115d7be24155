"""Pots, knives and what one drinks from."""

from __future__ import annotations

from embedded.pictures.colours import COLOURS, Rgb, shade
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import band, mirrored, oval
from embedded.pictures.pen import Pen

KINDS = KindTable()

_DARK: Rgb = (42, 42, 46)
_STEEL: Rgb = (190, 194, 200)


@KINDS.kind("frying pan", "skillet", "pan", flip=0.5, tilt=30)
def _frying_pan(pen: Pen) -> None:
    pen.fill(
        band([(60, 50), (98, 50)], 8, end_width=6),
        pen.one_of([_DARK, COLOURS["brown"], _STEEL]),
        surface="down",
    )
    pen.oval(94, 50, 1.4, 1.4, (250, 250, 250), surface="flat")
    pen.oval(36, 50, 33, 33, surface="metal")
    pen.oval(36, 50, 28, 28, pen.tone(0.75), surface="ball")
    pen.line(oval(36, 50, 20, 20), pen.tone(0.65), 0.7)


@KINDS.kind("casserole", "dutch oven", "cast iron pot", tilt=2)
def _casserole(pen: Pen) -> None:
    pen.ground(14, 86, 84)
    for side in (-1, 1):
        pen.line(
            [
                (50 + side * 34, 46),
                (50 + side * 48, 46, 1),
                (50 + side * 46, 56, 1),
                (50 + side * 36, 56),
            ],
            pen.tone(0.85),
            4,
        )
    pen.fill(mirrored([(50, 42), (87, 42), (86, 74, 1), (76, 84), (50, 86)]), surface="gloss")
    pen.fill(mirrored([(50, 28), (76, 28, 1), (89, 40), (88, 44), (50, 44)]), surface="gloss")
    pen.oval(50, 24, 6, 4.4, pen.one_of([_STEEL, COLOURS["gold"], _DARK]), surface="metal")


def _pot(pen: Pen, x: float, y: float, wide: float, high: float) -> None:
    pen.fill(
        band([(x + wide, y - high * 0.75), (x + wide + 24, y - high * 0.85)], 4),
        _DARK,
        surface="down",
    )
    pen.fill(
        mirrored([(x, y - high), (x + wide, y - high), (x + wide, y, 1), (x, y)], axis=x),
        surface="metal",
    )
    pen.oval(x, y - high, wide, wide * 0.2, pen.tone(1.2), surface="metal")
    pen.oval(x, y - high - 4, 2.4, 2.4, _DARK)


@KINDS.kind("saucepan", "saucepan set", "cooking pots", "pot", tilt=2)
def _saucepan(pen: Pen) -> None:
    if pen.chance(0.5):
        _pot(pen, 34, 52, 16, 22)
        _pot(pen, 56, 70, 20, 26)
        _pot(pen, 28, 88, 22, 28)
    else:
        pen.ground(8, 70, 82)
        with pen.moved(across=6, down=-6):
            _pot(pen, 34, 86, 31, 40)


def _knife(pen: Pen, *, blade: float, teeth: bool) -> None:
    handle = pen.main
    pen.fill([(64, 44), (96, 42), (98, 50, 1), (95, 55), (64, 54)], handle, surface="down")
    for x in (72, 80, 88):
        pen.oval(x, 48.5, 1.2, 1.2, _STEEL, surface="flat", edge=False)
    pen.box(61, 43, 65, 55, shade(_STEEL, 0.8), surface="metal")
    edge = [
        (62, 55),
        *(
            []
            if not teeth
            else [
                (x, 55 + blade + (1.6 if step % 2 else 0))
                for step, x in enumerate(range(58, 10, -3))
            ]
        ),
    ]
    if teeth:
        pen.fill([(62, 43), (10, 44), (3, 50), *edge[:0:-1], (62, 55)], _STEEL, surface="metal")
    else:
        pen.fill(
            [
                (62, 43),
                (20, 42),
                (2, 49, 1),
                (4, 51),
                (30, 55 + blade, 1),
                (61, 55 + blade),
                (62, 55),
            ],
            _STEEL,
            surface="metal",
        )
        pen.line([(6, 51), (30, 53 + blade, 1), (60, 52 + blade)], (232, 234, 238), 1.2)


@KINDS.kind("chef's knife", "kitchen knife", "cook's knife", "knife", flip=0.4, tilt=40)
def _chefs_knife(pen: Pen) -> None:
    _knife(pen, blade=pen.between(4, 9), teeth=False)


@KINDS.kind("bread knife", "serrated knife", flip=0.4, tilt=40)
def _bread_knife(pen: Pen) -> None:
    _knife(pen, blade=pen.between(0, 1), teeth=True)


@KINDS.kind("bottle", "insulated bottle", "water bottle", "thermos bottle", tilt=4)
def _bottle(pen: Pen) -> None:
    wide = pen.between(11, 15)
    pen.ground(50 - wide, 50 + wide, 97)
    pen.fill(
        mirrored(
            [
                (50, 20),
                (57, 20),
                (58, 28),
                (50 + wide, 34, 1),
                (50 + wide, 44),
                (50 + wide, 96),
                (50, 97),
            ]
        ),
        surface="gloss",
    )
    cap = pen.one_of([_DARK, _STEEL, pen.tone(0.7)])
    pen.box(42, 7, 58, 22, cap, corner=3, surface="round")
    if pen.chance(0.4):
        pen.line([(44, 8), (44, 1, 1), (56, 1, 1), (56, 8)], cap, 2)
    pen.box(46, 56, 54, 64, pen.contrast, corner=2, surface="flat", edge=False)


@KINDS.kind("travel mug", "thermo mug", "coffee cup to go", "tumbler", tilt=4)
def _travel_mug(pen: Pen) -> None:
    pen.ground(32, 68, 96)
    pen.fill(mirrored([(50, 20), (72, 20), (66, 95), (50, 96)]), surface="gloss")
    pen.fill(
        mirrored([(50, 44), (70.4, 44), (68.6, 64), (50, 64)]),
        pen.one_of([_DARK, COLOURS["tan"], pen.tone(0.7)]),
        surface="round",
    )
    pen.fill(
        mirrored([(50, 8), (68, 8), (71, 13), (74, 14), (74, 21), (50, 21)]),
        _DARK,
        surface="round",
    )


@KINDS.kind("mug", "coffee mug", "cup", "stoneware mug", flip=0.3, tilt=3, patterned=0.1)
def _mug(pen: Pen) -> None:
    def one(pen: Pen) -> None:
        pen.line([(68, 40), (92, 38, 1), (90, 74, 1), (66, 74)], pen.tone(0.9), 6)
        pen.fill(
            mirrored([(43, 26), (70, 26), (70, 78), (68, 87, 1), (43, 88)], axis=43),
            surface="gloss",
        )
        pen.oval(43, 26, 27, 6, pen.tone(1.2), surface="flat")
        pen.oval(43, 26.6, 24, 4.6, pen.tone(0.6), surface="flat")

    if pen.chance(0.35):
        with pen.moved(scale=0.7, across=16, down=-14):
            one(pen)
        with pen.moved(scale=0.7, across=-16, down=10):
            one(pen)
    else:
        pen.ground(16, 72, 88)
        one(pen)


@KINDS.kind("plate", "dinner plate", "plates", tilt=3, patterned=0.15)
def _plate(pen: Pen) -> None:
    pen.oval(50, 50, 44, 44, surface="metal")
    pen.oval(50, 50, 29, 29, pen.tone(0.94), surface="ball")
    pen.line(oval(50, 50, 42, 42), pen.trim, 1.0)


@KINDS.kind("bowl", "cereal bowl", "salad bowl", tilt=3, patterned=0.15)
def _bowl(pen: Pen) -> None:
    pen.ground(30, 70, 80)
    pen.fill(mirrored([(50, 38), (90, 38), (86, 80, 1), (60, 80), (50, 80)]), surface="gloss")
    pen.oval(50, 38, 40, 10, pen.tone(1.15), surface="flat")
    pen.oval(50, 39, 36, 8, pen.tone(0.7), surface="down")
