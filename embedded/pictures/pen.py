"""The pen that draws one picture: shapes with light on them, in varied places and colours."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

from PIL import Image, ImageDraw, ImageFilter

from embedded.pictures import shading
from embedded.pictures.colours import Rgb, brightness, mixed, shade
from embedded.pictures.outlines import Outline, Point, box, flatten, oval

_Item = TypeVar("_Item")
Paint: TypeAlias = Rgb | Image.Image
"""A colour, or a texture as large as the drawing."""

_AREA = 100.0
_SHADOW = 0.38
"""How light a colour is where no light falls on it, against itself."""
_PALE, _PALE_SHADOW = 205.0, 0.62
"""From this brightness on a colour is photographed with more light, lest it look grey."""

_Matrix: TypeAlias = tuple[float, float, float, float, float, float]


class Pen:
    """Draws on a square picture whose sides count 100, whatever its pixels.

    draw: where all chance comes from; main: the asked colour as it is in this picture;
    cloth: the same, with its pattern.
    """

    def __init__(
        self,
        draw: random.Random,
        image: Image.Image,
        *,
        main: Rgb,
        cloth: Paint,
        accents: Sequence[Rgb],
    ) -> None:
        self.draw = draw
        self.image = image
        self.main = main
        self.cloth = cloth
        self.accents = accents
        self._canvas = ImageDraw.Draw(image)
        self._unit = image.width / _AREA
        self._matrix: _Matrix = (self._unit, 0.0, 0.0, 0.0, self._unit, 0.0)
        self._folds = self._crumpled()

    # Chance: only random() gives the same values in every version of Python.

    def between(self, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        return low + self.draw.random() * (high - low)

    def chance(self, share: float) -> bool:
        """Return True in a share (0 to 1) of the pictures."""
        return self.draw.random() < share

    def one_of(self, items: Sequence[_Item]) -> _Item:
        """Return one of the items."""
        return items[int(self.draw.random() * len(items))]

    # Colours.

    def tone(self, factor: float) -> Rgb:
        """Return the main colour darker (below 1) or lighter (above 1), see `shade`."""
        return shade(self.main, factor)

    @property
    def trim(self) -> Rgb:
        """The main colour a little off, so that seams and ribs are seen on it."""
        return self.tone(0.8) if brightness(self.main) > 70 else mixed(self.main, (255,) * 3, 0.16)

    @property
    def contrast(self) -> Rgb:
        """White on dark colours, nearly black on light ones."""
        return (240, 240, 238) if brightness(self.main) < 140 else (40, 40, 44)

    # Where things are drawn.

    @contextmanager
    def moved(
        self,
        *,
        across: float = 0.0,
        down: float = 0.0,
        scale: float = 1.0,
        stretch: float = 1.0,
        turn: float = 0.0,
        flip: bool = False,
    ) -> Iterator[None]:
        """Draw moved, scaled about the middle, and turned (degrees, clockwise)."""
        kept = self._matrix
        wide = scale * stretch * (-1 if flip else 1)
        angle = math.radians(turn)
        cosine, sine = math.cos(angle), math.sin(angle)
        a, b, d, e = wide * cosine, -scale * sine, wide * sine, scale * cosine
        middle = _AREA / 2
        c = middle + across - a * middle - b * middle
        f = middle + down - d * middle - e * middle
        ka, kb, kc, kd, ke, kf = kept
        self._matrix = (
            ka * a + kb * d,
            ka * b + kb * e,
            ka * c + kb * f + kc,
            kd * a + ke * d,
            kd * b + ke * e,
            kd * c + ke * f + kf,
        )
        try:
            yield
        finally:
            self._matrix = kept

    # Shapes.

    def fill(
        self,
        outline: Outline,
        paint: Paint | None = None,
        *,
        surface: str = "cloth",
        edge: bool = True,
    ) -> None:
        """Fill an outline with a paint (None: the cloth) that is lit as the surface is."""
        points = self._placed(outline)
        left, top = (max(0, math.floor(min(axis))) for axis in zip(*points, strict=True))
        right, bottom = (
            min(self.image.width, math.ceil(max(axis)) + 1) for axis in zip(*points, strict=True)
        )
        if right <= left or bottom <= top:
            return
        chosen = self.cloth if paint is None else paint
        area = (left, top, right, bottom)
        if isinstance(chosen, Image.Image):
            layer = chosen.crop(area)
        else:
            layer = Image.new("RGB", (right - left, bottom - top), chosen)
        base = self.main if isinstance(chosen, Image.Image) else chosen
        shadow = shade(base, _PALE_SHADOW if brightness(base) > _PALE else _SHADOW)
        if surface == "cloth":
            layer.paste(shadow, (0, 0), self._folds.crop(area))
        shading.lit(layer, surface, shadow=shadow)
        mask = Image.new("L", layer.size)
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in points], fill=255)
        self.image.paste(layer, (left, top), mask)
        if edge:
            self._edge(points, base)

    def oval(
        self,
        x: float,
        y: float,
        width: float,
        height: float | None = None,
        paint: Paint | None = None,
        *,
        turn: float = 0.0,
        surface: str = "ball",
        edge: bool = True,
    ) -> None:
        """Fill an ellipse; width and height are its half axes."""
        outline = oval(x, y, width, width if height is None else height, turn=turn)
        self.fill(outline, paint, surface=surface, edge=edge)

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        paint: Paint | None = None,
        *,
        corner: float = 0.0,
        surface: str = "down",
        edge: bool = True,
    ) -> None:
        """Fill a rectangle with rounded corners."""
        self.fill(box(left, top, right, bottom, corner=corner), paint, surface=surface, edge=edge)

    def line(self, outline: Outline, paint: Rgb | None = None, width: float = 0.6) -> None:
        """Draw an open line; the width counts as the area does."""
        colour = self.trim if paint is None else paint
        thick = max(1, round(width * self._scale()))
        joint = "curve" if thick > 3 else None
        self._canvas.line(self._placed(outline, closed=False), colour, thick, joint)

    def stitches(self, outline: Outline, paint: Rgb | None = None, width: float = 0.5) -> None:
        """Draw a dashed line."""
        points = self._placed(outline, closed=False)
        colour = self.trim if paint is None else paint
        thick = max(1, round(width * self._scale()))
        for (x0, y0), (x1, y1) in zip(points[:-1], points[1:], strict=True):
            count = max(1, int(math.hypot(x1 - x0, y1 - y0) / (2.2 * self._unit)))
            for step in range(count):
                a, b = step / count, (step + 0.6) / count
                ends = [(x0 + (x1 - x0) * t, y0 + (y1 - y0) * t) for t in (a, b)]
                self._canvas.line(ends, colour, thick)

    def ground(self, left: float, right: float, y: float, *, strength: float = 0.3) -> None:
        """Draw the soft shadow of a thing that stands."""
        (x0, y0), (x1, y1) = self._placed([(left, y - 2.2), (right, y + 2.2)], closed=False)
        x0, x1 = sorted((x0, x1))
        y0, y1 = sorted((y0, y1))
        margin = 3 * self._unit
        # Turned, the two corners may lie at one height: never thinner than a pixel.
        middle, half = (y0 + y1) / 2, max(self._unit, (y1 - y0) / 2)
        y0, y1 = middle - half, middle + half
        area = [round(v) for v in (x0 - margin, y0 - margin, x1 + margin, y1 + margin)]
        mask = Image.new("L", (max(1, area[2] - area[0]), max(1, area[3] - area[1])))
        ImageDraw.Draw(mask).ellipse(
            (margin, margin, mask.width - margin, mask.height - margin), fill=round(strength * 255)
        )
        soft = mask.filter(ImageFilter.BoxBlur(1.6 * self._unit))
        self.image.paste((60, 60, 64), (area[0], area[1]), soft)

    def _edge(self, points: list[Point], colour: Rgb) -> None:
        light = brightness(colour)
        seen = shade(colour, 0.74) if light > 70 else mixed(colour, (255, 255, 255), 0.14)
        width = max(1, round(0.45 * self._unit))
        self._canvas.line([*points, points[0]], seen, width)

    def _placed(self, outline: Outline, *, closed: bool = True) -> list[Point]:
        a, b, c, d, e, f = self._matrix
        # Rounded, so that the last bit of a sine does not move a pixel on another machine.
        return [
            (round(a * x + b * y + c, 2), round(d * x + e * y + f, 2))
            for x, y in flatten(outline, closed=closed)
        ]

    def _scale(self) -> float:
        a, b, _, d, e, _ = self._matrix
        return math.sqrt(abs(a * e - b * d))

    def _crumpled(self) -> Image.Image:
        """Return where folds darken cloth: soft, more of them across than down."""
        columns, rows, deepest = 13, 6, 62
        levels = bytes(int(self.draw.random() ** 1.5 * deepest) for _ in range(columns * rows))
        tile = Image.frombytes("L", (columns, rows), levels)
        return tile.resize(self.image.size, Image.Resampling.BICUBIC)
