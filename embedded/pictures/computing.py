"""Computers and what is plugged into them."""

from __future__ import annotations

from embedded.pictures.colours import COLOURS, Rgb, brightness, mixed
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import band, mirrored
from embedded.pictures.pen import Pen

KINDS = KindTable()

_GLASS: Rgb = (26, 30, 38)
_PORT: Rgb = (40, 42, 46)


def _off(pen: Pen) -> Rgb:
    """Return a colour for keys and wheels that is seen on the case."""
    if brightness(pen.main) > 90:
        return pen.tone(0.72)
    return mixed(pen.main, (255, 255, 255), 0.22)


def picture(pen: Pen, left: float, top: float, right: float, bottom: float) -> None:
    """Draw what a screen shows: a landscape, or windows with text."""
    if pen.chance(0.5):
        sky, land = pen.accents[0], pen.accents[1]
        pen.box(left, top, right, bottom, mixed(sky, (255, 255, 255), 0.3), surface="screen")
        middle = (top + bottom) / 2
        pen.fill(
            [
                (left, middle),
                (left + (right - left) * 0.3, top + 4, 1),
                (right, middle + 4),
                (right, bottom),
                (left, bottom),
            ],
            land,
            surface="down",
            edge=False,
        )
        pen.oval(
            right - (right - left) * 0.25,
            top + (bottom - top) * 0.25,
            3,
            3,
            (255, 240, 200),
            edge=False,
        )
    else:
        pen.box(left, top, right, bottom, _GLASS, surface="screen")
        for step in range(int((bottom - top) / 5) - 1):
            y = top + 4 + step * 5
            long = (right - left) * pen.between(0.2, 0.6)
            pen.box(
                left + 4,
                y,
                left + 4 + long,
                y + 1.6,
                pen.one_of([(150, 200, 250), (220, 220, 220), pen.accents[0]]),
                surface="flat",
                edge=False,
            )


@KINDS.kind("mouse", "wireless mouse", "computer mouse", "pointing device", tilt=25)
def _mouse(pen: Pen) -> None:
    wide = pen.between(24, 29)
    pen.fill(
        mirrored(
            [(50, 8), (50 + wide, 8, 1), (50 + wide - 2, 45), (50 + wide + 3, 94, 1), (50, 94)]
        ),
        surface="ball",
    )
    pen.line([(50 - wide + 1, 46), (50, 54, 1), (50 + wide - 1, 46)], pen.tone(0.6), 1.0)
    pen.line([(50, 9), (50, 50)], pen.tone(0.6), 1.0)
    pen.box(46.5, 18, 53.5, 36, _off(pen), corner=3, surface="round")
    if pen.chance(0.6):
        pen.oval(50, 74, 3.4, 3.4, _off(pen), surface="flat", edge=False)


@KINDS.kind("gaming mouse", "gamer mouse", tilt=25)
def _gaming_mouse(pen: Pen) -> None:
    light = pen.one_of([(60, 230, 120), (240, 60, 60), (70, 160, 255), (220, 80, 250)])
    pen.line([(50, 12), (52, 2, 1), (64, 0)], _PORT, 2)
    pen.fill(
        [
            (50, 8),
            (78, 8, 1),
            (74, 40),
            (86, 62, 1),
            (76, 84),
            (60, 96, 1),
            (40, 95),
            (14, 88, 1),
            (22, 56),
            (26, 8, 1),
        ],
        surface="ball",
    )
    pen.fill([(22, 50), (32, 46), (34, 82), (24, 80)], _off(pen), surface="flat")
    pen.line([(50, 9), (50, 46)], pen.tone(0.5), 1.2)
    pen.line([(30, 30), (40, 52, 1), (50, 48), (62, 52, 1), (72, 34)], light, 1.8)
    pen.box(46, 18, 54, 34, light, corner=3, surface="round")
    pen.oval(50, 76, 5, 4, light, surface="flat", edge=False)
    for y in (56, 66):
        pen.box(24, y, 32, y + 7, pen.tone(0.55), corner=2)


@KINDS.kind("vertical mouse", "ergonomic mouse", tilt=8)
def _vertical_mouse(pen: Pen) -> None:
    pen.ground(14, 88, 88)
    pen.fill(
        [
            (30, 88),
            (18, 60, 1),
            (34, 26),
            (44, 6, 1),
            (60, 16),
            (82, 34, 1),
            (86, 66),
            (92, 88),
            (70, 92, 1),
        ],
        surface="ball",
    )
    pen.fill(
        [(44, 14), (60, 18), (76, 54, 1), (64, 60), (46, 46, 1)], pen.tone(0.8), surface="gloss"
    )
    pen.line([(50, 16), (62, 44, 1), (62, 60)], pen.tone(0.5), 1.2)
    pen.box(55, 28, 61, 40, _off(pen), corner=3, surface="round")
    pen.fill(band([(32, 54), (44, 60, 1), (56, 76)], 6), _off(pen), surface="round")


def _keys(pen: Pen, left: float, right: float, top: float, bottom: float, columns: int) -> None:
    keys = pen.one_of([_off(pen), _off(pen), pen.tone(0.85), pen.contrast])
    rows = 5
    wide, high = (right - left) / columns, (bottom - top) / rows
    for row in range(rows):
        y = top + row * high
        for column in range(columns):
            x = left + column * wide
            if row == rows - 1 and columns * 0.28 < column < columns * 0.62:
                continue
            pen.box(
                x + 0.5, y + 0.5, x + wide - 0.5, y + high - 0.9, keys, surface="flat", edge=False
            )
    x0, x1, y = (
        left + wide * (int(columns * 0.28) + 1),
        left + wide * int(columns * 0.62),
        bottom - high,
    )
    pen.box(x0 + 0.5, y + 0.5, x1 + wide * 0.5, bottom - 0.9, keys, surface="flat", edge=False)


@KINDS.kind("keyboard", "computer keyboard", "office keyboard", tilt=10)
def _keyboard(pen: Pen) -> None:
    top = pen.between(34, 38)
    pen.box(3, top, 97, 68, pen.main, corner=3, surface="down")
    _keys(pen, 6, 72, top + 3, 65, 15)
    _keys(pen, 75, 94, top + 3, 65, 4)


@KINDS.kind("mechanical keyboard", "gaming keyboard", tilt=10)
def _mechanical_keyboard(pen: Pen) -> None:
    pen.box(5, 32, 95, 71, pen.main, corner=2, surface="down")
    _keys(pen, 8, 92, 35, 67, 15)
    for column in range(8):
        x, y = 9 + int(pen.between(0, 15)) * 5.6, 36 + int(pen.between(0, 4)) * 6.4
        pen.box(x, y, x + 4.4, y + 5, pen.accents[column % 3], surface="flat", edge=False)


@KINDS.kind("compact keyboard", "wireless keyboard", "mini keyboard", tilt=10)
def _compact_keyboard(pen: Pen) -> None:
    pen.box(14, 34, 86, 68, pen.main, corner=5, surface="down")
    _keys(pen, 17, 83, 37, 65, 12)


def _stand(pen: Pen, top: float) -> None:
    pen.box(46, top - 2, 54, 84, pen.tone(0.85), surface="metal")
    pen.fill([(32, 90), (36, 84), (64, 84), (68, 90)], pen.tone(0.9), surface="metal")


@KINDS.kind("monitor", "computer monitor", "display", "screen", tilt=2)
def _monitor(pen: Pen) -> None:
    bottom = pen.between(64, 71)
    pen.ground(28, 72, 90)
    _stand(pen, bottom)
    pen.box(6, 14, 94, bottom, pen.main, corner=1.5)
    picture(pen, 8, 16, 92, bottom - 3.5)


@KINDS.kind("curved monitor", "ultrawide monitor", "widescreen monitor", tilt=2)
def _curved_monitor(pen: Pen) -> None:
    _stand(pen, 62)
    pen.fill(
        [(1, 24), (50, 32, 1), (99, 24), (99, 66), (50, 58, 1), (1, 66)], pen.main, surface="round"
    )
    shown = mixed(pen.accents[0], _GLASS, 0.4)
    pen.fill(
        [(3, 27), (50, 34, 1), (97, 27), (97, 62), (50, 55, 1), (3, 62)], shown, surface="screen"
    )
    pen.fill(
        [(3, 48), (34, 36, 1), (60, 52), (80, 42, 1), (97, 50), (97, 62), (50, 55, 1), (3, 62)],
        pen.accents[1],
        surface="down",
        edge=False,
    )


@KINDS.kind("portable display", "portable monitor", "tablet", tilt=6)
def _portable_display(pen: Pen) -> None:
    pen.fill([(20, 72), (80, 72), (88, 88), (12, 88)], pen.tone(0.75), surface="down")
    pen.box(12, 20, 88, 74, pen.main, corner=3)
    picture(pen, 15, 23, 85, 71)


@KINDS.kind("laptop", "notebook computer", tilt=3)
def _laptop(pen: Pen) -> None:
    pen.ground(6, 94, 82)
    pen.box(17, 16, 83, 64, pen.tone(0.8), corner=3)
    picture(pen, 20, 19, 80, 61)
    pen.fill([(17, 64), (83, 64), (96, 80), (4, 80)], pen.main, surface="down")
    pen.fill([(22, 66), (78, 66), (83, 73), (17, 73)], _PORT, surface="flat")
    pen.fill([(42, 75), (58, 75), (60, 79), (40, 79)], pen.tone(0.85), surface="flat")
    pen.box(4, 80, 96, 82.5, pen.tone(0.75), corner=1)


@KINDS.kind("portable ssd", "external ssd", "solid state drive", tilt=14)
def _portable_ssd(pen: Pen) -> None:
    wide = pen.between(22, 30)
    pen.box(50 - wide, 20, 50 + wide, 82, pen.main, corner=6, surface="metal")
    pen.box(46, 18.5, 54, 21, _PORT, corner=1)
    pen.box(50 - wide + 6, 66, 50 + wide * 0.2, 70, pen.contrast, surface="flat", edge=False)
    for step in range(4):
        pen.line([(50 - wide + 5, 34 + step * 5), (50 + wide - 5, 34 + step * 5)], width=0.8)


@KINDS.kind("usb stick", "usb flash drive", "memory stick", "thumb drive", tilt=25)
def _usb_stick(pen: Pen) -> None:
    pen.box(42, 10, 58, 32, COLOURS["silver"], surface="metal")
    for x in (45, 52):
        pen.box(x, 15, x + 3, 19, _PORT, surface="flat")
    pen.box(38, 30, 62, 88, pen.main, corner=6, surface="round")
    pen.oval(50, 81, 3, 3, (250, 250, 250), surface="flat")
    pen.box(44, 44, 56, 60, pen.contrast, surface="flat", edge=False)


@KINDS.kind("hard drive", "external hard drive", "backup drive", tilt=5)
def _hard_drive(pen: Pen) -> None:
    pen.ground(22, 80, 90)
    pen.fill([(72, 12), (82, 20), (82, 88), (72, 90)], pen.tone(0.6), surface="flat")
    pen.box(22, 12, 73, 90, pen.main, corner=3, surface="gloss")
    pen.box(30, 76, 46, 79, pen.contrast, surface="flat", edge=False)
    pen.oval(66, 84, 1.4, 1.4, (90, 180, 255), surface="flat", edge=False)


@KINDS.kind("laptop stand", "notebook stand", tilt=5)
def _laptop_stand(pen: Pen) -> None:
    pen.ground(14, 86, 86)
    pen.fill([(10, 86), (76, 86), (90, 82), (30, 82)], pen.tone(0.8), surface="metal")
    for x in (26, 66):
        pen.fill(band([(x, 84), (x + 16, 60), (x + 2, 38)], 5), pen.main, surface="metal")
    pen.fill([(6, 44), (70, 44), (94, 18), (32, 18)], pen.main, surface="metal")
    pen.fill([(6, 44), (70, 44), (70, 48), (6, 48)], pen.tone(0.7), surface="flat")
    pen.oval(50, 31, 14, 6, (250, 250, 250), surface="flat")


@KINDS.kind("docking station", "usb hub", "usb-c dock", tilt=8)
def _docking_station(pen: Pen) -> None:
    pen.line([(12, 52), (2, 60, 1), (2, 84)], _PORT, 2.4)
    pen.fill([(10, 40), (18, 32), (94, 32), (90, 40)], pen.tone(1.15), surface="flat")
    pen.box(10, 40, 90, 66, pen.main, corner=2, surface="metal")
    x = 16.0
    for wide, high in ((5, 5), (11, 5), (11, 5), (13, 9), (12, 6), (6, 6)):
        pen.box(x, 53 - high / 2, x + wide, 53 + high / 2, _PORT, corner=1, surface="flat")
        x += wide + 2.6
