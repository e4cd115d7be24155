"""Pictures to the numbers that an image tower reads: the same code for training and serving."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Inputs = NDArray[np.float32]

WHITE = (255, 255, 255)
REDUCING_GAP = 3.0
"""Large pictures are first shrunk by whole steps to this many times the size, which is quicker."""


def preprocess(images: Sequence[Image.Image], size: int) -> Inputs:
    """Return the pictures as a tower's input, float32 [len(images), 3, size, size].

    images: 8-bit RGB of any size from 1 x 1 pixel, upright. size: side in pixels.
    Values are `normalise`'s. No pictures give an array of shape [0, 3, size, size].
    """
    if not images:
        return np.zeros((0, 3, size, size), dtype=np.float32)
    return normalise(np.stack([fit(image, size) for image in images]))


def fit(image: Image.Image, size: int) -> Pixels:
    """Return one picture shrunk or enlarged into a white square, uint8 [size, size, 3].

    The picture keeps its proportions and stands in the middle; white because that is what shops
    photograph on.
    """
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    image = image if image.mode == "RGB" else image.convert("RGB")
    shrunk = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=REDUCING_GAP)
    if (width, height) == (size, size):
        return np.asarray(shrunk)
    square = Image.new("RGB", (size, size), WHITE)
    square.paste(shrunk, ((size - width) // 2, (size - height) // 2))
    return np.asarray(square)


def normalise(pixels: Pixels) -> Inputs:
    """Return pixels uint8 [n, height, width, 3] as float32 [n, 3, height, width], -2 to 0.

    White is 0, so that the zeros with which convolutions pad a picture are white too.
    """
    scaled = pixels.transpose(0, 3, 1, 2).astype(np.float32)
    scaled *= 2.0 / 255.0
    scaled -= 2.0
    return np.ascontiguousarray(scaled)
