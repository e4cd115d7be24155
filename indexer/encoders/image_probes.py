"""Pictures on which encoders of photos are compared: drawn, so that there is nothing to ship."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

_SEED = 5


def probe_photos() -> list[Image.Image]:
    """Return pictures of different sizes, proportions and contents, 8-bit RGB, always the same."""
    numbers = np.random.default_rng(_SEED)
    return [
        _product((300, 400), (200, 30, 40)),
        _product((120, 90), (20, 60, 160)),
        _gradient((224, 224)),
        _gradient((640, 200)),
        Image.fromarray(numbers.integers(0, 256, (64, 48, 3), dtype=np.uint8)),
        Image.fromarray(np.kron(_mosaic(numbers), np.ones((40, 50, 1), dtype=np.uint8))),
        Image.new("RGB", (200, 200), "white"),
        Image.new("RGB", (1, 1), (10, 200, 90)),
        _product((1200, 1600), (240, 200, 20)),
        _product((90, 700), (30, 30, 30)),
    ]


def _product(size: tuple[int, int], colour: tuple[int, int, int]) -> Image.Image:
    """Draw a thing of one colour with a darker detail on white."""
    width, height = size
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width // 6, height // 5, 5 * width // 6, 7 * height // 8), fill=colour)
    darker = tuple(part // 2 for part in colour)
    draw.rectangle((width // 3, height // 3, width // 2, 2 * height // 3), fill=darker)
    return picture


def _gradient(size: tuple[int, int]) -> Image.Image:
    across = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (across, across.rotate(180), Image.new("L", size, 120)))


def _mosaic(numbers: np.random.Generator) -> np.ndarray:
    return numbers.integers(0, 256, (8, 6, 3), dtype=np.uint8)
