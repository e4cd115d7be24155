"""Patterns of cloth, each as a picture as large as the drawing."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from PIL import Image, ImageDraw

from embedded.pictures.colours import COLOURS, Rgb, brightness, shade

PLAIN = "plain"
_Painter = Callable[[random.Random, Rgb, Rgb, Image.Image], None]


def texture(draw: random.Random, name: str, colour: Rgb, pixels: int) -> Image.Image:
    """Return a square picture (RGB) of the pattern; its colour is still the one that prevails.

    Raises KeyError for a name that is not in PATTERNS.
    """
    image = Image.new("RGB", (pixels, pixels), colour)
    PATTERNS[name](draw, colour, _second(draw, colour), image)
    return image


def patchwork(draw: random.Random, colours: Sequence[Rgb], pixels: int) -> Image.Image:
    """Return a picture of several colours, in bands, patches or blots."""
    image = Image.new("RGB", (pixels, pixels), colours[0])
    pen = ImageDraw.Draw(image)
    step = pixels * (0.04 + 0.05 * draw.random())
    way = int(draw.random() * 3)
    if way == 0:
        for row in range(int(pixels / step) + 1):
            pen.rectangle((0, row * step, pixels, (row + 1) * step), colours[row % len(colours)])
    elif way == 1:
        for row in range(int(pixels / step / 2) + 1):
            for column in range(int(pixels / step / 2) + 1):
                x, y = column * step * 2, row * step * 2
                chosen = colours[int(draw.random() * len(colours))]
                pen.rectangle((x, y, x + step * 2, y + step * 2), chosen)
    else:
        for _ in range(160):
            x, y = draw.random() * pixels, draw.random() * pixels
            radius = step * (0.4 + draw.random())
            chosen = colours[int(draw.random() * len(colours))]
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), chosen)
    return image


def _second(draw: random.Random, colour: Rgb) -> Rgb:
    """Return a colour to go with the first: mostly white, black or a shade of it."""
    mark = draw.random()
    if mark < 0.4:
        return COLOURS["white"] if brightness(colour) < 160 else shade(colour, 0.45)
    if mark < 0.7:
        return shade(colour, 1.45 if brightness(colour) < 120 else 0.62)
    names = ("navy blue", "black", "red", "white", "grey", "yellow", "light blue", "brown")
    return COLOURS[names[int(draw.random() * len(names))]]


def _stripes(draw: random.Random, first: Rgb, second: Rgb, image: Image.Image) -> None:
    step = image.width * (0.045 + 0.06 * draw.random())
    thick = step * (0.2 + 0.3 * draw.random())
    pen = ImageDraw.Draw(image)
    for row in range(int(image.height / step) + 1):
        pen.rectangle((0, row * step, image.width, row * step + thick), second)


def _pinstripes(draw: random.Random, first: Rgb, second: Rgb, image: Image.Image) -> None:
    step = image.width * (0.022 + 0.03 * draw.random())
    pen = ImageDraw.Draw(image)
    for column in range(int(image.width / step) + 1):
        pen.rectangle((column * step, 0, column * step + step * 0.22, image.height), second)


def _checks(draw: random.Random, first: Rgb, second: Rgb, image: Image.Image) -> None:
    step = image.width * (0.045 + 0.06 * draw.random())
    thick = step * (0.25 + 0.25 * draw.random())
    half = Image.blend(
        Image.new("RGB", (1, 1), first), Image.new("RGB", (1, 1), second), 0.5
    ).getpixel((0, 0))
    pen = ImageDraw.Draw(image)
    count = int(image.width / step) + 1
    for row in range(count):
        pen.rectangle((0, row * step, image.width, row * step + thick), half)
    for column in range(count):
        x = column * step
        pen.rectangle((x, 0, x + thick, image.height), half)
        for row in range(count):
            pen.rectangle((x, row * step, x + thick, row * step + thick), second)


def _dots(draw: random.Random, first: Rgb, second: Rgb, image: Image.Image) -> None:
    step = image.width * (0.035 + 0.04 * draw.random())
    radius = step * (0.16 + 0.12 * draw.random())
    pen = ImageDraw.Draw(image)
    for row in range(int(image.height / step) + 1):
        for column in range(int(image.width / step) + 1):
            x, y = (column + row % 2 * 0.5) * step, row * step
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), second)


def _flowers(draw: random.Random, first: Rgb, second: Rgb, image: Image.Image) -> None:
    pen = ImageDraw.Draw(image)
    leaf = shade(second, 0.7)
    for _ in range(46):
        x, y = draw.random() * image.width, draw.random() * image.height
        radius = image.width * (0.008 + 0.014 * draw.random())
        for across, down in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            left, top = x + across * radius, y + down * radius
            pen.ellipse((left - radius, top - radius, left + radius, top + radius), second)
        pen.ellipse((x - radius * 0.6, y - radius * 0.6, x + radius * 0.6, y + radius * 0.6), leaf)


def _heather(draw: random.Random, first: Rgb, second: Rgb, image: Image.Image) -> None:
    side = 64
    grain = Image.frombytes(
        "L", (side, side), bytes(int(draw.random() * 90) for _ in range(side**2))
    )
    mask = grain.resize(image.size, Image.Resampling.BILINEAR)
    image.paste(shade(first, 1.5 if brightness(first) < 130 else 0.6), (0, 0), mask)


PATTERNS: Mapping[str, _Painter] = {
    "stripes": _stripes,
    "pinstripes": _pinstripes,
    "checks": _checks,
    "dots": _dots,
    "flowers": _flowers,
    "heather": _heather,
}
"""Name to what paints it over a picture of the first colour."""
