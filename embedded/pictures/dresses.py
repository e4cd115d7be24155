"""Dresses, skirts and the long clothes of the Indian subcontinent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from embedded.pictures import people
from embedded.pictures.colours import COLOURS
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import Outline, mirrored
from embedded.pictures.pen import Pen
from embedded.pictures.tops import Cut, collar, placket, rib, torso

KINDS = KindTable()

_LIVING = 0.6


@contextmanager
def _perhaps_worn(pen: Pen, *, hem: float, ankle: float) -> Iterator[None]:
    """Draw a long garment so that it fills the picture, on somebody or alone."""
    if pen.chance(_LIVING):
        skin = people.skin(pen)
        scale = 92 / (ankle + 22)
        with pen.moved(scale=scale, down=(50 - (ankle - 18) / 2) * scale):
            people.legs(pen, skin, top=hem - 14, bottom=ankle)
            people.upper_body(pen, skin)
            yield
    else:
        with pen.moved(scale=88 / hem, down=(50 - (hem + 8) / 2) * 88 / hem):
            yield


def _skirt_part(pen: Pen, *, top: float, hem: float, waist: float, wide: float) -> None:
    bow = pen.between(0, 6)
    right: Outline = [
        (50, top),
        (50 + waist, top),
        (50 + (waist + wide) / 2 + bow, (top + hem) / 2, 1),
        (50 + wide, hem),
        (50 + wide * 0.5, hem + 5, 1),
        (50, hem + 4),
    ]
    pen.fill(mirrored(right))
    for step in range(-3, 4):
        pen.line(
            [(50 + step * waist / 4, top + 8), (50 + step * wide / 4, hem)], pen.tone(0.86), 0.7
        )


@KINDS.kind("dress", "frock", "gown", "women's dress", patterned=0.35)
def _dress(pen: Pen) -> None:
    hem = pen.between(104, 138)
    waist = pen.between(12, 15)
    wide = pen.between(19, 34)
    cut = Cut(
        sleeve=pen.one_of(["none", "strap", "cap", "short", "half", "long"]),
        neck=pen.one_of(["scoop", "v", "crew"]),
        waist=waist - 1,
        width=waist,
        hem=57,
        shoulder=17,
    )
    with _perhaps_worn(pen, hem=hem, ankle=160):
        _skirt_part(pen, top=55, hem=hem, waist=waist, wide=wide)
        torso(pen, cut)
        if pen.chance(0.5):
            belt = pen.one_of([pen.trim, pen.contrast, pen.accents[0]])
            pen.box(50 - waist - 0.5, 53, 50 + waist + 0.5, 58, belt, surface="cloth")


@KINDS.kind("maxi dress", "evening gown", "long dress", patterned=0.35)
def _maxi_dress(pen: Pen) -> None:
    waist = pen.between(12, 14)
    cut = Cut(
        sleeve=pen.one_of(["none", "strap", "cap"]),
        neck=pen.one_of(["v", "scoop"]),
        waist=waist - 1,
        width=waist,
        hem=55,
        shoulder=16,
    )
    with _perhaps_worn(pen, hem=168, ankle=166):
        _skirt_part(pen, top=53, hem=168, waist=waist, wide=pen.between(26, 38))
        torso(pen, cut)


@KINDS.kind("kurta", "kurti", "kurtas", "tunic", patterned=0.4)
def _kurta(pen: Pen) -> None:
    hem = pen.between(112, 138)
    cut = Cut(
        sleeve=pen.one_of(["long", "half", "half", "none"]),
        neck=pen.one_of(["crew", "v", "scoop"]),
        waist=pen.between(17, 21),
        width=pen.between(24, 29),
        hem=hem,
        shoulder=19,
    )
    with _perhaps_worn(pen, hem=hem, ankle=158):
        if pen.chance(0.6):
            leggings = pen.one_of([COLOURS["white"], pen.contrast, pen.tone(0.6)])
            for side in (-1, 1):
                pen.fill(
                    [
                        (50, hem - 8),
                        (50 + side * 17, hem - 8),
                        (50 + side * 13, 158),
                        (50 + side * 6, 158),
                    ],
                    leggings,
                )
        torso(pen, cut)
        rim = pen.one_of([pen.contrast, COLOURS["gold"], pen.trim, pen.accents[0]])
        rib(pen, cut, colour=rim)
        if pen.chance(0.7):
            pen.box(47, 16, 53, pen.between(38, 56), rim, surface="cloth")
            for step in range(5):
                pen.oval(50, 22 + step * 4, 0.8, 0.8, pen.contrast, surface="flat", edge=False)
        if pen.chance(0.5):
            pen.line(
                [(50 - cut.width + 1, hem - 4), (50, hem - 2), (50 + cut.width - 1, hem - 4)],
                rim,
                3,
            )
        for side in (-1, 1):
            pen.line(
                [(50 + side * (cut.width - 3), hem), (50 + side * (cut.width - 4), hem - 30)],
                pen.tone(0.6),
                0.8,
            )


@KINDS.kind("saree", "sari", "sarees", patterned=0.3)
def _saree(pen: Pen) -> None:
    skin = people.skin(pen)
    border = pen.one_of([COLOURS["gold"], pen.accents[0], pen.accents[1], pen.contrast])
    blouse = pen.one_of([border, pen.tone(0.6), pen.accents[2]])
    with pen.moved(scale=0.52, down=-12):
        people.upper_body(pen, skin)
        torso(
            pen,
            Cut(sleeve="short", neck="scoop", waist=15, width=14, hem=44, shoulder=17),
            paint=blouse,
        )
        pen.box(37, 44, 63, 58, skin, surface="round", edge=False)
        pen.fill(mirrored([(50, 54), (66, 54), (72, 110, 1), (76, 162), (62, 166, 1), (50, 166)]))
        for step in range(6):
            pen.line([(46 + step * 2, 60), (38 + step * 5, 162)], pen.tone(0.8), 0.9)
        pen.fill([(24, 155), (76, 155), (77, 164), (50, 168, 1), (23, 164)], border)
        drape: Outline = [
            (66, 12),
            (74, 14),
            (70, 40, 1),
            (40, 66),
            (34, 60),
            (34, 54),
            (52, 40, 1),
        ]
        pen.fill(drape)
        pen.line([(66, 12), (52, 40, 1), (34, 54)], border, 2.4)
        pen.fill(
            [(66, 12), (75, 13), (84, 70, 1), (83, 120), (70, 120), (70, 60, 1)], pen.tone(0.95)
        )
        pen.fill([(70, 108), (83, 108), (83, 122), (70, 122)], border)


@KINDS.kind("skirt", "women's skirt", patterned=0.35)
def _skirt(pen: Pen) -> None:
    hem = pen.between(66, 92)
    waist, wide = pen.between(15, 19), pen.between(23, 42)
    worn = pen.chance(0.45)
    with pen.moved(scale=0.72 if worn else 1.0, down=6 if worn else 4):
        if worn:
            people.legs(pen, people.skin(pen), top=hem - 10, bottom=112)
            people.plain_top(pen, people.skin(pen), waist=10)
        _skirt_part(pen, top=10, hem=hem, waist=waist, wide=wide)
        pen.box(50 - waist - 0.5, 9, 50 + waist + 0.5, 14, pen.trim, corner=1, surface="cloth")


@KINDS.kind("jumpsuit", "playsuit", "dungarees", patterned=0.2)
def _jumpsuit(pen: Pen) -> None:
    ankle = pen.between(100, 158)
    cut = Cut(
        sleeve=pen.one_of(["strap", "none", "short"]),
        neck="v",
        waist=14,
        width=16,
        hem=62,
        shoulder=17,
    )
    with _perhaps_worn(pen, hem=ankle, ankle=162):
        for side in (-1, 1):
            pen.fill(
                [
                    (50, 58),
                    (50 + side * 16, 58),
                    (50 + side * 22, 84, 1),
                    (50 + side * 19, ankle),
                    (50 + side * 4, ankle),
                    (50, 82),
                ]
            )
        torso(pen, cut)
        pen.box(34, 56, 66, 60, pen.trim, surface="cloth")


@KINDS.kind("night dress", "nightdress", "nightgown", patterned=0.5)
def _night_dress(pen: Pen) -> None:
    hem = pen.between(100, 126)
    cut = Cut(
        sleeve=pen.one_of(["strap", "cap", "short"]),
        neck="scoop",
        waist=20,
        width=pen.between(24, 29),
        hem=hem,
        shoulder=18,
    )
    with _perhaps_worn(pen, hem=hem, ankle=160):
        torso(pen, cut)
        pen.line([(50 - 17, 40), (50, 43), (50 + 17, 40)], pen.contrast, 1.4)
        pen.line(
            [(50 - cut.width, hem - 3), (50, hem), (50 + cut.width, hem - 3)], pen.contrast, 1.6
        )


@KINDS.kind("bathrobe", "robe", "dressing gown")
def _bathrobe(pen: Pen) -> None:
    cut = Cut(sleeve="long", neck="open", depth=34, waist=22, width=26, hem=118, shoulder=21)
    with pen.moved(scale=0.78, down=-8):
        torso(pen, cut)
        for side in (-1, 1):
            pen.fill(
                [(50 + side * 8, 8), (50 + side * 14, 10), (50 + side * 3, 60), (50, 52)],
                pen.tone(0.88),
            )
        pen.box(28, 58, 72, 64, pen.trim, surface="cloth")
        pen.fill([(48, 62), (53, 62), (56, 92), (50, 92)], pen.trim)


@KINDS.kind("shirt dress", "tunic dress", patterned=0.4)
def _shirt_dress(pen: Pen) -> None:
    hem = pen.between(104, 122)
    cut = Cut(
        sleeve=pen.one_of(["half", "long", "short"]),
        waist=16,
        width=pen.between(22, 27),
        hem=hem,
        shoulder=18,
    )
    with _perhaps_worn(pen, hem=hem, ankle=160):
        torso(pen, cut)
        placket(pen, 17, hem)
        collar(pen)
        pen.box(33, 60, 67, 64, pen.trim, surface="cloth")
