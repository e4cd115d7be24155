"""An encoder of photos without a model: which colours there are, and where.

For tests, and for a first run without any model. Equal photos are equal, photos of like
colours in like places are near each other; it knows no shapes and no things. The names of the
colours are encoded as the hashing text encoder does words, so that "red" finds red photos.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.encoders import hashing
from indexer.encoders.base import Embeddings, ImageEncoder, LoadOptions, TextEncoder, unit_rows
from mappings.encoder_spec import EncoderSpec

NAME = "hashing-image"
DIMS = hashing.DIMS
REVISION = "1"
"""Raised by any change that gives another vector, since indexes keep it."""

GRID = 4
"""Cells a side, each with its mean colour."""

COLOUR_SIDE = 16
"""Pixels a side of the picture whose pixels are given names."""

COLOURS = {
    "black": (20, 20, 20),
    "white": (245, 245, 245),
    "grey": (128, 128, 128),
    "red": (210, 30, 35),
    "orange": (245, 140, 20),
    "yellow": (250, 220, 40),
    "green": (40, 150, 60),
    "turquoise": (50, 190, 190),
    "blue": (35, 80, 200),
    "purple": (120, 50, 150),
    "pink": (245, 130, 180),
    "brown": (115, 70, 40),
    "beige": (225, 205, 165),
}
"""Names that photos have words for, as 8-bit RGB."""

NAMES_SHARE = 0.5
"""Squared length of the colour names; the rest is the layout."""

_BACKGROUND = "white"
"""Catalogue photos are mostly this; as a name it counts only where there is no other."""


class HashingImageEncoder:
    """Deterministic on every platform. See ImageEncoder."""

    def __init__(self) -> None:
        self._spec = EncoderSpec(
            name=NAME, revision=REVISION, dims=DIMS, template="", text_space=hashing.REVISION
        )

    @property
    def spec(self) -> EncoderSpec:
        """Return the identity."""
        return self._spec

    def encode_images(self, images: Sequence[Image.Image]) -> Embeddings:
        """Return one unit vector a photo, float32 [len(images), dims]."""
        rows = [_encode(image) for image in images]
        return np.array(rows, dtype=np.float32).reshape(len(images), DIMS)


def _encode(image: Image.Image) -> Embeddings:
    names = unit_rows((_colour_shares(image) @ _colour_vectors())[None])[0]
    layout = unit_rows((_cells(image) @ _projection())[None])[0]
    mixed = NAMES_SHARE**0.5 * names + (1 - NAMES_SHARE) ** 0.5 * layout
    vector: Embeddings = unit_rows(mixed[None])[0]
    return vector


def _colour_shares(image: Image.Image) -> NDArray[np.float64]:
    """Return the share of each of COLOURS, [colours], sum 1, the background left out."""
    pixels = _shrunk(image, COLOUR_SIDE).reshape(-1, 1, 3)
    palette = np.array(list(COLOURS.values()), dtype=np.float64)
    nearest = np.argmin(((pixels - palette) ** 2).sum(axis=2), axis=1)
    counts = np.bincount(nearest, minlength=len(COLOURS)).astype(np.float64)
    background = list(COLOURS).index(_BACKGROUND)
    if counts[background] < counts.sum():
        counts[background] = 0.0
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


def _cells(image: Image.Image) -> NDArray[np.float64]:
    """Return the mean colours of GRID x GRID cells around 0, and a constant, [features]."""
    cells = _shrunk(image, GRID).reshape(-1) / 127.5 - 1.0
    return np.append(cells, 1.0)  # so that mid-grey has a direction


def _shrunk(image: Image.Image, side: int) -> NDArray[np.float64]:
    """Return mean colours [side, side, 3], 0 to 255."""
    return np.asarray(image.resize((side, side), Image.Resampling.BOX), dtype=np.float64)


@cache
def _colour_vectors() -> NDArray[np.float64]:
    """Return the vector of each colour's name, [colours, dims]."""
    return hashing.HashingEncoder().encode(list(COLOURS)).astype(np.float64)


@cache
def _projection() -> NDArray[np.float64]:
    """Return random signs [features, dims], the same everywhere: from a hash, not a generator."""
    features = GRID * GRID * 3 + 1
    stream = hashlib.shake_256(f"{NAME} {REVISION}".encode()).digest(features * DIMS // 8)
    bits = np.unpackbits(np.frombuffer(stream, dtype=np.uint8)).astype(np.float64)
    return (bits * 2.0 - 1.0).reshape(features, DIMS)


class HashingImageFamily:
    """The registry's line for the hashing encoder of photos. See ImageEncoderFamily."""

    what = "Colours and where they are, hashed; no model, no shapes"
    licence = "Apache-2.0"
    needs = "nothing"

    def spec(self, name: str, *, model_directory: Path) -> EncoderSpec:
        """Return the identity."""
        return HashingImageEncoder().spec

    def load_image_encoder(self, name: str, *, options: LoadOptions) -> ImageEncoder:
        """Return the encoder; it has no options."""
        return HashingImageEncoder()

    def load_query_image_encoder(
        self, name: str, *, model_directory: Path, threads: int
    ) -> ImageEncoder:
        """Return the same encoder as the worker's."""
        return HashingImageEncoder()

    def load_words_encoder(
        self, name: str, *, model_directory: Path, threads: int
    ) -> TextEncoder | None:
        """Return None: the hashing text encoder's vectors are in the same space."""
        return None

    def export(self, name: str, *, model_directory: Path) -> Path:
        """Write nothing: there is no model. Returns the model directory."""
        return model_directory


FAMILY = HashingImageFamily()
