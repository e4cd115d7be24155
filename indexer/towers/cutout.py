"""Find the product in a person's photo, so that it can be put on the white of a catalogue.

A plain relative of GrabCut (Rother, Kolmogorov and Blake, 2004) without its graph cut: colours of
the border are background, colours of the middle are product until two mixtures of Gaussians say
otherwise, and the answer is smoothed. It fails on busy scenes; a shape that no
product has tells some of the failures.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

Mask = NDArray[np.float32]

_SIDE = 64
"""Side in pixels at which the colours are judged."""
_BORDER = 0.06
"""Share of the side that is taken for background at the beginning."""
_ROUNDS = 3
_COMPONENTS = 4
_SMOOTHING = 1.2
_PLACE_WEIGHT = 2.5
"""How much being in the middle counts, in nats, beside the colours."""
_LEAST_AREA, _MOST_AREA = 0.10, 0.80
_MOST_BORDER = 0.30
"""Share of the border that a product may touch; more is a mistake."""


@dataclass(frozen=True)
class Cutout:
    """mask: float32 [height, width], 1 where the product is. good: its shape is believable."""

    mask: Mask
    good: bool


def cut_out(pixels: NDArray[np.uint8], *, seed: int = 0) -> Cutout:
    """Return where the product is in a picture uint8 [height, width, 3]."""
    height, width = pixels.shape[:2]
    zoom = (_SIDE / height, _SIDE / width, 1)
    small = ndimage.zoom(
        ndimage.gaussian_filter(pixels.astype(np.float32), (1, 1, 0)), zoom, order=1
    )
    colours = _opponent(small).reshape(-1, 3)
    rows, columns = np.mgrid[0:_SIDE, 0:_SIDE] / (_SIDE - 1) * 2 - 1
    middle = 1 - np.maximum(np.abs(rows), np.abs(columns))  # 0 at the border, 1 in the middle
    place = _PLACE_WEIGHT * (np.clip(middle, 0, 0.5) * 2 - 0.5)
    border = middle < 2 * _BORDER
    product = middle > 0.45
    for round_number in range(_ROUNDS):
        background = border if round_number == 0 else ~product
        if product.sum() < 40 or background.sum() < 40:
            break
        odds = _likelihood(colours, product, seed) - _likelihood(colours, background, seed)
        odds = np.clip(odds.reshape(_SIDE, _SIDE), -6, 6) + place
        product = ndimage.gaussian_filter(odds, _SMOOTHING) > 0
        product = _largest(ndimage.binary_opening(product))
    product = ndimage.binary_fill_holes(product)
    area = float(product.mean())
    touching = float(product[middle < 2 / _SIDE].mean())
    good = _LEAST_AREA <= area <= _MOST_AREA and touching <= _MOST_BORDER
    soft = ndimage.gaussian_filter(product.astype(np.float32), 0.7)
    # Steeper, and a little inside, so that no rim of the background comes along.
    enlarged = ndimage.zoom(soft, (height / _SIDE, width / _SIDE), order=1)
    mask = np.clip(enlarged * 2.5 - 1.3, 0, 1)
    return Cutout(mask.astype(np.float32), good)


def _opponent(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return brightness and two colour differences, in which shadows differ by one number."""
    red, green, blue = np.moveaxis(pixels, -1, 0)
    brightness = (red + green + blue) / 3
    return np.stack([brightness * 0.6, red - green, (red + green) / 2 - blue], axis=-1)


def _likelihood(
    colours: NDArray[np.float32], chosen: NDArray[np.bool_], seed: int
) -> NDArray[np.float32]:
    samples = colours[chosen.ravel()]
    step = max(1, len(samples) // 600)
    mixture = GaussianMixture(
        _COMPONENTS,
        covariance_type="diag",
        reg_covar=20.0,
        max_iter=12,
        tol=1e-2,
        init_params="k-means++",
        random_state=seed,
    )
    with warnings.catch_warnings():
        # A few rounds are near enough.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(samples[::step])
    likelihood: NDArray[np.float32] = mixture.score_samples(colours)
    return likelihood


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the largest connected part, and others at least a third of its size (pairs)."""
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = ndimage.sum_labels(mask, parts, range(1, count + 1))
    return np.isin(parts, 1 + np.flatnonzero(sizes * 3 >= sizes.max()))
