"""Bottles, tubes and pots of the bathroom shelf."""

from __future__ import annotations

from embedded.pictures.colours import COLOURS, Rgb
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import band, mirrored
from embedded.pictures.pen import Pen

KINDS = KindTable()

_CAPS: tuple[Rgb, ...] = ((30, 30, 33), (204, 164, 76), (190, 193, 198), (240, 240, 238))


def _label(pen: Pen, left: float, top: float, right: float, bottom: float) -> None:
    """Draw lines that look like print from afar."""
    paint = pen.contrast
    middle = (left + right) / 2
    y = top
    while y < bottom:
        half = (right - left) / 2 * pen.between(0.4, 1.0)
        high = pen.between(1.2, 3.4)
        pen.box(middle - half, y, middle + half, y + high, paint, surface="flat", edge=False)
        y += high + pen.between(1.6, 3.2)


@KINDS.kind("perfume", "perfume bottle", "eau de toilette", "fragrance", "body mist", tilt=3)
def _perfume(pen: Pen) -> None:
    cap = pen.one_of(_CAPS)
    wide, top = pen.between(17, 30), pen.between(32, 44)
    pen.ground(50 - wide, 50 + wide, 92)
    pen.box(44, top - 9, 56, top + 2, COLOURS["silver"], surface="metal")
    cap_wide = pen.between(8, 13)
    if pen.chance(0.3):
        pen.oval(50, top - 14, cap_wide, cap_wide, cap)
    else:
        pen.box(50 - cap_wide, top - 28, 50 + cap_wide, top - 5, cap, corner=2, surface="gloss")
    pen.box(50 - wide, top, 50 + wide, 93, pen.cloth, corner=pen.between(2, 14), surface="gloss")
    pen.box(50 - wide + 3, 87, 50 + wide - 3, 91, pen.tone(1.35), surface="flat", edge=False)
    if pen.chance(0.4):
        pen.box(50 - wide * 0.6, 56, 50 + wide * 0.6, 76, (246, 244, 240), surface="flat")
    _label(pen, 50 - wide * 0.5, 60, 50 + wide * 0.5, 72)


@KINDS.kind("deodorant", "body spray", "deo", "deodorant spray", tilt=3)
def _deodorant(pen: Pen) -> None:
    wide, cap = pen.between(11, 15), pen.one_of(_CAPS)
    pen.ground(50 - wide, 50 + wide, 96)
    pen.fill(
        mirrored(
            [
                (50, 4),
                (50 + wide * 0.7, 4, 1),
                (50 + wide * 0.92, 10),
                (50 + wide * 0.95, 26),
                (50, 27),
            ]
        ),
        cap,
        surface="gloss",
    )
    pen.fill(
        mirrored(
            [
                (50, 26),
                (50 + wide * 0.95, 26),
                (50 + wide, 31, 1),
                (50 + wide, 92),
                (50 + wide - 2, 96, 1),
                (50, 96),
            ]
        ),
        surface="gloss",
    )
    _label(pen, 50 - wide * 0.6, 42, 50 + wide * 0.6, 66)
    pen.box(
        50 - wide, 74, 50 + wide, pen.between(77, 84), pen.accents[0], surface="gloss", edge=False
    )


@KINDS.kind("roll-on", "deodorant stick", "antiperspirant", tilt=3)
def _roll_on(pen: Pen) -> None:
    pen.fill(
        mirrored([(50, 8), (62, 8, 1), (64, 20), (64, 40), (50, 41)]),
        pen.one_of(_CAPS),
        surface="gloss",
    )
    pen.fill(mirrored([(50, 40), (65, 40), (72, 60, 1), (68, 92), (50, 94)]), surface="gloss")
    _label(pen, 38, 56, 62, 80)


@KINDS.kind("lipstick", "lip colour", "lip stick", tilt=12)
def _lipstick(pen: Pen) -> None:
    case = pen.one_of([(30, 30, 33), (204, 164, 76), (190, 193, 198)])
    x = 50.0
    if pen.chance(0.5):
        x = 38.0
        pen.box(62, 44, 80, 94, case, corner=2, surface="gloss")
    pen.fill(
        [(x - 8, 46), (x - 8, 16), (x - 6, 8, 1), (x + 3, 6), (x + 8, 22), (x + 8, 46)],
        surface="gloss",
    )
    pen.fill(
        [(x - 8, 16), (x - 5, 8, 1), (x + 3, 6), (x + 8, 22), (x + 2, 26, 1)],
        pen.tone(1.15),
        surface="flat",
    )
    pen.box(
        x - 9.5, 42, x + 9.5, 58, pen.one_of([COLOURS["gold"], COLOURS["silver"]]), surface="metal"
    )
    pen.box(x - 11.5, 57, x + 11.5, 94, case, corner=1, surface="gloss")


@KINDS.kind("lip gloss", "lip care", "lip balm", tilt=12)
def _lip_gloss(pen: Pen) -> None:
    pen.box(40, 6, 60, 44, pen.one_of(_CAPS), corner=3, surface="gloss")
    pen.box(38.5, 43, 61.5, 96, pen.cloth, corner=4, surface="gloss")
    _label(pen, 44, 60, 56, 80)


@KINDS.kind("nail polish", "nail varnish", "nail paint", tilt=5)
def _nail_polish(pen: Pen) -> None:
    wide = pen.between(15, 22)
    pen.ground(50 - wide, 50 + wide, 94)
    pen.fill(
        mirrored([(50, 4), (56, 4), (59, 46), (50, 47)]),
        pen.one_of([*_CAPS[:3], _CAPS[0]]),
        surface="gloss",
    )
    pen.box(43, 44, 57, 52, pen.tone(0.9), surface="gloss")
    if pen.chance(0.5):
        pen.fill(
            mirrored([(50, 50), (60, 50), (50 + wide * 1.4, 58, 1), (50 + wide, 94), (50, 95)]),
            surface="gloss",
        )
    else:
        pen.box(50 - wide, 50, 50 + wide, 94, pen.cloth, corner=5, surface="gloss")


@KINDS.kind("mascara", "eyeliner", "kajal", tilt=14)
def _mascara(pen: Pen) -> None:
    pen.box(30, 6, 42, 94, pen.cloth, corner=3, surface="gloss")
    pen.line([(30, 48), (42, 48)], COLOURS["gold"], 2)
    pen.box(58, 46, 69, 94, pen.cloth, corner=3, surface="gloss")
    pen.line([(63.5, 46), (63.5, 26)], (50, 50, 52), 1.2)
    pen.fill(band([(63.5, 28), (63.5, 6)], 7, end_width=3), (36, 32, 32), surface="round")


@KINDS.kind("compact", "face powder", "eyeshadow", "blush", tilt=4)
def _compact(pen: Pen) -> None:
    case = pen.one_of([(30, 30, 33), (204, 164, 76), (236, 234, 232)])
    pen.oval(50, 30, 34, 24, case, surface="metal")
    pen.oval(50, 30, 28, 19, (214, 222, 230), surface="screen")
    pen.oval(50, 70, 36, 24, case, surface="metal")
    pen.oval(50, 69, 29, 18, pen.cloth, surface="down")
    pen.box(46, 49, 54, 54, case, surface="metal")


@KINDS.kind("cream", "face cream", "moisturiser", "cream jar", tilt=3)
def _cream(pen: Pen) -> None:
    pen.ground(20, 80, 84)
    pen.box(20, 46, 80, 84, pen.cloth, corner=8, surface="gloss")
    pen.box(18, 26, 82, 48, pen.one_of(_CAPS), corner=4, surface="gloss")
    _label(pen, 32, 58, 68, 76)


@KINDS.kind("face wash", "shampoo", "lotion", "body lotion", "sunscreen", tilt=4)
def _face_wash(pen: Pen) -> None:
    if pen.chance(0.5):
        pen.box(37, 82, 63, 96, pen.one_of(_CAPS), corner=2, surface="gloss")
        pen.fill(mirrored([(50, 4), (72, 4), (70, 40, 1), (63, 83), (50, 84)]), surface="gloss")
        pen.line([(29, 8), (71, 8)], pen.tone(0.75), 0.9)
        _label(pen, 36, 26, 64, 62)
    else:
        pen.box(43, 4, 57, 20, pen.one_of(_CAPS), corner=2, surface="gloss")
        pen.fill(
            mirrored([(50, 18), (58, 18), (70, 24, 1), (70, 40), (70, 94), (66, 97, 1), (50, 97)]),
            surface="gloss",
        )
        _label(pen, 36, 46, 64, 78)


@KINDS.kind("umbrella", "parasol", tilt=8, patterned=0.3)
def _umbrella(pen: Pen) -> None:
    pen.line([(50, 8), (50, 86)], (90, 92, 98), 1.6)
    pen.line([(50, 84), (50, 97, 1), (58, 97, 1), (58, 88)], (96, 64, 40), 3)
    pen.fill(
        [
            (6, 52),
            (10, 10, 1),
            (50, 10),
            (90, 10, 1),
            (94, 52),
            (83, 44, 1),
            (72, 52),
            (61, 44, 1),
            (50, 52),
            (39, 44, 1),
            (28, 52),
            (17, 44, 1),
        ],
        surface="round",
    )
    for x in (28, 50, 72):
        pen.line([(50, 10), ((50 + x) / 2 + (x - 50) * 0.25, 26, 1), (x, 52)], pen.tone(0.72), 0.8)
    pen.line([(50, 4), (50, 10)], (90, 92, 98), 1.6)
