"""Underwear, swimwear and socks."""

from __future__ import annotations

from embedded.pictures import people
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import mirrored
from embedded.pictures.pen import Pen

KINDS = KindTable()


def _hips(pen: Pen, colour: tuple[int, int, int]) -> None:
    """Draw a body from the waist to the knees."""
    for side in (-1, 1):
        pen.fill(
            [
                (50, 2),
                (50 + side * 22, 2),
                (50 + side * 36, 36, 1),
                (50 + side * 30, 98),
                (50 + side * 5, 98),
                (50, 62),
            ],
            colour,
            surface="round",
            edge=False,
        )


@KINDS.kind("bra", "brassiere", "bralette", patterned=0.1)
def _bra(pen: Pen) -> None:
    if pen.chance(0.4):
        skin = people.skin(pen)
        pen.fill(
            mirrored([(50, 0), (60, 0), (60, 8), (86, 14), (82, 60, 1), (74, 100), (50, 100)]),
            skin,
            surface="round",
            edge=False,
        )
    top = pen.between(12, 18)
    for side in (-1, 1):
        pen.line([(50 + side * 24, 46), (50 + side * 27, top)], pen.main, 2.6)
        pen.fill(
            [
                (50 + side * 3, 58),
                (50 + side * 5, 38, 1),
                (50 + side * 24, 34),
                (50 + side * 37, 46, 1),
                (50 + side * 34, 62),
                (50 + side * 26, 74, 1),
                (50 + side * 4, 66),
            ],
            surface="ball",
        )
        pen.fill(
            [
                (50 + side * 33, 52),
                (50 + side * 46, 56),
                (50 + side * 46, 68),
                (50 + side * 30, 68),
            ]
        )
    pen.fill(mirrored([(50, 60), (56, 60), (84, 66), (84, 71), (56, 72), (50, 71)]), pen.trim)
    pen.oval(50, 58, 1.4, 1.4, pen.contrast, edge=False)


@KINDS.kind("briefs", "panties", "underpants", "knickers", patterned=0.25)
def _briefs(pen: Pen) -> None:
    worn = pen.chance(0.45)
    if worn:
        _hips(pen, people.skin(pen))
    high = pen.between(14, 26)
    pen.fill(
        mirrored(
            [(50, high), (80, high - 2), (82, high + 16), (66, high + 22, 1), (58, 74), (50, 78)]
        )
    )
    pen.box(19.5, high - 4, 80.5, high + 4, pen.one_of([pen.trim, pen.contrast]), corner=1)
    if pen.chance(0.5):
        pen.line([(44, high + 4), (46, 60, 1), (50, 77)], width=0.9)
        pen.line([(56, high + 4), (54, 60, 1), (50, 77)], width=0.9)


@KINDS.kind("boxers", "trunks", "boxer shorts", "trunk", patterned=0.35)
def _boxers(pen: Pen) -> None:
    if pen.chance(0.4):
        _hips(pen, people.skin(pen))
    hem = pen.between(66, 82)
    pen.fill(mirrored([(50, 16), (76, 16), (82, 40, 1), (84, hem), (56, hem + 2), (50, 58)]))
    pen.box(23, 12, 77, 21, pen.one_of([pen.contrast, pen.trim]), corner=1)
    for step in range(5):
        pen.box(36 + step * 6, 15, 39 + step * 6, 18, pen.main, surface="flat", edge=False)
    pen.line([(45, 21), (46, 50), (50, 58)], width=0.9)
    pen.line([(55, 21), (54, 50), (50, 58)], width=0.9)


@KINDS.kind("socks", "pair of socks", "ankle socks", patterned=0.45)
def _socks(pen: Pen) -> None:
    top = pen.between(6, 44)
    rim = pen.one_of([pen.contrast, pen.trim, pen.accents[0]])
    for across, down in ((14, -3), (-6, 3)):
        with pen.moved(across=across, down=down):
            pen.fill(
                [
                    (44, top),
                    (64, top),
                    (65, 50),
                    (66, 58, 1),
                    (66, 68),
                    (64, 82, 1),
                    (50, 82),
                    (24, 90, 1),
                    (16, 88),
                    (6, 82, 1),
                    (14, 74),
                    (40, 64, 1),
                    (44, 54),
                ],
                surface="round",
            )
            pen.box(43.4, top - 1, 64.6, top + 7, rim, surface="cloth")
            pen.fill([(52, 80, 1), (54, 66, 1), (66, 62, 1), (68, 80, 1)], rim, edge=False)
            pen.fill([(14, 74), (24, 72), (28, 88, 1), (18, 88), (6, 84, 1)], rim, edge=False)


@KINDS.kind("swimsuit", "swimwear", "bathing suit", patterned=0.4)
def _swimsuit(pen: Pen) -> None:
    if pen.chance(0.4):
        skin = people.skin(pen)
        with pen.moved(scale=0.8, down=4):
            people.upper_body(pen, skin)
            people.legs(pen, skin, top=76, bottom=130)
    pen.fill(
        mirrored(
            [
                (50, 36),
                (60, 34, 1),
                (61, 12),
                (65, 12),
                (65, 28, 1),
                (68, 36),
                (60, 52, 1),
                (70, 74),
                (62, 78, 1),
                (54, 90),
                (50, 91),
            ]
        ),
        surface="round",
    )
    pen.line([(33, 56), (50, 60), (67, 56)], pen.contrast, 1.4)
