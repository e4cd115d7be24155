"""The colours that shops name, and the arithmetic of shades."""

from __future__ import annotations

import random
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

Rgb: TypeAlias = tuple[int, int, int]

MANY_COLOURS = "multi"

COLOURS: Mapping[str, Rgb] = MappingProxyType(
    {
        "black": (28, 28, 30),
        "white": (244, 244, 243),
        "grey": (138, 139, 142),
        "charcoal": (66, 68, 72),
        "silver": (190, 193, 198),
        "steel": (160, 166, 172),
        "navy blue": (28, 38, 82),
        "blue": (38, 88, 190),
        "light blue": (146, 190, 228),
        "turquoise": (54, 190, 190),
        "teal": (16, 120, 122),
        "green": (40, 138, 66),
        "lime green": (150, 204, 50),
        "sea green": (52, 148, 110),
        "mint": (168, 218, 190),
        "olive": (106, 108, 48),
        "sage": (156, 170, 138),
        "forest green": (26, 74, 46),
        "yellow": (246, 212, 44),
        "mustard": (206, 156, 38),
        "gold": (204, 164, 76),
        "orange": (240, 124, 30),
        "rust": (174, 78, 34),
        "peach": (250, 194, 160),
        "coral": (248, 122, 100),
        "red": (204, 28, 38),
        "maroon": (112, 20, 34),
        "burgundy": (116, 20, 48),
        "magenta": (202, 30, 124),
        "pink": (242, 150, 184),
        "rose": (206, 92, 112),
        "mauve": (176, 136, 164),
        "lavender": (186, 168, 220),
        "purple": (108, 46, 140),
        "brown": (108, 66, 38),
        "coffee brown": (72, 46, 32),
        "tan": (188, 140, 94),
        "copper": (182, 108, 66),
        "bronze": (142, 108, 60),
        "khaki": (170, 154, 110),
        "beige": (218, 202, 172),
        "cream": (246, 236, 208),
        "nude": (228, 190, 166),
        "taupe": (138, 122, 108),
        "metallic": (150, 150, 158),
        # Drawn with several of the others: the value is what their mixture looks like.
        MANY_COLOURS: (160, 120, 120),
    }
)
"""Name to the colour of the cloth or the case in even light, 0 to 255."""

_VARIED = (
    *("red", "blue", "yellow", "green", "orange", "pink", "purple", "turquoise"),
    *("white", "navy blue", "magenta", "lime green"),
)


def shade(colour: Rgb, factor: float) -> Rgb:
    """Return the colour darker (factor below 1: black at 0) or lighter (above 1: white at 2)."""
    if factor <= 1:
        return _rgb(*(channel * factor for channel in colour))
    return mixed(colour, (255, 255, 255), factor - 1)


def mixed(first: Rgb, second: Rgb, share: float) -> Rgb:
    """Return a mixture that holds the share (0 to 1) of the second colour."""
    return _rgb(*(a + (b - a) * share for a, b in zip(first, second, strict=True)))


def brightness(colour: Rgb) -> float:
    """Return how light the colour looks, 0 to 255 (Rec. 601)."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def varied(draw: random.Random, colour: Rgb, *, by: float = 9.0) -> Rgb:
    """Return a colour of the same name, as another dye or lamp would show it."""
    lighter = (draw.random() - 0.5) * 2 * by
    return _rgb(*(channel + lighter + (draw.random() - 0.5) * by for channel in colour))


def several(draw: random.Random, count: int) -> list[Rgb]:
    """Return different strong colours, at most a dozen."""
    names = list(_VARIED)
    chosen = []
    for _ in range(min(count, len(names))):
        chosen.append(COLOURS[names.pop(int(draw.random() * len(names)))])
    return chosen


def _rgb(red: float, green: float, blue: float) -> Rgb:
    return _channel(red), _channel(green), _channel(blue)


def _channel(value: float) -> int:
    return max(0, min(255, round(value)))
