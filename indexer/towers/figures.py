"""Simple figures that wear a garment, because catalogues photograph most clothes on people.

A figure is drawn once; a garment's cut-out is then laid on the place that the figure keeps for it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Box = tuple[float, float, float, float]
"""left, top, right, bottom as shares of the picture's side."""

TOP, FULL, BOTTOM = "top", "full", "bottom"
WORN = (TOP, FULL, BOTTOM)
"""What a garment covers: the upper body, most of the body, or the legs."""

_FINER = 2
_SKINS = ((236, 196, 168), (224, 178, 146), (205, 150, 115), (168, 116, 82), (112, 74, 54))
_HAIRS = ((28, 22, 20), (46, 32, 26), (84, 56, 38), (20, 20, 24), (150, 110, 70))
_CLOTHS = (
    *((52, 74, 112), (96, 122, 158), (36, 46, 72), (30, 30, 34), (120, 110, 92)),
    *((186, 172, 140), (92, 92, 96), (235, 235, 235), (70, 52, 44), (140, 40, 50)),
)
_SHOES = ((30, 28, 28), (90, 60, 40), (230, 230, 230), (140, 140, 140))
_Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Figure:
    """layer: uint8 [side, side, 4] (RGB and opacity). place: where the garment goes."""

    layer: NDArray[np.uint8]
    place: Box


def draw_figure(worn: str, seed: int, side: int) -> Figure:
    """Return a figure of `side` pixels for a garment of a place of WORN, the same for a seed."""
    draw = random.Random(f"{worn}/{seed}")  # noqa: S311
    image = Image.new("RGBA", (side * _FINER, side * _FINER), (0, 0, 0, 0))
    place = _DRAWN[worn](_Brush(image, draw))
    return Figure(np.asarray(image.reduce(_FINER)), place)


class _Brush:
    """Draws in shares of the picture's side."""

    def __init__(self, image: Image.Image, draw: random.Random) -> None:
        self._pen = ImageDraw.Draw(image)
        self._side = image.width
        self.draw = draw
        self.skin = self.shaded(draw.choice(_SKINS))
        self.hair = self.shaded(draw.choice(_HAIRS))

    def between(self, low: float, high: float) -> float:
        return self.draw.uniform(low, high)

    def shaded(self, colour: _Rgb) -> _Rgb:
        factor = self.draw.uniform(0.85, 1.12)
        red, green, blue = (min(255, round(channel * factor)) for channel in colour)
        return red, green, blue

    def oval(self, x: float, y: float, wide: float, high: float, colour: _Rgb) -> None:
        box = (x - wide, y - high, x + wide, y + high)
        self._pen.ellipse([edge * self._side for edge in box], fill=colour)

    def shape(self, points: list[tuple[float, float]], colour: _Rgb) -> None:
        self._pen.polygon([(x * self._side, y * self._side) for x, y in points], fill=colour)

    def limb(self, points: list[tuple[float, float]], thick: float, colour: _Rgb) -> None:
        scaled = [(x * self._side, y * self._side) for x, y in points]
        self._pen.line(scaled, fill=colour, width=round(thick * self._side), joint="curve")


def _head(brush: _Brush, x: float, top: float, size: float) -> float:
    """Draw hair, face and neck; return where the neck ends."""
    wide, high = size * brush.between(0.36, 0.42), size * 0.5
    middle = top + high
    if brush.draw.random() < 0.45:  # long hair falls over the shoulders
        brush.oval(x, middle + size * 0.25, wide * 1.45, high * 1.5, brush.hair)
    brush.oval(x, middle - size * 0.06, wide * 1.12, high * 1.02, brush.hair)
    brush.limb([(x, middle), (x, middle + size * 0.85)], wide * 1.1, brush.skin)
    brush.oval(x, middle + size * 0.05, wide, high * 0.9, brush.skin)
    return middle + size * 0.55


def _arms(brush: _Brush, x: float, top: float, shoulder: float, length: float) -> None:
    thick = brush.between(0.05, 0.075)
    for side in (-1, 1):
        elbow = (x + side * (shoulder + brush.between(0.0, 0.05)), top + length * 0.5)
        hand = (x + side * (shoulder + brush.between(-0.06, 0.05)), top + length)
        brush.limb([(x + side * shoulder * 0.8, top + 0.05), elbow, hand], thick, brush.skin)


def _top(brush: _Brush) -> Box:
    x, size = 0.5 + brush.between(-0.03, 0.03), brush.between(0.19, 0.25)
    neck = _head(brush, x, brush.between(-0.12, 0.04), size)
    hips, shoulder = brush.between(0.11, 0.16), brush.between(0.17, 0.24)
    hem = brush.between(0.74, 0.92)
    _arms(brush, x, neck, shoulder, brush.between(0.5, 0.62))
    cloth = brush.shaded(brush.draw.choice(_CLOTHS))
    brush.shape(
        [(x - hips, 0.6), (x + hips, 0.6), (x + hips * 1.25, 1), (x - hips * 1.25, 1)], cloth
    )
    wide = shoulder * brush.between(1.15, 1.5)
    return x - wide, neck, x + wide, hem


def _full(brush: _Brush) -> Box:
    x, size = 0.5 + brush.between(-0.03, 0.03), brush.between(0.13, 0.19)
    neck = _head(brush, x, brush.between(-0.06, 0.04), size)
    shoulder, hem = brush.between(0.13, 0.19), brush.between(0.74, 0.96)
    _arms(brush, x, neck, shoulder, brush.between(0.4, 0.5))
    legs = brush.skin if brush.draw.random() < 0.5 else brush.shaded(brush.draw.choice(_CLOTHS))
    for side in (-1, 1):
        brush.limb(
            [(x + side * 0.06, 0.55), (x + side * brush.between(0.03, 0.07), 1.0)], 0.08, legs
        )
    wide = shoulder * brush.between(1.1, 1.5)
    return x - wide, neck, x + wide, hem


def _bottom(brush: _Brush) -> Box:
    x, waist = 0.5 + brush.between(-0.03, 0.03), brush.between(0.02, 0.2)
    hips, hem = brush.between(0.1, 0.16), brush.between(0.8, 0.97)
    shirt = brush.shaded(brush.draw.choice(_CLOTHS)) if brush.draw.random() < 0.7 else brush.skin
    brush.shape(
        [
            (x - hips * 1.1, 0),
            (x + hips * 1.1, 0),
            (x + hips, waist + 0.1),
            (x - hips, waist + 0.1),
        ],
        shirt,
    )
    shoes = brush.shaded(brush.draw.choice(_SHOES))
    for side in (-1, 1):
        foot = x + side * hips * 0.6
        brush.limb([(foot, waist + 0.1), (foot, 0.96)], 0.075, brush.skin)
        brush.oval(foot + side * 0.02, 0.97, 0.06, 0.03, shoes)
    wide = hips * brush.between(1.1, 1.5)
    return x - wide, waist, x + wide, hem


_DRAWN = {TOP: _top, FULL: _full, BOTTOM: _bottom}
