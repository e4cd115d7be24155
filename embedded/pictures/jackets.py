"""What is worn over the rest: jackets, blazers, coats, waistcoats."""

from __future__ import annotations

from embedded.pictures.colours import COLOURS, brightness
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import Outline, mirrored
from embedded.pictures.pen import Pen
from embedded.pictures.tops import Cut, buttons, collar, logo, perhaps_worn, torso, zip_line

KINDS = KindTable()


def _pocket_slits(pen: Pen, y: float, *, slant: float = 8.0) -> None:
    for side in (-1, 1):
        pen.line([(50 + side * 10, y), (50 + side * 17, y + slant)], width=1.1)


def _shirt_behind(pen: Pen, depth: float) -> None:
    white = pen.one_of([COLOURS["white"], COLOURS["light blue"], COLOURS["white"]])
    pen.fill(mirrored([(50, 8), (60, 8), (58, depth), (50, depth + 8)]), white)
    pen.fill([(50, 17), (44, 7), (42, 12), (46, 20)], white, surface="flat")
    pen.fill([(50, 17), (56, 7), (58, 12), (54, 20)], white, surface="flat")
    if pen.chance(0.5):
        tie = pen.accents[0]
        pen.fill([(48.5, 16), (51.5, 16), (52.6, depth + 6), (47.4, depth + 6)], tie)


@KINDS.kind("jacket", "zip jacket", "bomber jacket", patterned=0.05)
def _jacket(pen: Pen) -> None:
    cut = Cut(sleeve="long", waist=25, width=22, hem=pen.between(78, 88), shoulder=22)
    with perhaps_worn(pen, hem=cut.hem):
        torso(pen, cut)
        pen.box(40, 4, 60, 15, pen.tone(0.9), corner=3)
        zip_line(pen, 6, cut.hem)
        _pocket_slits(pen, 56)
        pen.box(28, cut.hem - 6, 72, cut.hem + 1, pen.trim, corner=1)
        if pen.chance(0.4):
            for side in (-1, 1):
                pen.line([(50 + side * 21, 16), (50 + side * 38, 78)], pen.contrast, 1.6)


@KINDS.kind("rain jacket", "raincoat", "waterproof jacket", "windcheater")
def _rain_jacket(pen: Pen) -> None:
    cut = Cut(sleeve="long", waist=25, width=25, hem=pen.between(84, 93), shoulder=22)
    with perhaps_worn(pen, hem=cut.hem, share=0.3):
        pen.fill(
            mirrored([(50, -5), (66, -5, 1), (68, 12, 1), (64, 22), (50, 24)]),
            pen.tone(0.9),
            surface="round",
        )
        torso(pen, cut)
        pen.fill(
            mirrored([(50, 1), (59, 1, 1), (60, 14, 1), (50, 19)]), pen.tone(0.45), surface="flat"
        )
        zip_line(pen, 18, cut.hem, width=2)
        for side in (-1, 1):
            x = 50 + side * 12
            pen.box(x - 7, 62, x + 7, 67, pen.tone(0.9), corner=1, surface="flat")
            pen.line([(50 + side * 22, 30), (50, 36)], width=0.7)
        pen.box(57, 38, 65, 40, pen.contrast, surface="flat", edge=False)


@KINDS.kind("puffer jacket", "quilted jacket", "down jacket")
def _puffer(pen: Pen) -> None:
    cut = Cut(sleeve="long", waist=27, width=25, hem=pen.between(82, 90), shoulder=23)
    with perhaps_worn(pen, hem=cut.hem, share=0.3):
        pen.box(38, 2, 62, 16, pen.tone(0.92), corner=5, surface="round")
        torso(pen, cut)
        for step in range(1, 8):
            y = 18 + step * (cut.hem - 20) / 8
            pen.line([(26, y - 1), (38, y + 2, 1), (50, y)], pen.tone(0.7), 1.2)
            pen.line([(50, y), (62, y + 2, 1), (74, y - 1)], pen.tone(0.7), 1.2)
            pen.line([(27, y + 2.4), (73, y + 2.4)], pen.tone(1.18), 0.7)
        zip_line(pen, 6, cut.hem)


@KINDS.kind("leather jacket", "biker jacket")
def _leather_jacket(pen: Pen) -> None:
    cut = Cut(sleeve="long", neck="open", depth=16, waist=23, width=22, hem=pen.between(76, 84))
    with perhaps_worn(pen, hem=cut.hem):
        torso(pen, cut)
        for side in (-1, 1):
            pen.fill(
                [
                    (50 + side * 8, 8),
                    (50 + side * 16, 13),
                    (50 + side * 15, 28),
                    (50 + side * 2, 36),
                ],
                pen.tone(0.9),
                surface="gloss",
            )
        pen.line([(44, 34), (50, 60), (51, cut.hem)], COLOURS["silver"], 1.2)
        _pocket_slits(pen, 54)
        pen.box(28, cut.hem - 5, 72, cut.hem, pen.trim, corner=1)


@KINDS.kind("denim jacket", "jeans jacket")
def _denim_jacket(pen: Pen) -> None:
    cut = Cut(sleeve="long", waist=23, width=21, hem=pen.between(76, 84))
    thread = (206, 150, 80) if brightness(pen.main) < 170 else (150, 120, 90)
    with perhaps_worn(pen, hem=cut.hem):
        torso(pen, cut)
        pen.stitches([(29, 30), (71, 30)], thread)
        for side in (-1, 1):
            x = 50 + side * 11
            pen.fill([(x - 5, 30), (x + 5, 30), (x + 5, 36), (x, 39), (x - 5, 36)], pen.tone(0.92))
            pen.oval(x, 36, 0.9, 0.9, COLOURS["gold"])
            pen.stitches([(x - side * 4, 40), (x - side * 6, cut.hem - 6)], thread)
        collar(pen, spread=13, drop=19)
        pen.line([(50, 16), (50, cut.hem)], width=1)
        buttons(pen, 22, cut.hem - 3, colour=COLOURS["copper"])
        pen.stitches([(28, cut.hem - 6), (72, cut.hem - 6)], thread)


@KINDS.kind("blazer", "suit jacket", "sports coat", patterned=0.2)
def _blazer(pen: Pen) -> None:
    depth = pen.between(34, 44)
    cut = Cut(
        sleeve="long", neck="open", depth=depth, waist=19, width=pen.between(22, 25), shoulder=22
    )
    with perhaps_worn(pen):
        _shirt_behind(pen, depth)
        torso(pen, cut)
        for side in (-1, 1):
            pen.fill(
                [
                    (50 + side * 8, 8),
                    (50 + side * 16, 20),
                    (50 + side * 12.5, 23),
                    (50 + side * 15, 27),
                    (50, depth + 9),
                ],
                pen.tone(0.88),
            )
            pen.box(50 + side * 14 - 6, 66, 50 + side * 14 + 6, 69, pen.trim, surface="flat")
        pen.line([(50, depth + 9), (51, 93)], pen.tone(0.6), 0.9)
        buttons(pen, depth + 12, depth + 24, colour=pen.tone(0.55))


@KINDS.kind("waistcoat", "nehru jacket", "gilet", patterned=0.15)
def _waistcoat(pen: Pen) -> None:
    depth = pen.between(6, 30)
    cut = Cut(sleeve="none", neck="open", depth=depth, waist=17, width=20, hem=80, shoulder=17)
    with perhaps_worn(pen, hem=80):
        if depth > 15:
            _shirt_behind(pen, depth)
        torso(pen, cut)
        pen.line([(50, depth + 9), (50, 81)], pen.tone(0.6), 0.8)
        buttons(pen, depth + 13, 76, colour=pen.contrast)
        for side in (-1, 1):
            pen.line([(50 + side * 7, 62), (50 + side * 15, 60)], width=1.2)


@KINDS.kind("coat", "overcoat", "trench coat", "winter coat", patterned=0.1)
def _coat(pen: Pen) -> None:
    outline_hem = pen.between(112, 124)
    cut = Cut(
        sleeve="long",
        neck="open",
        depth=pen.between(14, 24),
        waist=21,
        width=pen.between(26, 30),
        hem=outline_hem,
        shoulder=22,
    )
    with pen.moved(scale=0.78, down=-9), perhaps_worn(pen, hem=outline_hem, share=0.35):
        torso(pen, cut)
        lapel: Outline = [(58, 8), (68, 18), (66, 30), (51, 48)]
        pen.fill(lapel, pen.tone(0.9))
        pen.fill([(100 - p[0], p[1]) for p in lapel], pen.tone(0.9))
        pen.line([(50, 44), (50, outline_hem)], pen.tone(0.65), 1)
        if pen.chance(0.5):
            pen.box(27, 58, 73, 63, pen.trim, surface="flat")
            pen.box(46, 57, 54, 64, COLOURS["bronze"], surface="flat")
        for x in (44, 56) if pen.chance(0.5) else (47,):
            buttons(pen, 50, 92, x=x, colour=pen.tone(0.5))
        _pocket_slits(pen, 72)


@KINDS.kind("tracksuit", "track jacket", "training jacket")
def _track_jacket(pen: Pen) -> None:
    cut = Cut(sleeve="long", waist=24, width=22, hem=pen.between(80, 88))
    with perhaps_worn(pen, hem=cut.hem):
        torso(pen, cut)
        pen.box(41, 3, 59, 14, pen.tone(0.9), corner=3)
        zip_line(pen, 6, cut.hem)
        for side in (-1, 1):
            for gap in (0, 2.4):
                pen.line(
                    [(50 + side * (17 + gap), 13), (50 + side * (35 + gap), 80)], pen.contrast, 1.3
                )
        if pen.chance(0.3):
            logo(pen)
