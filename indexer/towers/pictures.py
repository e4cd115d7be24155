"""Pictures to train a tower on, each with its cut-out and what it may be called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]

CUT, SCENE, PLACED = range(3)
"""The product is cut out; it stands in a scene, of which any part may be shown; or the picture is
what a shop would show already."""


@dataclass(frozen=True)
class Pictures:
    """n pictures of side S, squeezed into squares; every array has one row a picture.

    pixels: uint8 [n, S, S, 3]. masks: uint8 [n, S, S], 255 where the product is; all 255 when it
    was not found, or is the whole picture. boxes: float32 [n, 4], left, top, right, bottom of the
    mask as shares of the side. aspects: float32 [n], width / height before squeezing.
    kinds: bool [n, K], the kinds that it may be. colours: bool [n, C], likewise; none when no
    colour is known. worn: index of `figures.WORN` or -1. state: int64 [n], CUT, SCENE or PLACED.
    """

    pixels: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    boxes: Boxes
    aspects: NDArray[np.float32]
    kinds: NDArray[np.bool_]
    colours: NDArray[np.bool_]
    worn: NDArray[np.int64]
    state: NDArray[np.int64]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.pixels)

    def take(self, rows: NDArray[np.int64]) -> Pictures:
        """Return the pictures of these rows."""
        return Pictures(*(getattr(self, field.name)[rows] for field in fields(self)))


def join(parts: Sequence[Pictures]) -> Pictures:
    """Return all pictures of the parts, in order."""
    return Pictures(
        *(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Pictures))
    )


def mask_boxes(masks: NDArray[np.uint8]) -> Boxes:
    """Return the box around each mask, float32 [n, 4]; the whole picture for an empty one."""
    side = masks.shape[1]
    boxes = np.empty((len(masks), 4), dtype=np.float32)
    inside = masks > 127
    for axis, (first, last) in ((1, (0, 2)), (2, (1, 3))):
        # Over rows: which columns have some; over columns: which rows.
        lines: NDArray[np.bool_] = np.any(inside, axis=axis)
        empty = ~lines.any(axis=1)
        boxes[:, first] = np.where(empty, 0, lines.argmax(axis=1)) / side
        boxes[:, last] = np.where(empty, side, side - lines[:, ::-1].argmax(axis=1)) / side
    return boxes
