"""What is worn below the waist: trousers of every length."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from embedded.pictures import people
from embedded.pictures.colours import COLOURS, brightness
from embedded.pictures.kind_table import KindTable
from embedded.pictures.pen import Pen

KINDS = KindTable()

_LIVING = 0.35
_TOP = 6.0


def trousers(
    pen: Pen, *, hem: float, hip: float, ankle: float, crotch: float = 38.0, waist: float = 17.0
) -> None:
    """Draw two legs; hip, ankle and waist are half widths, hem and crotch heights."""
    spread = pen.between(1.0, 5.0)
    for side in (-1, 1):
        outer = 50 + side * (hip + spread)
        pen.fill(
            [
                (50, _TOP),
                (50 + side * waist, _TOP),
                (50 + side * (hip + 1), _TOP + 12, 1),
                (50 + side * hip, 32),
                (50 + side * (hip + spread * 0.4), 60, 1),
                (outer, hem),
                (outer - side * 2 * ankle, hem + 0.8),
                (50 + side * (2 + spread * 0.5), 60, 1),
                (50, crotch),
            ]
        )
    pen.line([(50, _TOP), (50, crotch)], pen.tone(0.7), 0.7)


@contextmanager
def _perhaps_worn(pen: Pen, *, hem: float) -> Iterator[None]:
    if pen.chance(_LIVING):
        skin = people.skin(pen)
        with pen.moved(scale=pen.between(0.66, 0.76), down=pen.between(6, 12)):
            people.plain_top(pen, skin, waist=6)
            people.legs(pen, skin, top=min(hem - 8, 84), bottom=98, apart=14)
            yield
    else:
        yield


def _waistband(pen: Pen, *, waist: float = 17.0, high: float = 4.5) -> None:
    pen.box(
        50 - waist - 0.4,
        _TOP - 1,
        50 + waist + 0.4,
        _TOP + high,
        pen.cloth,
        corner=1,
        surface="cloth",
    )


def _belt_loops(pen: Pen, *, waist: float = 17.0) -> None:
    for share in (-0.75, -0.35, 0.35, 0.75):
        x = 50 + share * waist
        pen.box(x - 0.7, _TOP - 1.5, x + 0.7, _TOP + 5, pen.trim, surface="flat", edge=False)


def _fly(pen: Pen) -> None:
    pen.line([(52.5, _TOP + 4), (52.5, 20), (50.5, 25)], width=0.7)
    pen.oval(50, _TOP + 2, 1.0, 1.0, pen.contrast, surface="flat", edge=False)


@KINDS.kind("jeans", "denim", "denim trousers", "denims", patterned=0.0)
def _jeans(pen: Pen) -> None:
    thread = (208, 150, 80) if brightness(pen.main) < 180 else (160, 130, 100)
    hip, ankle = pen.between(19, 22), pen.between(6, 9)
    hem = pen.between(93, 98)
    with _perhaps_worn(pen, hem=hem):
        trousers(pen, hem=hem, hip=hip, ankle=ankle)
        faded = pen.tone(pen.between(1.12, 1.45))
        if pen.chance(0.7):
            for side in (-1, 1):
                x = 50 + side * (hip * 0.62)
                for part in (6.5, 4.5, 2.6):
                    pen.oval(
                        x,
                        42,
                        part * 0.5,
                        part * 2.6,
                        pen.tone(1.0 + (8 - part) * 0.04),
                        surface="flat",
                        edge=False,
                    )
        _waistband(pen)
        _belt_loops(pen)
        _fly(pen)
        for side in (-1, 1):
            pen.stitches(
                [
                    (50 + side * 6, _TOP + 5),
                    (50 + side * 10, 18, 1),
                    (50 + side * (hip - 0.5), 19),
                ],
                thread,
            )
            pen.stitches(
                [(50 + side * (hip - 1), 34), (50 + side * (hip + 1), hem - 2)], thread, 0.4
            )
            pen.line([(50 + side * 4, hem - 3), (50 + side * (hip + 3), hem - 3)], faded, 0.5)


@KINDS.kind("trousers", "pants", "formal trousers", "chinos", patterned=0.15)
def _trousers(pen: Pen) -> None:
    hip = pen.between(18, 21)
    hem = pen.between(93, 98)
    with _perhaps_worn(pen, hem=hem):
        trousers(pen, hem=hem, hip=hip, ankle=pen.between(6, 8.5))
        _waistband(pen)
        _belt_loops(pen)
        _fly(pen)
        for side in (-1, 1):
            pen.line(
                [(50 + side * 14, _TOP + 4), (50 + side * (hip - 0.5), 22)], pen.tone(0.7), 0.8
            )
            pen.line(
                [(50 + side * hip * 0.55, 16), (50 + side * hip * 0.72, hem)], pen.tone(1.12), 0.6
            )


@KINDS.kind("cargo trousers", "cargo pants", "cargos")
def _cargo(pen: Pen) -> None:
    with _perhaps_worn(pen, hem=96):
        trousers(pen, hem=96, hip=22, ankle=9)
        _waistband(pen)
        _belt_loops(pen)
        _fly(pen)
        for side in (-1, 1):
            x = 50 + side * 18
            pen.box(x - 5, 46, x + 5, 61, pen.tone(0.92), surface="cloth")
            pen.fill(
                [(x - 5.5, 45), (x + 5.5, 45), (x + 5.5, 49), (x, 51), (x - 5.5, 49)],
                pen.tone(0.86),
            )


@KINDS.kind("track pants", "joggers", "sweatpants", "jogging bottoms")
def _track_pants(pen: Pen) -> None:
    hip = pen.between(20, 23)
    with _perhaps_worn(pen, hem=96):
        trousers(pen, hem=95, hip=hip, ankle=pen.between(6, 9))
        _waistband(pen, high=6)
        for step in range(-7, 8):
            pen.line([(50 + step * 2.2, _TOP), (50 + step * 2.2, _TOP + 5)], width=0.5)
        for side in (-1, 1):
            pen.line([(50 + side * 1.5, _TOP + 5), (50 + side * 3, 26)], pen.contrast, 0.8)
            if pen.chance(0.8):
                stripe = pen.one_of([pen.contrast, pen.accents[0]])
                pen.line(
                    [
                        (50 + side * (hip - 1.5), 14),
                        (50 + side * (hip - 1), 50, 1),
                        (50 + side * (hip + 1.2), 92),
                    ],
                    stripe,
                    1.8,
                )


@KINDS.kind("leggings", "tights", "jeggings", "churidar", patterned=0.15)
def _leggings(pen: Pen) -> None:
    hem = pen.between(88, 98)
    with _perhaps_worn(pen, hem=hem):
        trousers(pen, hem=hem, hip=pen.between(14, 16), ankle=pen.between(3.6, 4.6), waist=12.5)
        _waistband(pen, waist=12.5, high=6)


@KINDS.kind("palazzo pants", "wide trousers", "salwar", "patiala", patterned=0.35)
def _palazzo(pen: Pen) -> None:
    with _perhaps_worn(pen, hem=96):
        trousers(pen, hem=96, hip=pen.between(23, 27), ankle=pen.between(11, 13))
        _waistband(pen, high=6)
        for step in range(-4, 5):
            pen.line([(50 + step * 4, 14), (50 + step * 6, 60)], pen.tone(0.85), 0.6)


@KINDS.kind("capris", "three-quarter trousers", "cropped trousers", patterned=0.1)
def _capris(pen: Pen) -> None:
    with pen.moved(down=6), _perhaps_worn(pen, hem=76):
        trousers(pen, hem=pen.between(70, 78), hip=20, ankle=pen.between(7, 9))
        _waistband(pen)
        _fly(pen)


@KINDS.kind("shorts", "bermuda", "short trousers", patterned=0.3)
def _shorts(pen: Pen) -> None:
    hem = pen.between(50, 70)
    worn = pen.chance(_LIVING)
    with pen.moved(scale=0.8 if worn else 1.18, down=2 if worn else 16):
        if worn:
            people.legs(pen, people.skin(pen), top=hem - 12, bottom=106, apart=15)
            people.plain_top(pen, people.skin(pen), waist=6)
        hip = pen.between(22, 26)
        trousers(pen, hem=hem, hip=hip, ankle=pen.between(11, 12.5), crotch=36, waist=18)
        _waistband(pen, waist=18)
        if pen.chance(0.5):
            _belt_loops(pen)
            _fly(pen)
        else:
            for side in (-1, 1):
                pen.line([(50 + side * 1.5, _TOP + 5), (50 + side * 3, 22)], pen.contrast, 0.9)
        for side in (-1, 1):
            pen.line([(50 + side * 13, _TOP + 5), (50 + side * (hip - 1), 22)], pen.tone(0.7), 0.8)
            if pen.chance(0.35):
                pen.line(
                    [(50 + side * (hip - 1), 20), (50 + side * (hip + 1), hem)],
                    COLOURS["white"],
                    1.8,
                )
