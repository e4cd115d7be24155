"""What is worn besides clothes: on the head, the neck, the wrist, the waist."""

from __future__ import annotations

from embedded.pictures.colours import COLOURS, Rgb, shade
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import band, mirrored, oval
from embedded.pictures.pen import Pen

KINDS = KindTable()

_STEEL: Rgb = (186, 190, 196)


@KINDS.kind("tie", "necktie", patterned=0.55, tilt=8)
def _tie(pen: Pen) -> None:
    wide = pen.between(7, 10)
    pen.fill(mirrored([(50, 4), (57, 4), (54.5, 15), (50, 16)]), surface="round")
    pen.fill(mirrored([(50, 15), (54, 15), (50 + wide, 82), (50, 96)]), surface="round")
    pen.line([(46, 16), (54, 16)], pen.tone(0.6), 0.8)


@KINDS.kind("bow tie", "bowtie", patterned=0.3)
def _bow_tie(pen: Pen) -> None:
    for side in (-1, 1):
        pen.fill(
            [
                (50, 46),
                (50 + side * 20, 32, 1),
                (50 + side * 40, 30),
                (50 + side * 44, 50, 1),
                (50 + side * 40, 70),
                (50 + side * 20, 66, 1),
                (50, 55),
            ]
        )
        pen.line([(50 + side * 8, 50), (50 + side * 26, 46)], pen.tone(0.7), 0.9)
    pen.box(44, 42, 56, 58, pen.trim, corner=3, surface="round")


@KINDS.kind("scarf", "stole", "shawl", "muffler", "dupatta", patterned=0.5)
def _scarf(pen: Pen) -> None:
    if pen.chance(0.5):
        pen.fill(band([(34, 92), (32, 40, 1), (42, 26)], 15))
        pen.fill(band([(62, 26), (70, 50, 1), (66, 84)], 16))
        pen.fill(
            [
                (26, 26),
                (26, 10, 1),
                (50, 8),
                (74, 10, 1),
                (74, 26),
                (70, 44, 1),
                (50, 44),
                (30, 44, 1),
            ],
            surface="round",
        )
        pen.fill(oval(50, 19, 15, 7), pen.tone(0.5), surface="flat")
        ends = ((26, 42, 92), (58, 74, 84))
    else:
        for left, right in ((27, 46), (52, 72)):
            pen.box(left, 12, right, 86, pen.cloth, surface="round")
        pen.fill(
            [
                (27, 20),
                (28, 4, 1),
                (50, 4),
                (72, 4, 1),
                (72, 20),
                (60, 14, 1),
                (50, 14),
                (40, 14, 1),
            ],
            surface="round",
        )
        ends = ((27, 46, 86), (52, 72, 86))
    for left, right, y in ends:
        for step in range(9):
            x = left + (right - left) * (step + 0.5) / 9
            pen.line([(x, y), (x + pen.between(-0.6, 0.6), y + 6)], pen.main, 0.8)


@KINDS.kind("cap", "baseball cap", "caps", flip=0.3, tilt=8, patterned=0.1)
def _cap(pen: Pen) -> None:
    pen.fill(
        [(28, 62), (24, 22, 1), (58, 18), (94, 22, 1), (92, 64), (60, 70, 1)], surface="round"
    )
    for outline in ([(58, 18), (44, 34, 1), (44, 64)], [(58, 18), (76, 34, 1), (76, 66)]):
        pen.line(outline, pen.tone(0.75), 0.8)
    pen.fill(
        [(28, 60), (44, 64, 1), (64, 66), (50, 74, 1), (22, 80), (2, 80, 1), (6, 72), (14, 62, 1)],
        pen.one_of([pen.cloth, pen.trim, pen.contrast]),
        surface="leather",
    )
    pen.oval(58, 18, 2.4, 1.6, pen.trim)
    if pen.chance(0.6):
        pen.oval(38, 46, 6, 7, pen.contrast, surface="flat", edge=False)


@KINDS.kind("hat", "sun hat", "fedora", "straw hat", tilt=6)
def _hat(pen: Pen) -> None:
    wide = pen.between(36, 46)
    pen.oval(50, 66, wide, wide * 0.28, surface="down")
    pen.fill(
        mirrored([(50, 20), (62, 16, 1), (68, 26, 1), (72, 64), (60, 70, 1), (50, 70)]),
        surface="round",
    )
    pen.fill(
        mirrored([(50, 60), (71, 55), (72.5, 63), (60, 69, 1), (50, 69)]),
        pen.one_of([pen.contrast, (50, 40, 36), pen.accents[0]]),
    )


@KINDS.kind("beanie", "knitted cap", "woolly hat", "winter cap", patterned=0.25)
def _beanie(pen: Pen) -> None:
    if pen.chance(0.5):
        pen.oval(50, 12, 9, 9, pen.one_of([pen.cloth, pen.contrast]))
    pen.fill(mirrored([(50, 14), (84, 14, 1), (82, 68), (50, 72)]), surface="round")
    for step in range(-6, 7):
        pen.line(
            [(50 + step * 2, 20), (50 + step * 5.4, 44, 1), (50 + step * 5, 66)],
            pen.tone(0.84),
            0.7,
        )
    pen.fill(mirrored([(50, 66), (82, 62), (84, 82), (50, 88)]), pen.trim, surface="round")
    for step in range(-9, 10):
        pen.line([(50 + step * 3.5, 67), (50 + step * 3.5, 84)], pen.tone(0.7), 0.7)


@KINDS.kind("belt", "leather belt", "waist belt", tilt=10, patterned=0.05)
def _belt(pen: Pen) -> None:
    buckle = pen.one_of([_STEEL, COLOURS["gold"], COLOURS["bronze"]])
    if pen.chance(0.55):
        wide = pen.between(10, 14)
        pen.line(oval(50, 50, 36, 30), pen.main, wide)
        pen.line(oval(50, 50, 36, 30), pen.tone(1.16), 0.8)
        pen.line(oval(50, 50, 36 - wide / 2, 30 - wide / 2), pen.tone(0.6), 0.8)
        pen.line(oval(50, 50, 36 + wide / 2, 30 + wide / 2), pen.tone(0.6), 0.8)
        x, y = 50.0, 80.0
    else:
        wide = pen.between(11, 15)
        pen.fill(band([(22, 42), (50, 38), (97, 36)], wide), surface="leather")
        pen.fill(band([(14, 58), (50, 62), (92, 62)], wide), surface="leather")
        pen.fill([(92, 62 - wide / 2), (98, 62), (92, 62 + wide / 2)], surface="flat")
        for step in range(5):
            pen.oval(66 + step * 6, 62, 0.9, 0.9, (30, 26, 24), surface="flat", edge=False)
        x, y = 15.0, 58.0
    pen.box(x - 9, y - wide * 0.75, x + 9, y + wide * 0.75, buckle, corner=2, surface="metal")
    pen.box(
        x - 5.5, y - wide * 0.45, x + 5.5, y + wide * 0.45, pen.tone(0.6), corner=1, surface="flat"
    )
    pen.line([(x - 6, y), (x + 8, y)], buckle, 1.8)


@KINDS.kind("gloves", "pair of gloves", "mittens", patterned=0.15)
def _gloves(pen: Pen) -> None:
    for side in (-1, 1):
        with pen.moved(
            across=side * 21, scale=0.86, turn=side * pen.between(2, 10), flip=side > 0
        ):
            for x, top in ((34, 14), (44, 6), (54, 8), (63, 18)):
                pen.fill(band([(x + 1, top), (x + 2, 56)], 9.4), surface="round")
                pen.oval(x + 1, top, 4.7, 4.7, surface="ball", edge=False)
            pen.fill(band([(84, 42), (80, 60, 1), (62, 74)], 10), surface="round")
            pen.oval(84, 42, 5, 5, surface="ball", edge=False)
            pen.fill(
                [(31, 46), (68, 46), (70, 70, 1), (66, 94), (36, 94), (32, 70, 1)], surface="round"
            )
            pen.box(34, 86, 68, 95, pen.trim, corner=2)


@KINDS.kind("sunglasses", "shades", "goggles", "eyewear", tilt=6)
def _sunglasses(pen: Pen) -> None:
    lens = pen.one_of([(36, 34, 38), (70, 50, 36), (40, 56, 84), (60, 60, 66)])
    metal = pen.chance(0.4)
    wide, high = pen.between(17, 20), pen.between(11, 15)
    for side in (-1, 1):
        pen.line([(50 + side * 42, 42), (50 + side * 48, 50), (50 + side * 44, 66)], pen.main, 2.6)
        x = 50 + side * 23
        shape = [
            (x - side * wide, 40),
            (x - side * wide * 0.9, 40 + high * 2.1, 1),
            (x, 40 + high * 1.9),
            (x + side * wide, 40 + high * 2, 1),
            (x + side * (wide + 2), 38),
            (x, 34, 1),
        ]
        pen.fill(shape, pen.main, surface="gloss")
        inner = [
            (
                (p[0] - x) * (0.92 if metal else 0.82) + x,
                (p[1] - 48) * (0.9 if metal else 0.76) + 48.5,
                *p[2:],
            )
            for p in shape
        ]
        pen.fill(inner, lens, surface="screen")
    pen.line([(44, 43), (50, 38, 1), (56, 43)], pen.main, 2.6)


@KINDS.kind("earrings", "ear studs", "jhumkas", tilt=4)
def _earrings(pen: Pen) -> None:
    way = int(pen.between(0, 3))
    stone = pen.one_of([pen.accents[0], (236, 240, 246), pen.accents[1]])
    for side in (-1, 1):
        x = 50 + side * 22
        pen.line([(x, 14), (x - 4, 6, 1), (x + 4, 8)], COLOURS["silver"], 1.0)
        if way == 0:
            pen.line(oval(x, 50, 15, 22), pen.main, 3.6)
            pen.line(oval(x - 1, 49, 15, 22), pen.tone(1.4), 0.8)
        elif way == 1:
            pen.oval(x, 20, 5, 5)
            pen.fill(
                [
                    (x - 3, 26),
                    (x + 3, 26),
                    (x + 13, 62, 1),
                    (x + 12, 66),
                    (x - 12, 66),
                    (x - 13, 62, 1),
                ],
                surface="metal",
            )
            for step in range(5):
                pen.oval(x - 10 + step * 5, 71, 2.2, 2.8, pen.tone(1.1))
        else:
            pen.oval(x, 22, 5, 5, surface="ball")
            pen.line([(x, 26), (x, 44)], pen.main, 1.2)
            pen.fill(
                [(x, 40), (x + 13, 62, 1), (x, 78), (x - 13, 62, 1)],
                stone if pen.chance(0.2) else None,
                surface="metal",
            )
            pen.oval(x, 60, 3.4, 4.6, stone)


@KINDS.kind("necklace", "chain", "mangalsutra", tilt=4)
def _necklace(pen: Pen) -> None:
    beads, deep = pen.chance(0.5), pen.between(64, 80)
    ring = [(14, 8), (18, deep, 1), (50, deep), (82, deep, 1), (86, 8)]
    if beads:
        line = band(ring, 0.01)
        for x, y in line[: len(line) // 2]:
            pen.oval(x, y, 3.2, 3.2)
    else:
        pen.line(ring, pen.main, 1.8)
        pen.stitches(ring, pen.tone(0.6), 1.8)
    if pen.chance(0.75):
        pen.fill(
            [(50, deep - 4), (60, deep + 6, 1), (50, deep + 18), (40, deep + 6, 1)],
            surface="metal",
        )
        pen.oval(50, deep + 7, 3, 3, pen.accents[0])


@KINDS.kind("pendant", "pendant necklace", "locket", tilt=4)
def _pendant(pen: Pen) -> None:
    pen.line([(28, 2), (38, 30, 1), (50, 46), (62, 30, 1), (72, 2)], COLOURS["silver"], 1.0)
    pen.line(oval(50, 46, 3, 4), COLOURS["silver"], 1.2)
    if pen.chance(0.5):
        pen.fill(
            mirrored([(50, 58), (54, 48, 1), (74, 50, 1), (72, 70, 1), (50, 88)]), surface="metal"
        )
    else:
        pen.oval(50, 68, 16, 18, surface="metal")
        pen.oval(50, 68, 8, 9, pen.accents[0])


@KINDS.kind("bracelet", "bangle", "bangles", "kada", tilt=10)
def _bracelet(pen: Pen) -> None:
    high = pen.between(16, 32)
    thick = pen.between(3, 8)
    if pen.chance(0.4):
        for x, y in oval(50, 50, 38, high)[::1]:
            pen.oval(x, y, 4.4, 4.4, pen.one_of([pen.main, pen.main, pen.tone(0.8)]))
    else:
        for step in range(int(pen.between(1, 4))):
            with pen.moved(down=step * thick * 1.1 - 4):
                pen.line(oval(50, 50, 38, high), pen.main, thick)
                pen.line(oval(50, 49, 38, high), pen.tone(1.5), thick * 0.2)
                pen.line(oval(50, 51.4, 38, high), pen.tone(0.6), thick * 0.16)


@KINDS.kind("ring", "finger ring", "engagement ring", tilt=10)
def _ring(pen: Pen) -> None:
    thick = pen.between(4, 7)
    pen.line(oval(50, 58, 27, 30), pen.main, thick)
    pen.line(oval(49, 57, 27, 30, start=150, end=300), pen.tone(1.5), thick * 0.3)
    pen.line(oval(50, 58, 27 - thick / 2, 30 - thick / 2), pen.tone(0.6), 0.9)
    stone = pen.one_of([(226, 236, 246), pen.accents[0], (226, 236, 246)])
    if pen.chance(0.8):
        pen.fill([(38, 18), (62, 18), (67, 24), (50, 36), (33, 24)], stone, surface="metal")
        pen.line([(33, 24), (67, 24)], shade(stone, 0.7), 0.7)
        pen.line([(44, 18), (50, 36), (56, 18)], shade(stone, 0.7), 0.7)
