"""Which of the named colours a photographed product may have, judged by its pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_TOLERANCE = 11.0
"""Difference of colours (CIE 1976) that the light of a room may make."""
_PATTERNED = 0.45
"""A product with less of its pixels near one colour has no single colour."""
_SAMPLES = 400


def possible_colours(
    pixels: NDArray[np.uint8], masks: NDArray[np.uint8], table: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Return the colours that each product may be called, bool [n, C].

    pixels: uint8 [n, S, S, 3]. masks: uint8 [n, S, S]. table: uint8 [C, 3], red, green, blue.
    The row is all False where no colour prevails.
    """
    names = _lab(table)
    found = np.zeros((len(pixels), len(table)), dtype=bool)
    for row, (picture, mask) in enumerate(zip(pixels, masks, strict=True)):
        inside = picture[mask > 200]
        if not len(inside):
            continue
        lab = _lab(inside[:: max(1, len(inside) // _SAMPLES)])
        middle = np.median(lab, axis=0)
        if np.mean(np.linalg.norm(lab - middle, axis=1) < 2 * _TOLERANCE) < _PATTERNED:
            continue
        distances = np.linalg.norm((names - middle) * (0.7, 1, 1), axis=1)  # light varies most
        found[row] = distances < distances.min() + _TOLERANCE
    return found


def _lab(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return sRGB colours [n, 3] in CIE L*a*b* with the white of D65."""
    linear = colours / 255.0
    linear = np.where(linear > 0.04045, ((linear + 0.055) / 1.055) ** 2.4, linear / 12.92)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = linear @ to_xyz.T / (0.9505, 1.0, 1.089)
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = root.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
