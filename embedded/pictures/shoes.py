"""Shoes, from the side and pointing left, as catalogues show them."""

from __future__ import annotations

from collections.abc import Callable

from embedded.pictures.colours import COLOURS, Rgb, brightness, shade
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import Outline, band
from embedded.pictures.pen import Pen

KINDS = KindTable()

_PAIRS = 0.3
_SOLE_DARK: Rgb = (44, 40, 38)
_GUM: Rgb = (176, 120, 72)


def _shown(pen: Pen, shoe: Callable[[Pen], None]) -> None:
    """Draw one shoe, or a pair of which the other stands behind."""
    if pen.chance(_PAIRS):
        kept = pen.draw.getstate()
        with pen.moved(scale=0.86, across=pen.between(7, 10), down=-pen.between(8, 13)):
            shoe(pen)
        # The other shoe is of the same make.
        pen.draw.setstate(kept)
        with pen.moved(scale=0.86, across=-5, down=5):
            shoe(pen)
    else:
        pen.ground(10, 90, 77)
        shoe(pen)


def _sole(pen: Pen, paint: Rgb, *, thick: float, heel: float = 0.0, lift: float = 3.0) -> None:
    """Draw a sole from toe to heel; lift: how far the toe leaves the ground."""
    bottom = 70 + thick
    pen.fill(
        [
            (5, 66 - lift * 0.3),
            (30, 70, 1),
            (60, 68),
            (80, 66, 1),
            (94, 65),
            (95.5, bottom + heel),
            (70, bottom + heel, 1),
            (62, bottom + heel * 0.5),
            (40, bottom, 1),
            (22, bottom),
            (8, bottom, 1),
            (4, 68 - lift * 0.5),
        ],
        paint,
        surface="down",
    )


def _low_upper(top: float, *, instep: float = 38.0, toe: float = 56.0) -> Outline:
    """Return a low shoe's upper: top: height of the heel's collar."""
    return [
        (94, 67),
        (97, 52, 1),
        (91, top + 4),
        (89, top, 1),
        (84, top + 1),
        (76, top + 9, 1),
        (62, instep - 3),
        (58, instep - 7),
        (53, instep - 6),
        (42, instep + 12, 1),
        (26, toe - 2),
        (7, toe + 1, 1),
        (5, 67),
    ]


def _laces(pen: Pen, paint: Rgb, *, count: int = 5, instep: float = 38.0) -> None:
    for step in range(count):
        share = step / (count - 1)
        x, y = 55 - 20 * share, instep - 3 + 15 * share
        pen.line([(x - 1, y - 3), (x + 7, y + 4)], paint, 1.3)
        pen.oval(x + 7, y + 4, 0.7, 0.7, shade(paint, 0.6), surface="flat", edge=False)


@KINDS.kind("sports shoes", "running shoes", "trainers", "sport shoes", tilt=8, flip=0.12)
def _sports_shoes(pen: Pen) -> None:
    panel = pen.one_of(
        [pen.tone(0.7), pen.tone(1.3), pen.tone(0.85), pen.contrast, pen.accents[0]]
    )
    sole = pen.one_of([COLOURS["white"], COLOURS["white"], COLOURS["grey"], _SOLE_DARK])
    thick, top, instep = pen.between(7, 11), pen.between(33, 40), pen.between(35, 40)
    way, lining = int(pen.between(0, 3)), pen.tone(0.55)
    laces = pen.one_of([COLOURS["white"], pen.contrast, panel])

    def shoe(pen: Pen) -> None:
        pen.fill(
            [(56, instep - 8), (66, instep - 14), (76, instep - 4), (84, top + 2), (70, 50)],
            lining,
        )
        _sole(pen, sole, thick=thick, heel=1.5)
        pen.line([(8, 72), (40, 75, 1), (94, 71)], panel, 1.6)
        pen.fill(_low_upper(top, instep=instep), surface="leather")
        pen.fill(
            [(7, 66), (6, 58, 1), (20, 57), (30, 62, 1), (30, 69), (6, 68)], panel, surface="round"
        )
        pen.fill(
            [(94, 67), (96, 52, 1), (91, top + 6), (82, 50, 1), (80, 67)], panel, surface="round"
        )
        if way == 0:
            pen.fill(
                [(42, 66), (58, 58, 1), (82, 50), (60, 64, 1), (50, 67)], panel, surface="flat"
            )
        elif way == 1:
            for step in range(3):
                x = 52 + step * 7
                pen.fill(
                    [(x, 46 + step), (x + 3.4, 46 + step), (x + 9, 66), (x + 5, 66)],
                    panel,
                    surface="flat",
                )
        else:
            pen.fill([(46, 52), (70, 48), (78, 56), (60, 60, 1), (50, 64)], panel, surface="flat")
        pen.fill(
            [(52, instep - 6), (58, instep - 7), (62, instep - 2), (40, 60), (32, 56)], pen.trim
        )
        _laces(pen, laces, instep=instep)

    _shown(pen, shoe)


@KINDS.kind(
    "casual shoes", "sneakers", "canvas shoes", "plimsolls", tilt=8, flip=0.12, patterned=0.1
)
def _casual_shoes(pen: Pen) -> None:
    sole = pen.one_of([COLOURS["white"], COLOURS["white"], _GUM, COLOURS["cream"]])
    high, cap = pen.chance(0.3), pen.chance(0.4)
    top = pen.between(22, 28) if high else pen.between(38, 43)
    instep = 33.0 if high else pen.between(39, 44)
    laces = pen.one_of([COLOURS["white"], pen.contrast, pen.trim])

    def shoe(pen: Pen) -> None:
        if high:
            pen.fill(
                [(60, 22), (88, top), (92, 52), (94, 68), (50, 68), (50, 40)], surface="leather"
            )
        pen.fill(_low_upper(top, instep=instep, toe=57), surface="leather")
        pen.fill(
            [(54, instep - 5), (62, instep - 8), (64, instep), (42, 60), (36, 54)], pen.tone(0.9)
        )
        _sole(pen, sole, thick=pen_thick, lift=0)
        pen.line([(6, 69), (40, 72, 1), (94, 68)], pen.one_of([pen.main, pen.accents[0]]), 0.9)
        if cap:
            pen.fill([(6, 68), (4, 58, 1), (18, 56), (28, 60, 1), (28, 70)], sole, surface="round")
        _laces(pen, laces, instep=instep)
        pen.line([(80, 50), (76, 66)], width=0.9)

    pen_thick = pen.between(5, 8)
    _shown(pen, shoe)


@KINDS.kind(
    "formal shoes", "oxfords", "leather shoes", "dress shoes", "brogues", tilt=6, flip=0.12
)
def _formal_shoes(pen: Pen) -> None:
    laced = pen.chance(0.6)
    top = pen.between(42, 46)
    sole = _SOLE_DARK if brightness(pen.main) > 60 else (60, 56, 54)

    def shoe(pen: Pen) -> None:
        pen.fill([(60, 42), (84, top), (76, 54), (64, 52)], pen.tone(0.5))
        pen.fill(
            [
                (93, 68), (96, 56, 1), (91, top), (84, top + 5, 1), (66, 46), (60, 42),
                (54, 43), (44, 55, 1), (24, 60), (4, 62, 1), (4, 69),
            ],
            surface="leather",
        )  # fmt: skip
        pen.fill(
            [
                (3, 68),
                (40, 71, 1),
                (66, 69),
                (94, 67),
                (94.5, 71),
                (60, 73.5),
                (30, 74),
                (6, 73, 1),
            ],
            sole,
            surface="flat",
        )
        pen.box(70, 70, 94.5, 78, sole, surface="flat")
        pen.line([(24, 60), (27, 66, 1), (26, 70)], pen.tone(0.6), 0.9)
        pen.line([(54, 43), (58, 58, 1), (70, 68)], pen.tone(0.6), 0.9)
        if laced:
            for step in range(4):
                x, y = 60 - step * 4.4, 45 + step * 3.1
                pen.line([(x - 2, y - 2), (x + 3, y + 3)], pen.tone(0.45), 1.2)
        else:
            pen.fill(band([(38, 56), (54, 58, 1), (60, 66)], 7), pen.tone(0.85), surface="leather")

    _shown(pen, shoe)


@KINDS.kind("loafers", "moccasins", "slip-on shoes", tilt=7, flip=0.12)
def _loafers(pen: Pen) -> None:
    sole = pen.one_of([_SOLE_DARK, _GUM, COLOURS["white"]])

    def shoe(pen: Pen) -> None:
        pen.fill([(48, 54), (70, 48), (88, 48), (80, 60), (56, 62)], pen.tone(0.5))
        pen.fill(
            [
                (93, 68), (96, 58, 1), (90, 48), (84, 55, 1), (68, 57), (52, 55, 1),
                (46, 51), (24, 58, 1), (5, 60, 1), (5, 69),
            ],
            surface="leather",
        )  # fmt: skip
        _sole(pen, sole, thick=4, lift=1)
        pen.line([(10, 64), (20, 58, 1), (44, 56)], pen.tone(0.65), 1.0)
        pen.fill([(38, 55), (46, 52), (56, 60), (50, 66)], pen.tone(0.85), surface="leather")

    _shown(pen, shoe)


@KINDS.kind("heels", "high heels", "pumps", "stilettos", tilt=7, flip=0.12)
def _heels(pen: Pen) -> None:
    block, peep = pen.chance(0.4), pen.chance(0.3)
    rise = pen.between(24, 33)
    strap = pen.chance(0.35)

    def shoe(pen: Pen) -> None:
        heel_y = 74 - rise
        wide = 7.0 if block else 2.4
        pen.fill(
            [
                (76, heel_y + 6),
                (93, heel_y),
                (91, heel_y + 12, 1),
                (88, 80),
                (88 - wide, 80),
                (84 - wide, heel_y + 20, 1),
            ],
            pen.tone(0.85),
            surface="gloss",
        )
        pen.fill(
            [
                (94, heel_y + 3), (95, heel_y - 10, 1), (90, heel_y - 14), (84, heel_y - 2, 1),
                (66, heel_y + 12), (44, 60, 1), (30, 62), (10, 66, 1), (5, 77),
                (14, 81, 1), (30, 79), (54, 74, 1), (74, heel_y + 12),
            ],
            surface="gloss",
        )  # fmt: skip
        pen.line([(5, 78), (30, 81, 1), (56, 73), (76, heel_y + 12)], pen.tone(0.5), 1.1)
        if peep:
            pen.oval(10, 75, 4, 2.4, pen.tone(0.4), surface="flat")
        if strap:
            pen.line([(91, heel_y - 12), (74, heel_y - 18, 1), (60, heel_y + 10)], pen.main, 2.2)

    _shown(pen, shoe)


@KINDS.kind("flats", "ballerinas", "ballet flats", tilt=7, flip=0.12, patterned=0.15)
def _flats(pen: Pen) -> None:
    bow = pen.chance(0.5)

    def shoe(pen: Pen) -> None:
        pen.fill([(34, 60), (60, 58, 1), (88, 54), (80, 66), (44, 68)], pen.tone(0.55))
        pen.fill(
            [
                (93, 72), (96, 62, 1), (90, 53), (84, 63, 1), (62, 66), (44, 67, 1),
                (34, 59), (16, 60, 1), (5, 68, 1), (7, 74), (50, 78, 1),
            ],
            surface="leather",
        )  # fmt: skip
        pen.fill(
            [(5, 73), (40, 76, 1), (94, 71), (94, 75), (40, 79, 1), (8, 77)],
            _SOLE_DARK,
            surface="flat",
        )
        if bow:
            pen.fill([(30, 60), (22, 55), (22, 64)], pen.trim)
            pen.fill([(30, 60), (38, 55), (38, 64)], pen.trim)

    _shown(pen, shoe)


@KINDS.kind("sandals", "sandal", "strappy sandals", tilt=7, flip=0.12)
def _sandals(pen: Pen) -> None:
    sole = pen.one_of([_GUM, _SOLE_DARK, pen.tone(0.6), COLOURS["tan"]])
    heel = pen.between(0, 10) if pen.chance(0.5) else 0.0
    width = pen.between(4, 8)

    def shoe(pen: Pen) -> None:
        for outline in (
            [(14, 70), (18, 52, 1), (34, 54), (40, 60, 1), (40, 71)],
            [(36, 71), (50, 46, 1), (62, 46), (66, 56, 1), (68, 68)],
            [(66, 68), (74, 48, 1), (86, 42), (94, 46, 1), (92, 66)],
        ):
            pen.fill(band(outline, width), surface="leather")
        pen.fill(band([(58, 46), (76, 40, 1), (92, 46)], width * 0.8), surface="leather")
        _sole(pen, sole, thick=5, heel=heel, lift=0)
        pen.line([(6, 67), (40, 71, 1), (94, 66)], pen.tone(0.8), 1.4)
        pen.box(72, 40, 77, 45, COLOURS["silver"], surface="metal")

    _shown(pen, shoe)


@KINDS.kind("flip flops", "slippers", "thongs", "flip-flops", tilt=10, patterned=0.15)
def _flip_flops(pen: Pen) -> None:
    strap = pen.one_of([pen.contrast, pen.tone(0.6), pen.accents[0]])
    for side in (-1, 1):
        x = 50 + side * 22
        with pen.moved(turn=side * pen.between(0, 8)):
            for grow, paint in ((1.3, pen.tone(0.5)), (0.0, None)):
                pen.fill(
                    [
                        (x - side * 2, 6 - grow, 1),
                        (x + side * (18 + grow), 14, 1),
                        (x + side * 16, 50, 1),
                        (x + side * (15 + grow), 94 + grow, 1),
                        (x - side * (13 + grow), 95 + grow, 1),
                        (x - side * 10, 52, 1),
                        (x - side * (16 + grow), 10, 1),
                    ],
                    paint,
                    surface="down",
                )
            pen.line([(x - side * 2, 24), (x + side * 10, 34, 1), (x + side * 11, 56)], strap, 3.6)
            pen.line([(x - side * 2, 24), (x - side * 11, 36, 1), (x - side * 10, 56)], strap, 3.6)
            pen.oval(x - side * 2, 24, 2, 2, strap)


@KINDS.kind("boots", "ankle boots", "hiking boots", "leather boots", tilt=6, flip=0.12)
def _boots(pen: Pen) -> None:
    top = pen.between(8, 30)
    sole = pen.one_of([_SOLE_DARK, _GUM, (70, 60, 52)])
    laced, heel = pen.chance(0.6), pen.between(0, 7)

    def shoe(pen: Pen) -> None:
        pen.oval(72, top, 17, 3.4, pen.tone(0.45), surface="flat")
        pen.fill(
            [
                (55, top), (72, top + 5, 1), (89, top), (92, 40, 1), (94, 70), (5, 70),
                (4, 58, 1), (24, 56), (46, 54, 1), (53, 42), (55, 30, 1),
            ],
            surface="leather",
        )  # fmt: skip
        _sole(pen, sole, thick=7, heel=heel, lift=0)
        pen.line([(26, 56), (30, 64, 1), (28, 70)], pen.tone(0.65), 1.0)
        if laced:
            for step in range(6):
                y = top + 8 + step * (50 - top) / 6.5
                pen.line([(53 - step * 1.3, y), (64 - step * 1.3, y + 2)], pen.contrast, 1.3)
        else:
            pen.line([(78, top + 4), (80, 60)], COLOURS["silver"], 1.3)

    _shown(pen, shoe)
