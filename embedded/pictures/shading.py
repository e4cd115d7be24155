"""Light on things: how a surface darkens and shines, laid over its colour."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from PIL import Image

from embedded.pictures.colours import Rgb

_TILE = 48
_Light = Callable[[float, float], float]
"""Where on the shape's box (0 to 1 across, 0 to 1 down) to how much lighter (up to 1) or darker
(down to -1) the surface is there."""


def _bump(value: float, at: float, width: float) -> float:
    return math.exp(-(((value - at) / width) ** 2))


LIGHTS: Mapping[str, _Light] = {
    "cloth": lambda x, y: 0.10 - 0.95 * abs(x - 0.46) ** 2 - 0.10 * y,
    "round": lambda x, y: 0.30 * _bump(x, 0.33, 0.22) - 1.5 * (x - 0.45) ** 2 - 0.04 * y,
    "gloss": lambda x, y: (
        0.62 * _bump(x, 0.26, 0.07) + 0.15 * _bump(x, 0.8, 0.08) - 1.3 * (x - 0.45) ** 2
    ),
    "ball": lambda x, y: (
        0.5 * _bump(math.hypot(x - 0.36, y - 0.3), 0, 0.25)
        - 0.75 * math.hypot(x - 0.45, y - 0.42) ** 2
    ),
    "down": lambda x, y: 0.16 - 0.36 * y,
    "metal": lambda x, y: (
        0.40 * _bump(x + 0.25 * y, 0.35, 0.10)
        + 0.20 * _bump(x + 0.25 * y, 0.9, 0.12)
        - 0.22 * _bump(x + 0.25 * y, 0.62, 0.12)
        - 0.10
    ),
    "screen": lambda x, y: 0.22 * (1 if x + 0.6 * y < 0.62 else 0) - 0.05,
    "side": lambda x, y: 0.14 - 0.34 * x - 0.12 * y,
    "leather": lambda x, y: 0.34 * _bump(y - 0.25 * x, 0.14, 0.14) - 0.55 * max(0.0, y - 0.35),
}
"""Name of a surface to its light; `flat` has none."""


def lit(layer: Image.Image, surface: str, *, shadow: Rgb) -> None:
    """Darken and lighten a layer (RGB) in place, as the surface does.

    shadow: what the colour becomes where no light falls: a dark shade of it, as black would make
    white look grey and yellow look brown.
    Raises KeyError for a name that is not in LIGHTS and not `flat`.
    """
    if surface == "flat":
        return
    darker, lighter = _tiles(surface)
    layer.paste(shadow, (0, 0), darker.resize(layer.size, Image.Resampling.BILINEAR))
    layer.paste((255, 255, 255), (0, 0), lighter.resize(layer.size, Image.Resampling.BILINEAR))


@lru_cache(maxsize=32)
def _tiles(surface: str) -> tuple[Image.Image, Image.Image]:
    light = LIGHTS[surface]
    places = [place / (_TILE - 1) for place in range(_TILE)]
    values = [light(x, y) for y in places for x in places]
    return (
        _tile(-value if value < 0 else 0 for value in values),
        _tile(value if value > 0 else 0 for value in values),
    )


def _tile(values: Iterable[float]) -> Image.Image:
    levels = bytes(min(255, round(value * 255)) for value in values)
    return Image.frombytes("L", (_TILE, _TILE), levels)
