"""Training and water sports."""

from __future__ import annotations

from embedded.pictures.colours import Rgb, shade
from embedded.pictures.kind_table import KindTable
from embedded.pictures.outlines import band, oval
from embedded.pictures.pen import Pen

KINDS = KindTable()

_DARK: Rgb = (44, 44, 48)
_STEEL: Rgb = (180, 184, 190)


@KINDS.kind("yoga mat", "exercise mat", "gym mat", flip=0.4, tilt=5)
def _yoga_mat(pen: Pen) -> None:
    if pen.chance(0.6):
        pen.fill([(26, 44), (97, 60), (84, 86), (12, 68)], pen.tone(0.9), surface="side")
        pen.fill([(14, 40), (22, 28), (94, 45), (92, 62, 1), (84, 66), (12, 48)], surface="down")
        pen.oval(16, 54, 9, 15, pen.tone(0.85), surface="flat")
        for step in range(3):
            pen.line(oval(16, 54, 7 - step * 2.2, 12 - step * 4), pen.tone(0.6), 0.9)
    else:
        pen.box(40, 6, 62, 94, pen.cloth, corner=2, surface="round")
        pen.oval(51, 8, 11, 4, pen.tone(0.75), surface="flat")
        for y in (30, 70):
            pen.box(39.5, y, 62.5, y + 5, _DARK, surface="round")


@KINDS.kind("dumbbells", "adjustable dumbbells", "weights", "dumbbell", tilt=8)
def _dumbbells(pen: Pen) -> None:
    for down in (-15, 15):
        with pen.moved(scale=0.85, down=down, across=down * 0.3):
            pen.box(30, 46, 70, 54, _STEEL, corner=1, surface="down")
            for side in (-1, 1):
                for step, high in enumerate((20, 18, 15)):
                    x = 50 + side * (20 + step * 9)
                    left, right = sorted((x, x + side * 8))
                    pen.box(
                        left, 50 - high, right, 50 + high, pen.main, corner=2.5, surface="gloss"
                    )


@KINDS.kind("resistance bands", "exercise bands", "fitness bands", tilt=10)
def _resistance_bands(pen: Pen) -> None:
    for step in range(5):
        paint = [pen.main, pen.tone(1.3), pen.tone(0.65), pen.accents[1], pen.main][step]
        x, y = 20 + step * 15, 50 + (step % 2 - 0.5) * 12
        pen.line(oval(x, y, 9, 36, turn=8), paint, 5)
        pen.line(oval(x, y, 9, 36, turn=8, start=90, end=270), shade(paint, 0.7), 1.0)


@KINDS.kind("swimming goggles", "swim goggles", tilt=8)
def _swimming_goggles(pen: Pen) -> None:
    lens = pen.one_of([(60, 90, 130), (40, 44, 52), (120, 170, 200)])
    pen.line([(16, 46), (4, 10, 1), (50, 10), (96, 10, 1), (84, 46)], pen.main, 4)
    pen.line([(16, 52), (10, 22, 1), (50, 20), (90, 22, 1), (84, 52)], pen.tone(0.7), 2)
    for side in (-1, 1):
        x = 50 + side * 21
        pen.oval(x, 55, 19, 14, surface="gloss", turn=side * 8)
        pen.oval(x, 55, 14, 9.6, lens, surface="screen", turn=side * 8)
    pen.line([(44, 53), (50, 48, 1), (56, 53)], pen.main, 3)


@KINDS.kind("football", "soccer ball", "ball", tilt=30)
def _football(pen: Pen) -> None:
    pen.ground(18, 82, 92)
    pen.oval(50, 50, 41, 41, surface="ball")
    patch = pen.contrast
    pen.fill(oval(50, 50, 13, 13)[::6], patch, surface="flat")
    for point in oval(50, 50, 33, 33, turn=36)[::6]:
        pen.fill(oval(*point, 9, 9)[::6], patch, surface="flat")
        pen.line([(50, 50), point], pen.tone(0.6), 0.8)


@KINDS.kind("swim cap", "swimming cap", "bathing cap", tilt=5)
def _swim_cap(pen: Pen) -> None:
    pen.fill(band([(10, 78), (90, 78)], 6), pen.tone(0.8), surface="down")
    pen.fill([(10, 78), (8, 10, 1), (50, 12), (92, 10, 1), (90, 78)], surface="gloss")
    pen.box(30, 46, 60, 56, pen.contrast, surface="flat", edge=False)
