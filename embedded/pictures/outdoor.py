"""Camping, cycling and water: what goes outdoors."""

from __future__ import annotations

from embedded.pictures.colours import COLOURS, Rgb, mixed
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import band, box, mirrored, oval
from embedded.pictures.pen import Pen

KINDS = KindTable()

_DARK: Rgb = (44, 44, 48)
_STEEL: Rgb = (186, 190, 196)
_LIGHT: Rgb = (255, 244, 196)


@KINDS.kind("tent", "trekking tent", "dome tent", "camping tent", flip=0.4, tilt=2)
def _tent(pen: Pen) -> None:
    pen.ground(6, 94, 84)
    if pen.chance(0.6):
        pen.fill([(4, 84), (14, 30, 1), (46, 24), (84, 28, 1), (96, 84)], surface="side")
        pen.fill(
            [(22, 84), (32, 40, 1), (46, 24), (60, 44, 1), (66, 84)], pen.tone(0.8), surface="down"
        )
        pen.fill(
            [(36, 84), (40, 54, 1), (46, 34), (52, 54, 1), (56, 84)], pen.tone(0.4), surface="flat"
        )
    else:
        pen.fill([(60, 22), (96, 78), (80, 84), (34, 84)], pen.tone(0.8), surface="side")
        pen.fill([(34, 20), (60, 22), (80, 84), (64, 84)], surface="down")
        pen.fill([(34, 20), (64, 84), (4, 84)], pen.tone(0.9), surface="down")
        pen.fill([(34, 26), (44, 84), (22, 84)], pen.tone(0.4), surface="flat")
    pen.line([(6, 82), (0, 90)], _DARK, 0.8)
    pen.line([(95, 82), (100, 90)], _DARK, 0.8)


@KINDS.kind("sleeping bag", "down sleeping bag", tilt=20)
def _sleeping_bag(pen: Pen) -> None:
    pen.fill(
        mirrored([(50, 3), (68, 3, 1), (72, 24), (72, 40, 1), (62, 92), (56, 98, 1), (50, 98)]),
        surface="round",
    )
    for step in range(9):
        y = 30 + step * 7.4
        pen.line([(28 + step * 1.1, y), (50, y + 3, 1), (72 - step * 1.1, y)], pen.tone(0.72), 1.0)
    pen.oval(
        50, 17, 13, 11, pen.one_of([pen.contrast, pen.tone(0.5), pen.accents[0]]), surface="ball"
    )
    pen.line([(60, 28), (64, 50), (58, 92)], _DARK, 1.0)


@KINDS.kind("sleeping mat", "sleeping pad", "air mattress", tilt=20)
def _sleeping_mat(pen: Pen) -> None:
    pen.box(30, 4, 70, 96, pen.main, corner=10, surface="round")
    for step in range(8):
        x = 34 + step * 4.6
        pen.line([(x, 8), (x, 92)], pen.tone(0.72), 1.2)
    pen.oval(64, 92, 2.2, 2.2, _DARK)


@KINDS.kind("camping stove", "gas stove", "gas cooker", tilt=3)
def _camping_stove(pen: Pen) -> None:
    pen.fill(
        mirrored([(50, 56), (60, 58, 1), (72, 62), (72, 92), (50, 95)]), pen.cloth, surface="gloss"
    )
    pen.box(30, 70, 70, 82, pen.contrast, surface="round", edge=False)
    pen.box(46, 38, 54, 57, _STEEL, surface="metal")
    pen.line([(54, 46), (72, 44)], _STEEL, 2)
    pen.oval(75, 44, 4, 4, _DARK)
    pen.fill(mirrored([(50, 30), (60, 30), (56, 39), (50, 39)]), _STEEL, surface="metal")
    for side in (-1, 1):
        pen.line([(50 + side * 6, 38), (50 + side * 27, 22), (50 + side * 14, 24)], _STEEL, 2.2)
    pen.fill(
        mirrored([(50, 8), (55, 18, 1), (57, 29), (50, 30)]),
        (90, 150, 250),
        surface="flat",
        edge=False,
    )


@KINDS.kind("cook set", "camping pots", "mess kit", tilt=3)
def _cook_set(pen: Pen) -> None:
    pen.ground(8, 92, 88)
    for x, y, wide, high in ((36, 60, 24, 34), (70, 86, 20, 26), (32, 88, 17, 20)):
        pen.line(
            [
                (x + wide, y - high * 0.8),
                (x + wide + 12, y - high * 0.5, 1),
                (x + wide, y - high * 0.2),
            ],
            _STEEL,
            2.2,
        )
        pen.box(x - wide, y - high, x + wide, y, pen.cloth, corner=4, surface="metal")
        pen.oval(x, y - high, wide, wide * 0.22, pen.tone(0.7), surface="down")


@KINDS.kind("cool box", "cooler", "ice box", tilt=3)
def _cool_box(pen: Pen) -> None:
    pen.ground(10, 90, 88)
    pen.line([(20, 44), (22, 12, 1), (78, 12, 1), (80, 44)], pen.contrast, 4)
    pen.fill([(13, 46), (87, 46), (83, 88), (17, 88)], surface="down")
    pen.box(9, 32, 91, 48, pen.one_of([(240, 240, 238), pen.tone(0.8)]), corner=4)
    pen.box(44, 44, 56, 56, pen.contrast, corner=2)


@KINDS.kind("headlamp", "head torch", "headlight", tilt=6)
def _headlamp(pen: Pen) -> None:
    strap = pen.tone(0.75)
    pen.line(oval(50, 44, 38, 24), strap, 7)
    pen.line([(50, 22), (50, 8, 1), (50, 20)], strap, 6)
    pen.box(34, 52, 66, 82, pen.main, corner=7, surface="gloss")
    pen.oval(50, 67, 10, 10, _STEEL, surface="metal")
    pen.oval(50, 67, 7, 7, _LIGHT)
    pen.box(46, 50, 54, 54, (210, 50, 40), corner=1)


@KINDS.kind("lantern", "camping lantern", "camping lamp", tilt=3)
def _lantern(pen: Pen) -> None:
    pen.ground(30, 70, 95)
    pen.line([(32, 30), (30, 2, 1), (70, 2, 1), (68, 30)], _STEEL, 2)
    pen.fill(mirrored([(50, 14), (60, 14), (68, 30), (50, 31)]), surface="round")
    pen.box(35, 30, 65, 72, _LIGHT, surface="round")
    for x in (35, 45, 55, 65):
        pen.line([(x, 30), (x, 72)], pen.tone(0.7), 1.4)
    pen.fill(mirrored([(50, 71), (68, 71), (72, 94), (50, 95)]), surface="round")
    pen.oval(50, 83, 4, 4, pen.contrast)


@KINDS.kind("torch", "flashlight", "pocket lamp", flip=0.5, tilt=35)
def _torch(pen: Pen) -> None:
    pen.fill(
        [
            (4, 33),
            (16, 33),
            (30, 40),
            (94, 40),
            (97, 50, 1),
            (94, 60),
            (30, 60),
            (16, 67),
            (4, 67),
        ],
        surface="down",
    )
    pen.oval(4.5, 50, 4, 17, _STEEL, surface="metal")
    pen.oval(4.5, 50, 2.6, 13, _LIGHT, surface="flat")
    pen.oval(40, 45, 5, 2.6, (200, 60, 50), surface="flat")
    for step in range(10):
        pen.line([(54 + step * 4, 41), (54 + step * 4, 59)], pen.tone(0.65), 1.0)


@KINDS.kind("helmet", "bicycle helmet", "bike helmet", "cycling helmet", flip=0.3, tilt=6)
def _helmet(pen: Pen) -> None:
    pen.line([(30, 60), (40, 92), (50, 96, 1), (70, 62)], _DARK, 2)
    pen.fill(
        [(4, 60), (4, 18, 1), (50, 14), (92, 16, 1), (97, 56), (86, 68, 1), (60, 62), (30, 72, 1)],
        surface="gloss",
    )
    for outline in (
        [(14, 50), (22, 28, 1), (40, 24), (30, 36, 1), (26, 52)],
        [(36, 52), (40, 30, 1), (58, 22), (52, 36, 1), (50, 52)],
        [(60, 50), (64, 32, 1), (76, 26), (78, 38, 1), (74, 50)],
    ):
        pen.fill(outline, mixed(pen.main, (0, 0, 0), 0.7), surface="flat")
    pen.line([(6, 58), (40, 66, 1), (94, 58)], pen.contrast, 1.6)


@KINDS.kind("folding lock", "bike lock", "bicycle lock", tilt=12)
def _folding_lock(pen: Pen) -> None:
    joints = [(22, 80), (14, 34), (48, 10), (86, 34), (78, 80)]
    for first, second in zip(joints[:-1], joints[1:], strict=True):
        pen.fill(band([first, second], 9), surface="metal")
    for x, y in joints:
        pen.oval(x, y, 5.4, 5.4, pen.tone(0.8))
        pen.oval(x, y, 2, 2, _STEEL, surface="metal")
    pen.box(16, 72, 84, 90, pen.main, corner=6, surface="gloss")
    pen.oval(50, 81, 4, 4, _STEEL, surface="metal")


@KINDS.kind("pannier bag", "bike bag", "pannier", tilt=4)
def _pannier(pen: Pen) -> None:
    for x in (36, 64):
        pen.line([(x, 16), (x, 6), (x + 6, 6)], _DARK, 3)
    pen.fill(mirrored([(50, 18), (72, 18), (78, 90), (72, 95, 1), (50, 95)]), surface="down")
    pen.box(26, 12, 74, 26, pen.tone(0.82), corner=5, surface="down")
    for x in (36, 64):
        pen.line([(x, 24), (x, 62)], _DARK, 2.6)
        pen.box(x - 3, 46, x + 3, 53, _DARK, corner=1)
    pen.oval(50, 72, 6, 6, _STEEL)


@KINDS.kind("paddle board", "sup board", "inflatable paddle board", tilt=14)
def _paddle_board(pen: Pen) -> None:
    pen.fill(
        mirrored([(43, 2), (54, 4, 1), (60, 40, 1), (60, 70, 1), (52, 96), (43, 98)], axis=43),
        surface="round",
    )
    pen.fill(
        mirrored([(43, 46), (53, 46), (52, 76), (43, 77)], axis=43),
        pen.one_of([pen.contrast, pen.tone(0.6), COLOURS["grey"]]),
        surface="flat",
    )
    pen.line([(32, 22), (43, 14, 1), (54, 22)], pen.contrast, 2)
    pen.line([(80, 10), (80, 74)], _DARK, 2)
    pen.line([(76, 9), (84, 9)], _DARK, 2.4)
    pen.fill(
        mirrored([(80, 72), (85, 74), (86, 92, 1), (80, 97)], axis=80),
        pen.one_of([_DARK, pen.cloth]),
        surface="round",
    )


@KINDS.kind("dry bag", "waterproof bag", tilt=6)
def _dry_bag(pen: Pen) -> None:
    pen.ground(28, 72, 95)
    pen.line([(34, 14), (36, 0, 1), (64, 0, 1), (66, 14)], _DARK, 2.6)
    pen.fill(
        mirrored([(50, 18), (64, 18), (74, 34, 1), (73, 92), (66, 96, 1), (50, 96)]),
        surface="gloss",
    )
    pen.fill(box(33, 10, 67, 21, corner=4), pen.tone(0.8), surface="down")
    pen.box(40, 50, 60, 68, pen.contrast, corner=2, surface="flat", edge=False)
    pen.line([(70, 36), (80, 60, 1), (72, 90)], _DARK, 1.8)
