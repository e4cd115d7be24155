"""Bags of every size, and wallets."""

from __future__ import annotations

from embedded.pictures.colours import COLOURS, Rgb
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import band, mirrored
from embedded.pictures.pen import Pen

KINDS = KindTable()


def _metal(pen: Pen) -> Rgb:
    return pen.one_of([COLOURS["gold"], COLOURS["silver"], COLOURS["gold"]])


@KINDS.kind("handbag", "purse", "shoulder bag", "ladies bag", "hand bag", patterned=0.2)
def _handbag(pen: Pen) -> None:
    metal, top = _metal(pen), pen.between(36, 48)
    wide, flare = pen.between(30, 40), pen.between(-3, 7)
    high = pen.between(6, 20)
    pen.ground(14, 86, 89)
    strap = pen.one_of([pen.trim, pen.trim, COLOURS["tan"]])
    for reach in (0.0, 2.5) if pen.chance(0.5) else (0.0,):
        pen.fill(
            band(
                [
                    (50 - wide * 0.62, top + 4),
                    (50 - wide * 0.5, high + reach, 1),
                    (50, high + reach),
                    (50 + wide * 0.5, high + reach, 1),
                    (50 + wide * 0.62, top + 4),
                ],
                3,
            ),
            strap,
            surface="round",
        )
    pen.fill(
        mirrored(
            [
                (50, top),
                (50 + wide - 3, top),
                (50 + wide, top + 4, 1),
                (50 + wide + flare, 84),
                (50 + wide + flare - 2, 90, 1),
                (50 + wide - 6, 90),
                (50, 90),
            ]
        ),
        surface="leather",
    )
    for side in (-1, 1):
        pen.oval(50 + side * wide * 0.62, top + 5, 2.2, 2.2, metal)
    way = int(pen.between(0, 3))
    if way == 0:
        pen.fill(
            mirrored(
                [(50, top), (50 + wide - 2, top), (50 + wide - 4, top + 22, 1), (50, top + 26)]
            ),
            pen.tone(0.9),
            surface="leather",
        )
        pen.box(46, top + 20, 54, top + 29, metal, corner=1.5, surface="metal")
    elif way == 1:
        pen.line([(50 - wide, top + 8), (50 + wide, top + 8)], metal, 1.2)
        pen.line([(50, top + 8), (50, 90)], width=0.8)
    else:
        pen.box(
            50 - wide * 0.6, 62, 50 + wide * 0.6, 83, pen.tone(0.92), corner=2, surface="leather"
        )


@KINDS.kind("tote bag", "shopping bag", "shopper", patterned=0.35)
def _tote(pen: Pen) -> None:
    for reach in (0, 3):
        pen.fill(
            band(
                [(36, 40), (36, 6 + reach, 1), (50, 6 + reach), (64, 6 + reach, 1), (64, 40)], 3.4
            ),
            pen.trim,
            surface="round",
        )
    pen.fill(mirrored([(50, 34), (82, 34), (79, 92), (50, 93)]))
    if pen.chance(0.5):
        pen.oval(50, 62, 11, 11, pen.contrast, surface="flat", edge=False)


@KINDS.kind("backpack", "rucksack", "school bag", "daypack", patterned=0.1)
def _backpack(pen: Pen) -> None:
    panel = pen.one_of([pen.tone(0.8), pen.tone(0.9), pen.contrast, pen.accents[0], pen.tone(1.2)])
    wide = pen.between(27, 33)
    pen.fill(band([(42, 12), (42, 3, 1), (50, 3), (58, 3, 1), (58, 12)], 3), pen.trim)
    for side in (-1, 1):
        pen.fill(
            band(
                [
                    (50 + side * (wide - 6), 20),
                    (50 + side * (wide + 13), 50, 1),
                    (50 + side * (wide - 2), 84),
                ],
                5,
            ),
            pen.tone(0.6),
            surface="round",
        )
    pen.fill(
        mirrored(
            [
                (50, 7),
                (50 + wide * 0.8, 8, 1),
                (50 + wide - 2, 30),
                (50 + wide + 3, 84, 1),
                (50 + wide - 5, 93),
                (50, 94),
            ]
        ),
        surface="round",
    )
    pen.line(
        [
            (50 - wide + 2, 42),
            (50 - wide + 3, 16, 1),
            (50, 14),
            (50 + wide - 3, 16, 1),
            (50 + wide - 2, 42),
        ],
        (60, 60, 62),
        1.0,
    )
    pen.box(50 - wide * 0.76, 52, 50 + wide * 0.76, 89, panel, corner=6, surface="round")
    pen.line([(50 - wide * 0.72, 60), (50, 57, 1), (50 + wide * 0.72, 60)], (60, 60, 62), 1.0)
    if pen.chance(0.6):
        pen.box(
            50 - wide * 0.55, 30, 50 + wide * 0.55, 46, pen.tone(0.9), corner=4, surface="round"
        )
    pen.box(47, 66, 53, 70, pen.contrast, surface="flat", edge=False)
    for side in (-1, 1):
        pen.fill(
            [
                (50 + side * (wide - 1), 62),
                (50 + side * (wide + 5), 66),
                (50 + side * (wide + 4), 88),
                (50 + side * (wide - 2), 88),
            ],
            pen.tone(0.7),
        )


@KINDS.kind("hiking backpack", "trekking backpack", "trekking rucksack")
def _hiking_backpack(pen: Pen) -> None:
    strap = pen.tone(0.5)
    for side in (-1, 1):
        pen.fill(
            band([(50 + side * 20, 22), (50 + side * 40, 50, 1), (50 + side * 22, 76)], 5), strap
        )
    pen.box(28, 82, 72, 95, pen.tone(0.7), corner=5, surface="round")
    pen.fill(mirrored([(50, 14), (72, 14), (78, 50, 1), (74, 86), (50, 88)]), surface="round")
    pen.fill(
        mirrored([(50, 4), (70, 4, 1), (74, 22), (64, 27, 1), (50, 28)]),
        pen.tone(0.88),
        surface="round",
    )
    pen.box(35, 44, 65, 78, pen.tone(0.82), corner=5, surface="round")
    for x in (38, 60):
        pen.line([(x, 24), (x, 82)], strap, 2)
        pen.box(x - 2, 34, x + 2, 39, (50, 50, 52), surface="flat")
    for y in (34, 60, 74):
        pen.line([(26, y), (74, y)], strap, 1)
    pen.line([(72, 30), (80, 84)], COLOURS["silver"], 1.4)


@KINDS.kind("roll-top backpack", "rolltop bag", "commuter backpack")
def _roll_top(pen: Pen) -> None:
    pen.fill(mirrored([(50, 14), (70, 14), (76, 50, 1), (75, 94), (50, 95)]), surface="round")
    pen.box(28, 7, 72, 19, pen.tone(0.85), corner=5, surface="down")
    for side in (-1, 1):
        pen.line([(50 + side * 22, 13), (50 + side * 25, 44)], pen.tone(0.5), 2.4)
        pen.box(50 + side * 24 - 2, 28, 50 + side * 24 + 2, 34, (40, 40, 42), surface="flat")
    pen.box(32, 58, 68, 88, pen.tone(0.9), corner=2, surface="down")
    pen.line([(32, 62), (68, 62)], (60, 60, 62), 1.3)
    pen.box(44, 70, 56, 73, pen.contrast, surface="flat", edge=False)


@KINDS.kind("clutch", "clutch bag", "evening bag", patterned=0.15)
def _clutch(pen: Pen) -> None:
    metal, top = _metal(pen), pen.between(30, 38)
    pen.ground(10, 90, 76)
    pen.box(8, top, 92, 75, pen.cloth, corner=4, surface="leather")
    if pen.chance(0.6):
        pen.fill(
            [(8, top + 2), (92, top + 2), (88, 50, 1), (50, 62), (12, 50, 1)],
            pen.tone(0.92),
            surface="leather",
        )
        pen.oval(50, 58, 3, 3, metal)
    else:
        pen.box(8, top - 3, 92, top + 2, metal, corner=2, surface="metal")
        pen.oval(47, top - 5, 2.6, 2.6, metal)
        pen.oval(53, top - 5, 2.6, 2.6, metal)
    if pen.chance(0.4):
        pen.line([(12, top), (30, 2, 1), (88, top)], metal, 1.0)


@KINDS.kind("wallet", "purse wallet", "men's wallet", "billfold", tilt=8, patterned=0.08)
def _wallet(pen: Pen) -> None:
    pen.ground(14, 86, 80)
    left, top = pen.between(12, 18), pen.between(22, 32)
    if pen.chance(0.35):
        pen.fill(
            [(left, top), (50, top + 6), (50, 84), (left, 76)], pen.tone(0.9), surface="leather"
        )
        for step in range(3):
            y = top + 14 + step * 11
            pen.line([(left + 4, y), (48, y + 4)], pen.tone(0.6), 1.0)
            pen.line([(left + 5, y - 2), (46, y + 2)], COLOURS["silver"], 1.6)
        pen.fill([(50, top + 6), (88, top), (88, 76), (50, 84)], surface="leather")
    else:
        pen.box(left + 1, top - 2, 100 - left + 1, 77, pen.tone(0.7), corner=4, surface="flat")
        pen.box(left, top, 100 - left, 79, pen.cloth, corner=4, surface="leather")
    pen.stitches(
        [
            (left + 3, top + 4),
            (97 - left, top + 4),
            (97 - left, 76),
            (left + 3, 76),
            (left + 3, top + 4),
        ],
        pen.tone(0.6),
    )
    if pen.chance(0.5):
        pen.box(70, 66, 80, 72, pen.tone(0.6), surface="flat", edge=False)


@KINDS.kind("duffel bag", "gym bag", "sports bag", "travel bag", patterned=0.05)
def _duffel(pen: Pen) -> None:
    pen.ground(8, 92, 84)
    top = pen.between(38, 46)
    pen.fill(band([(30, 62), (32, 10, 1), (50, 12), (68, 10, 1), (70, 62)], 3), pen.tone(0.55))
    pen.fill(
        [
            (12, top + 4),
            (16, top - 2, 1),
            (84, top - 2, 1),
            (88, top + 4),
            (96, 64, 1),
            (92, 84),
            (50, 88, 1),
            (8, 84),
            (4, 64, 1),
        ],
        surface="round",
    )
    pen.line([(14, top + 4), (50, top, 1), (86, top + 4)], (50, 50, 52), 1.2)
    for x in (30, 66):
        pen.box(x, top + 2, x + 4, 85, pen.tone(0.6), surface="flat")
    pen.box(36, 58, 64, 80, pen.one_of([pen.tone(0.85), pen.contrast]), corner=2, surface="round")
    pen.oval(12, 66, 7, 15, pen.tone(0.75))


@KINDS.kind("suitcase", "trolley bag", "luggage", "trolley", tilt=3)
def _suitcase(pen: Pen) -> None:
    pen.ground(26, 76, 96)
    for x in (40, 60):
        pen.line([(x, 2), (x, 22)], COLOURS["silver"], 1.6)
    pen.box(38, 1, 62, 5, (50, 50, 52), corner=2)
    for x in (32, 66):
        pen.box(x - 3, 90, x + 3, 97, (46, 46, 48), corner=2)
    pen.box(24, 20, 76, 93, pen.cloth, corner=6, surface="round")
    if pen.chance(0.5):
        for step in range(6):
            pen.line([(31 + step * 7.6, 24), (31 + step * 7.6, 90)], pen.tone(0.75), 1.2)
    else:
        pen.box(31, 54, 69, 88, pen.tone(0.9), corner=3, surface="round")
        pen.box(31, 27, 69, 48, pen.tone(0.9), corner=3, surface="round")
    pen.box(43, 17, 57, 21, (60, 60, 62), corner=1)


@KINDS.kind("laptop bag", "messenger bag", "briefcase", "office bag")
def _laptop_bag(pen: Pen) -> None:
    pen.ground(10, 90, 84)
    pen.line([(12, 40), (26, 4, 1), (74, 4, 1), (88, 40)], pen.tone(0.55), 2.2)
    pen.fill(band([(38, 34), (38, 22, 1), (50, 22), (62, 22, 1), (62, 34)], 3.2), pen.tone(0.6))
    pen.box(8, 32, 92, 84, pen.cloth, corner=4, surface="leather")
    if pen.chance(0.5):
        pen.fill(
            [(8, 33), (92, 33), (92, 58), (88, 64, 1), (12, 64, 1), (8, 58)],
            pen.tone(0.9),
            surface="leather",
        )
        for x in (28, 68):
            pen.box(x, 58, x + 5, 70, COLOURS["silver"], corner=1, surface="metal")
    else:
        pen.line([(12, 40), (88, 40)], (70, 70, 72), 1.2)
        pen.box(16, 50, 84, 79, pen.tone(0.9), corner=3, surface="leather")


@KINDS.kind("laptop sleeve", "laptop case", "tablet sleeve", tilt=8, patterned=0.1)
def _laptop_sleeve(pen: Pen) -> None:
    pen.box(9, 26, 91, 79, pen.cloth, corner=5, surface="cloth")
    pen.line([(12, 30), (88, 30)], pen.tone(0.55), 1.6)
    pen.box(84, 30, 87, 38, COLOURS["silver"], surface="metal")
    pen.stitches([(13, 75), (87, 75)], pen.trim)
    if pen.chance(0.5):
        pen.box(64, 64, 82, 70, pen.tone(0.7), surface="flat", edge=False)
