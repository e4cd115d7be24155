"""Sound, pictures and power: headphones, speakers, cameras, chargers, phones."""

from __future__ import annotations

from embedded.pictures.colours import COLOURS, Rgb, mixed
from embedded.pictures.computing import picture
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import band, mirrored, oval
from embedded.pictures.pen import Pen

KINDS = KindTable()

_DARK: Rgb = (40, 41, 45)


def _lens(pen: Pen, x: float, y: float, radius: float) -> None:
    pen.oval(x, y, radius, radius, _DARK, surface="gloss")
    pen.oval(x, y, radius * 0.72, radius * 0.72, (24, 28, 44), surface="ball")
    pen.oval(x, y, radius * 0.4, radius * 0.4, (50, 60, 110), surface="ball", edge=False)
    pen.oval(
        x - radius * 0.25,
        y - radius * 0.28,
        radius * 0.14,
        radius * 0.14,
        (240, 240, 255),
        surface="flat",
        edge=False,
    )


@KINDS.kind("headphones", "headset", "noise cancelling headphones", "over-ear headphones", tilt=8)
def _headphones(pen: Pen) -> None:
    wide = pen.between(29, 34)
    pen.fill(
        band(
            [
                (50 - wide, 64),
                (50 - wide - 4, 8, 1),
                (50, 8),
                (50 + wide + 4, 8, 1),
                (50 + wide, 64),
            ],
            6.5,
        ),
        surface="round",
    )
    pen.line([(50 - wide + 8, 22), (50, 10, 1), (50 + wide - 8, 22)], pen.tone(0.6), 2.4)
    for side in (-1, 1):
        x = 50 + side * wide
        pen.oval(x - side * 5, 66, 8, 17, pen.tone(0.5), surface="round")
        pen.oval(x + side * 3, 66, 10, 19, pen.cloth, surface="ball")
        pen.oval(x + side * 4, 66, 4, 9, pen.tone(0.8), surface="flat")


@KINDS.kind("earbuds", "true wireless earbuds", "wireless earbuds", "ear buds", tilt=5)
def _earbuds(pen: Pen) -> None:
    pen.box(22, 50, 78, 92, pen.main, corner=16, surface="gloss")
    pen.line([(23, 63), (77, 63)], pen.tone(0.6), 1.0)
    pen.oval(50, 70, 1.4, 1.4, (110, 220, 130), surface="flat", edge=False)
    for side in (-1, 1):
        x = 50 + side * 17
        pen.fill(band([(x, 24), (x + side * 3, 48)], 7), surface="gloss")
        pen.oval(x - side * 2, 20, 11, 11, pen.main, surface="ball")
        pen.oval(x - side * 10, 22, 5, 7, _DARK, surface="ball", turn=side * 20)


@KINDS.kind("earphones", "sports earphones", "in-ear headphones", tilt=6)
def _earphones(pen: Pen) -> None:
    pen.line([(26, 30), (20, 80, 1), (50, 84), (80, 80, 1), (74, 30)], pen.main, 2.0)
    pen.box(60, 72, 66, 84, pen.tone(0.7), corner=2)
    for side in (-1, 1):
        x = 50 + side * 26
        pen.line(
            [
                (x - side * 4, 28),
                (x - side * 16, 4, 1),
                (x + side * 12, 8),
                (x + side * 14, 30, 1),
                (x + side * 6, 36),
            ],
            pen.main,
            2.6,
        )
        pen.box(x - 7, 18, x + 7, 38, pen.main, corner=6, surface="gloss")
        pen.oval(x - side * 10, 29, 5, 5.6, _DARK)


@KINDS.kind("bluetooth speaker", "portable speaker", "wireless speaker", tilt=6)
def _bluetooth_speaker(pen: Pen) -> None:
    pen.ground(10, 90, 74)
    pen.box(6, 32, 94, 74, pen.cloth, corner=20, surface="down")
    for row in range(7):
        pen.stitches([(12, 38 + row * 5), (88, 38 + row * 5)], pen.tone(0.72), 1.0)
    for x in (8, 92):
        pen.oval(x, 53, 6, 19, pen.tone(0.6))
    pen.box(40, 49, 60, 57, pen.contrast, corner=2, surface="flat", edge=False)
    pen.line([(90, 40), (100, 34, 1), (97, 60)], pen.tone(0.5), 1.6)


@KINDS.kind("soundbar", "sound bar", tilt=3)
def _soundbar(pen: Pen) -> None:
    pen.box(2, 42, 98, 58, pen.main, corner=3, surface="down")
    for column in range(23):
        x = 6 + column * 4
        pen.line([(x, 45), (x, 56)], pen.tone(0.7), 0.8)
    pen.box(46, 48, 54, 52, pen.contrast, surface="flat", edge=False)
    pen.box(4, 58, 12, 60, _DARK, surface="flat")
    pen.box(88, 58, 96, 60, _DARK, surface="flat")


@KINDS.kind("bookshelf speakers", "loudspeakers", "stereo speakers", tilt=2)
def _bookshelf_speakers(pen: Pen) -> None:
    for x in (28, 72):
        pen.ground(x - 19, x + 19, 88)
        pen.box(x - 18, 14, x + 18, 88, pen.cloth, corner=1.5, surface="side")
        for y, radius in ((34, 8), (64, 15)):
            pen.oval(x, y, radius, radius, (70, 72, 76), surface="metal")
            pen.oval(x, y, radius * 0.8, radius * 0.8, _DARK, surface="ball")
            pen.oval(x, y, radius * 0.3, radius * 0.3, (90, 92, 96))


@KINDS.kind("charger", "fast charger", "power adapter", "usb charger", tilt=10)
def _charger(pen: Pen) -> None:
    for x in (42, 58):
        pen.box(x - 2.4, 8, x + 2.4, 28, COLOURS["silver"], corner=1, surface="metal")
    pen.box(28, 26, 72, 82, pen.main, corner=8, surface="gloss")
    pen.box(42, 66, 58, 71, _DARK, corner=2, surface="flat")
    pen.line([(50, 42), (46, 52), (53, 52), (49, 60)], pen.contrast, 1.4)


@KINDS.kind("power bank", "portable charger", "battery pack", tilt=14)
def _power_bank(pen: Pen) -> None:
    pen.box(28, 8, 72, 92, pen.main, corner=8, surface="gloss")
    for x in (36, 53):
        pen.box(x, 8, x + 10, 12, _DARK, surface="flat")
    for step in range(4):
        pen.oval(42 + step * 5.4, 22, 1.3, 1.3, (120, 210, 250), surface="flat", edge=False)
    pen.box(40, 60, 60, 64, pen.contrast, surface="flat", edge=False)


@KINDS.kind("phone mount", "car phone holder", "phone holder", tilt=8)
def _phone_mount(pen: Pen) -> None:
    pen.fill(band([(50, 58), (54, 76, 1), (50, 86)], 8), pen.tone(0.7), surface="round")
    pen.oval(50, 90, 22, 6, pen.tone(0.8), surface="metal")
    pen.box(30, 8, 70, 66, pen.main, corner=5, surface="down")
    pen.oval(50, 37, 13, 13, pen.tone(0.75), surface="metal")
    for side in (-1, 1):
        pen.box(
            50 + side * 22 - 4,
            20,
            50 + side * 22 + 4,
            52,
            pen.tone(0.6),
            corner=3,
            surface="round",
        )
    pen.box(40, 64, 60, 70, pen.tone(0.6), corner=2)


@KINDS.kind("mobile phone", "smartphone", "phone", "cell phone", tilt=8)
def _mobile_phone(pen: Pen) -> None:
    if pen.chance(0.6):
        with pen.moved(across=10):
            pen.box(34, 6, 76, 94, pen.main, corner=7, surface="gloss")
            for y in (16, 27):
                _lens(pen, 44, y, 5)
    pen.box(18, 6, 60, 94, pen.tone(0.7), corner=7, surface="metal")
    picture(pen, 20.5, 9, 57.5, 91)
    pen.oval(39, 12.5, 1.3, 1.3, (10, 10, 12), surface="flat", edge=False)


@KINDS.kind("action camera", "sports camera", "helmet camera", tilt=6)
def _action_camera(pen: Pen) -> None:
    pen.box(20, 26, 80, 80, pen.main, corner=7, surface="down")
    pen.box(26, 22, 42, 27, pen.tone(0.6), corner=2)
    _lens(pen, 62, 48, 15)
    pen.box(26, 36, 42, 54, (24, 26, 30), corner=2, surface="screen")
    pen.oval(32, 68, 2, 2, (230, 50, 50), surface="flat")
    for x in (42, 50, 58):
        pen.box(x - 2, 80, x + 2, 91, pen.tone(0.6), corner=2)


@KINDS.kind("camera", "compact camera", "digital camera", tilt=5)
def _camera(pen: Pen) -> None:
    pen.ground(10, 90, 82)
    pen.box(24, 18, 40, 30, pen.tone(0.75), corner=2)
    pen.box(68, 21, 80, 29, COLOURS["silver"], corner=2, surface="metal")
    pen.box(8, 27, 92, 82, pen.main, corner=5, surface="down")
    pen.box(8, 42, 92, 72, pen.tone(0.78), surface="flat")
    pen.box(14, 31, 28, 38, (230, 234, 238), corner=1, surface="screen")
    _lens(pen, 56, 55, 23)


@KINDS.kind("security camera", "surveillance camera", "ip camera", tilt=4)
def _security_camera(pen: Pen) -> None:
    if pen.chance(0.5):
        pen.oval(50, 88, 26, 7, pen.tone(0.85), surface="metal")
        pen.box(45, 66, 55, 86, pen.tone(0.75), surface="round")
        pen.oval(50, 42, 31, 31, pen.main)
        pen.oval(50, 42, 20, 20, _DARK, surface="gloss")
        _lens(pen, 50, 42, 12)
    else:
        pen.box(82, 20, 92, 62, pen.tone(0.8), corner=2)
        pen.fill(band([(86, 52), (66, 66, 1), (60, 54)], 6), pen.tone(0.7), surface="round")
        pen.fill([(10, 36), (74, 24), (78, 50), (14, 64)], pen.main, surface="down")
        pen.fill([(4, 32), (76, 18), (77, 25), (6, 40)], pen.tone(0.85), surface="flat")
        _lens(pen, 14, 50, 13)


@KINDS.kind("television", "tv", "smart tv", tilt=1)
def _television(pen: Pen) -> None:
    for x in (24, 76):
        pen.line([(x, 74), (x + (x - 50) * 0.2, 83)], _DARK, 2)
    pen.box(2, 18, 98, 76, pen.main, corner=1)
    picture(pen, 3.6, 19.6, 96.4, 73.5)


@KINDS.kind("remote control", "remote", tilt=20)
def _remote(pen: Pen) -> None:
    pen.box(37, 4, 63, 96, pen.main, corner=6, surface="round")
    pen.oval(50, 28, 9, 9, pen.tone(0.7))
    pen.oval(50, 28, 4, 4, pen.tone(0.9))
    pen.oval(43, 11, 2, 2, (220, 50, 50))
    key = mixed(pen.main, pen.contrast, 0.5)
    for row in range(6):
        for x in (43, 50, 57):
            pen.oval(x, 46 + row * 7, 2.2, 1.8, key, surface="flat", edge=False)


@KINDS.kind("cable", "usb cable", "charging cable", tilt=20)
def _cable(pen: Pen) -> None:
    for step in range(3):
        pen.line(oval(50, 50, 26 + step * 3, 24 + step * 3), pen.main, 2.4)
    pen.fill(mirrored([(50, 44), (56, 44), (56, 56), (50, 56)]), pen.tone(0.7))
    for x, y in ((22, 74), (78, 26)):
        pen.line([(50 + (x - 50) * 0.6, 50 + (y - 50) * 0.9), (x, y)], pen.main, 2.4)
        pen.box(x - 4, y - 8, x + 4, y + 8, pen.tone(0.8), corner=2)
        pen.box(x - 2.6, y - 15, x + 2.6, y - 8, COLOURS["silver"], surface="metal")
