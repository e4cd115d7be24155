"""Lamps, textiles, furniture and cleaning."""

from __future__ import annotations

from embedded.pictures.colours import Rgb
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import band, mirrored, oval
from embedded.pictures.pen import Pen

KINDS = KindTable()

_DARK: Rgb = (44, 44, 48)
_STEEL: Rgb = (190, 194, 200)
_GLOW: Rgb = (255, 238, 186)


@KINDS.kind("desk lamp", "table lamp", "reading lamp", flip=0.5, tilt=2)
def _desk_lamp(pen: Pen) -> None:
    pen.ground(44, 92, 94)
    pen.fill(mirrored([(68, 88), (86, 88), (88, 94), (68, 95)], axis=68), surface="metal")
    pen.fill(band([(68, 89), (78, 54)], 3.4), surface="round")
    pen.fill(band([(78, 54), (40, 22)], 3.4), surface="round")
    pen.oval(78, 54, 4, 4)
    pen.oval(28, 42, 15, 6, _GLOW, turn=-32, surface="flat")
    pen.fill([(14, 50), (22, 26, 1), (36, 16), (46, 22), (46, 32, 1), (42, 34)], surface="gloss")


@KINDS.kind("floor lamp", "standing lamp", tilt=1)
def _floor_lamp(pen: Pen) -> None:
    pen.ground(36, 64, 96)
    if pen.chance(0.5):
        pen.box(49, 22, 51, 95, pen.tone(0.8), surface="round")
        pen.oval(50, 95, 13, 2.6, pen.tone(0.8), surface="metal")
    else:
        for x in (36, 50, 64):
            pen.fill(band([(50, 30), (x, 96)], 2.2), pen.tone(0.8), surface="flat")
    pen.fill(mirrored([(50, 3), (62, 3), (71, 30), (50, 32)]), surface="round")
    pen.oval(50, 31, 20, 2.2, _GLOW, surface="flat")


@KINDS.kind("night light", "bedside lamp", "mood lamp", tilt=4)
def _night_light(pen: Pen) -> None:
    pen.ground(30, 70, 92)
    pen.box(32, 78, 68, 92, pen.cloth, corner=4, surface="round")
    pen.fill(
        mirrored([(50, 18), (84, 18, 1), (80, 72, 1), (64, 80), (50, 80)]), _GLOW, surface="ball"
    )
    pen.oval(41, 50, 2.4, 3, pen.tone(0.7), surface="flat", edge=False)
    pen.oval(59, 50, 2.4, 3, pen.tone(0.7), surface="flat", edge=False)
    pen.line([(44, 60), (50, 65, 1), (56, 60)], pen.tone(0.7), 1.6)


@KINDS.kind("bedding set", "bed linen", "duvet cover", "bedsheet", tilt=1, patterned=0.3)
def _bedding(pen: Pen) -> None:
    pen.box(8, 14, 92, 40, (196, 160, 120), corner=3)
    pen.fill([(8, 40), (92, 40), (98, 90), (2, 90)], pen.tone(0.9))
    for x in (28, 72):
        pen.fill(
            [(x - 18, 32), (x, 26, 1), (x + 18, 32), (x + 20, 50, 1), (x, 52, 1), (x - 20, 50, 1)],
            surface="ball",
        )
    pen.fill([(4, 56), (50, 50, 1), (96, 56), (99, 92), (1, 92)])
    pen.fill([(4, 56), (50, 50, 1), (96, 56), (97, 64), (50, 58, 1), (3, 64)], pen.tone(1.2))


@KINDS.kind("blanket", "throw", "wool blanket", tilt=4, patterned=0.4)
def _blanket(pen: Pen) -> None:
    if pen.chance(0.6):
        for step in range(4):
            y = 76 - step * 14
            pen.box(12 + step, y - 8, 88 - step, y + 9, pen.cloth, corner=8, surface="down")
        for step in range(19):
            x = 16 + step * 3.7
            pen.line([(x, 84), (x + pen.between(-1, 1), 93)], pen.trim, 0.9)
    else:
        pen.fill([(16, 10), (84, 10), (88, 50, 1), (84, 86), (50, 90, 1), (16, 86), (12, 50, 1)])
        for step in range(20):
            x = 17 + step * 3.5
            pen.line([(x, 86), (x, 94)], pen.trim, 0.9)


@KINDS.kind("towel", "bath towel", "hand towel", tilt=3, patterned=0.1)
def _towel(pen: Pen) -> None:
    if pen.chance(0.5):
        pen.box(8, 10, 92, 14, _STEEL, corner=2, surface="down")
        pen.box(24, 9, 76, 92, pen.cloth, corner=2, surface="cloth")
        pen.box(24, 76, 76, 82, pen.trim, surface="flat", edge=False)
    else:
        for step in range(3):
            y = 74 - step * 21
            pen.box(14, y - 10, 86, y + 11, pen.cloth, corner=10, surface="down")
            pen.line([(15, y + 1), (74, y + 1)], pen.trim, 1.0)


@KINDS.kind("vacuum cleaner", "cordless vacuum cleaner", "stick vacuum", flip=0.3, tilt=6)
def _vacuum(pen: Pen) -> None:
    pen.fill(band([(62, 34), (30, 88)], 4), _STEEL, surface="metal")
    pen.fill([(8, 90), (16, 84, 1), (46, 84, 1), (48, 96), (8, 96)], surface="gloss")
    pen.oval(64, 26, 12, 15, turn=30, surface="gloss")
    pen.oval(64, 26, 7, 10, (206, 222, 232), turn=30, surface="gloss")
    pen.line([(70, 14), (94, 8, 1), (90, 34, 1), (72, 38)], pen.tone(0.75), 5)
    pen.box(76, 36, 88, 46, _DARK, corner=2)


@KINDS.kind("robot vacuum", "robot vacuum cleaner", "vacuum robot", tilt=12)
def _robot_vacuum(pen: Pen) -> None:
    pen.ground(10, 90, 84)
    pen.oval(50, 56, 42, 32, pen.tone(0.6), surface="flat")
    pen.oval(50, 50, 42, 32, surface="metal")
    pen.line(oval(50, 50, 38, 28, start=20, end=160), pen.tone(0.6), 1.6)
    pen.oval(50, 40, 12, 8, pen.tone(0.75), surface="gloss")
    pen.oval(50, 58, 3.4, 2.6, (110, 200, 240), surface="flat")


@KINDS.kind("garment steamer", "steam iron", "iron", flip=0.3, tilt=6)
def _steamer(pen: Pen) -> None:
    pen.line([(86, 60), (98, 76, 1), (84, 96)], _DARK, 1.8)
    pen.fill([(4, 76), (30, 50, 1), (88, 48), (92, 76)], surface="gloss")
    pen.fill([(2, 76), (94, 76), (93, 83), (4, 83)], _STEEL, surface="metal")
    pen.line([(34, 54), (38, 26, 1), (60, 28), (86, 28, 1), (86, 54)], pen.tone(0.75), 7)
    pen.oval(58, 62, 5, 5, pen.contrast)
    for x in (14, 24):
        pen.line([(x, 30), (x + 4, 24, 1), (x, 18)], (206, 212, 220), 1.4)


@KINDS.kind("bookcase", "bookshelf", "shelf", "shelving unit", tilt=1)
def _bookcase(pen: Pen) -> None:
    pen.ground(20, 80, 97)
    pen.box(20, 3, 80, 97, pen.cloth, surface="side")
    for row in range(5):
        top = 6 + row * 18
        pen.box(23, top, 77, top + 15, pen.tone(0.55), surface="flat")
        x = 24.0
        while x < pen.between(40, 74):
            wide, high = pen.between(2, 5), pen.between(8, 13)
            pen.box(
                x,
                top + 15 - high,
                x + wide,
                top + 15,
                pen.one_of([*pen.accents, (230, 226, 216)]),
                surface="flat",
            )
            x += wide


@KINDS.kind("coffee table", "side table", "table", "low table", tilt=1)
def _coffee_table(pen: Pen) -> None:
    leg = pen.one_of([pen.tone(0.75), _DARK, pen.tone(0.75)])
    pen.ground(14, 86, 84)
    for x, y in ((22, 84), (78, 84), (38, 74), (62, 74)):
        pen.fill(
            band([(50 + (x - 50) * 0.82, 46), (x, y)], 4, end_width=2.4), leg, surface="round"
        )
    if pen.chance(0.6):
        pen.oval(50, 46, 44, 11, pen.tone(0.75), surface="flat")
        pen.oval(50, 43, 44, 11, surface="metal")
    else:
        pen.fill([(16, 36), (84, 36), (96, 48), (4, 48)], surface="side")
        pen.box(4, 48, 96, 52, pen.tone(0.75), surface="flat")


@KINDS.kind("bedside table", "nightstand", "chest of drawers", tilt=1)
def _bedside_table(pen: Pen) -> None:
    pen.ground(20, 80, 94)
    for x in (25, 72):
        pen.fill(
            band([(x + 1.5, 74), (x + 1.5, 95)], 4, end_width=2.6), pen.tone(0.7), surface="round"
        )
    pen.fill([(22, 20), (78, 20), (84, 28), (16, 28)], pen.tone(1.12), surface="flat")
    pen.box(16, 28, 84, 78, pen.cloth, surface="side")
    rows = 1 + int(pen.between(0, 3))
    for row in range(rows):
        top, high = 32 + row * 44 / rows, 40 / rows
        pen.box(20, top, 80, top + high, pen.tone(0.93), corner=1, surface="down")
        pen.oval(50, top + high / 2, 3, 2, pen.one_of([_STEEL, _DARK]), surface="ball")


@KINDS.kind("cushion", "pillow", "throw pillow", tilt=10, patterned=0.4)
def _cushion(pen: Pen) -> None:
    pen.fill(
        [
            (10, 10),
            (50, 18, 1),
            (90, 10),
            (82, 50, 1),
            (90, 90),
            (50, 82, 1),
            (10, 90),
            (18, 50, 1),
        ],
        surface="ball",
    )


@KINDS.kind("chair", "dining chair", "armchair", tilt=1)
def _chair(pen: Pen) -> None:
    pen.ground(22, 78, 96)
    for x, y in ((30, 96), (70, 96), (36, 88), (64, 88)):
        pen.fill(band([(x, 60), (x + (x - 50) * 0.1, y)], 3.4), pen.tone(0.7), surface="round")
    pen.fill(mirrored([(50, 6), (70, 6, 1), (72, 20), (68, 54), (50, 54)]), surface="round")
    pen.fill([(28, 54), (72, 54), (78, 66), (22, 66)], pen.tone(0.92), surface="down")


@KINDS.kind("vase", "flower vase", tilt=2, patterned=0.1)
def _vase(pen: Pen) -> None:
    pen.ground(34, 66, 96)
    pen.fill(
        mirrored([(50, 8), (60, 8), (58, 24, 1), (76, 54, 1), (62, 96), (50, 97)]), surface="gloss"
    )
    pen.oval(50, 8, 10, 2.4, pen.tone(0.5), surface="flat")
