"""A batch of training pictures as catalogues would show them, differently every time.

A product is cut out and laid on white, on a figure that wears it, or left where it was; moved,
scaled, stretched, turned and mirrored; then light, contrast and sharpness vary. Colours keep
their hue, since the tower has to name them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from indexer.towers.figures import WORN, Figure
from indexer.towers.pictures import CUT, PLACED, Pictures

_PLACED_SIZE = (0.85, 1.15)
"""Least and most size of a picture that was composed already."""


@dataclass(frozen=True)
class Augmentation:
    """Shares are 0 to 1.

    worn: of garments that are shown on a figure. scene: of cut-out pictures that keep what was
    around the product. tinted: of the others that get a background other than white.
    textured: of rendered pictures that get the light and dark of a real surface, so that smooth
    shading is not what they are known by. turn: most degrees of rotation. smallest, largest:
    longest side of the product as a share of the picture's. stretch: most widening of the
    product, and the inverse of the most narrowing.
    """

    worn: float = 0.55
    scene: float = 0.12
    tinted: float = 0.15
    turn: float = 10.0
    smallest: float = 0.55
    largest: float = 1.02
    stretch: float = 1.35
    light: float = 0.18
    contrast: float = 0.15
    noise: float = 0.02
    blurred: float = 0.1
    textured: float = 0.35


def augment(
    pictures: Pictures,
    figures: Mapping[str, Sequence[Figure]],
    size: int,
    options: Augmentation,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Return the pictures as a tower's input, float32 [n, 3, size, size], -2 to 0.

    figures: of each of WORN, of any side. The same generator state gives the same batch.
    """
    count = len(pictures)
    chance = rng.random((4, count))
    opaque = (pictures.state != CUT) | (chance[0] < options.scene)
    worn = ~opaque & (pictures.worn >= 0) & (chance[1] < options.worn)
    targets = _targets(pictures, opaque, options, rng)
    backdrop = _backdrops(count, size, (chance[2] < options.tinted) & ~worn, rng)
    for row in np.flatnonzero(worn):
        drawn = figures[WORN[pictures.worn[row]]]
        figure = drawn[int(rng.integers(len(drawn)))]
        targets[row] = figure.place
        layer = torch.from_numpy(figure.layer.copy()).permute(2, 0, 1)[None].float()
        layer = torch.nn.functional.interpolate(layer, (size, size), mode="area")[0] / 255
        backdrop[row] = backdrop[row] * (1 - layer[3]) + layer[:3] * layer[3]
    product = _placed(pictures, targets, opaque, size, options, rng)
    product = _textured(pictures, product, options, rng)
    composed = backdrop * (1 - product[:, 3:]) + product[:, :3] * product[:, 3:]
    return _photographed(composed, options, rng) * 2 - 2


def _targets(
    pictures: Pictures, opaque: NDArray[np.bool_], options: Augmentation, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return where in the new picture each box goes, [n, 4]."""
    count = len(pictures)
    left, top, right, bottom = pictures.boxes.T
    wide = (right - left) * pictures.aspects
    high = bottom - top
    stretched = wide / high * options.stretch ** rng.uniform(-1, 1, count)
    longest = rng.uniform(options.smallest, options.largest, count)
    # A scene fills the picture, or more than that.
    longest = np.where(opaque, rng.uniform(1.0, 1.5, count), longest)
    placed = pictures.state == PLACED
    longest = np.where(placed, rng.uniform(*_PLACED_SIZE, count), longest)
    wide, high = np.minimum(1, stretched) * longest, np.minimum(1, 1 / stretched) * longest
    free = np.maximum(0.06, 1 - np.stack([wide, high])) / 2
    x, y = 0.5 + free * rng.uniform(-0.7, 0.7, (2, count))
    return np.stack([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2], axis=1)


def _placed(
    pictures: Pictures,
    targets: NDArray[np.float64],
    opaque: NDArray[np.bool_],
    size: int,
    options: Augmentation,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Return colour and opacity [n, 4, size, size] of the products in their new places, 0 to 1."""
    count = len(pictures)
    sources = np.where((pictures.state != CUT)[:, None], [[0.0, 0.0, 1.0, 1.0]], pictures.boxes)
    source_size = (sources[:, 2:] - sources[:, :2]).astype(np.float64)
    target_size = targets[:, 2:] - targets[:, :2]
    angle = np.deg2rad(rng.uniform(-options.turn, options.turn, count)) * (rng.random(count) < 0.7)
    mirror = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    scale = source_size / target_size  # source shares a target share
    scale[:, 0] *= mirror
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(
        count, 2, 2
    )
    matrix = scale[:, :, None] * turn
    source_middle = sources[:, :2] + sources[:, 2:] - 1  # -1 to 1, as grid_sample counts
    target_middle = targets[:, :2] + targets[:, 2:] - 1
    shift = source_middle - (matrix @ target_middle[:, :, None])[:, :, 0]
    theta = torch.from_numpy(np.concatenate([matrix, shift[:, :, None]], axis=2)).float()
    masks = np.where(opaque[:, None, None], 255, pictures.masks).astype(np.uint8)
    layers = np.concatenate([pictures.pixels, masks[..., None]], axis=3)
    sampled = torch.from_numpy(layers).permute(0, 3, 1, 2).float() / 255
    grid = torch.nn.functional.affine_grid(theta, [count, 4, size, size], align_corners=False)
    opacity = torch.nn.functional.grid_sample(
        sampled[:, 3:], grid, padding_mode="zeros", align_corners=False
    )
    colour = torch.nn.functional.grid_sample(
        sampled[:, :3], grid, padding_mode="border", align_corners=False
    )
    return torch.cat([colour, opacity], dim=1)


def _textured(
    pictures: Pictures, product: torch.Tensor, options: Augmentation, rng: np.random.Generator
) -> torch.Tensor:
    """Give some rendered pictures the light and dark of others of the batch, white left white."""
    real = np.flatnonzero(pictures.state != PLACED)
    chosen = np.flatnonzero(
        (pictures.state == PLACED) & (rng.random(len(pictures)) < options.textured)
    )
    if not len(real) or not len(chosen):
        return product
    size = product.shape[2]
    donors = pictures.pixels[rng.choice(real, len(chosen))]
    start = donors.shape[1] // 4  # the middle, where the product is
    surface = (
        torch.from_numpy(donors[:, start:-start, start:-start].copy()).float().mean(dim=3) / 255
    )
    surface = torch.nn.functional.interpolate(surface[:, None], (size, size), mode="bilinear")
    surface = surface - surface.mean(dim=(2, 3), keepdim=True)
    strength = torch.from_numpy(rng.uniform(0.2, 0.9, (len(chosen), 1, 1, 1))).float()
    rows = torch.from_numpy(chosen)
    colour = product[rows, :3]
    shown = (colour.amin(dim=1, keepdim=True) < 0.94).float()
    changed = (colour * (1 + strength * surface * shown)).clamp(0, 1)
    result = product.clone()
    result[rows, :3] = changed
    return result


def _backdrops(
    count: int, size: int, tinted: NDArray[np.bool_], rng: np.random.Generator
) -> torch.Tensor:
    """Return backgrounds [n, 3, size, size]: white, or a light colour with a slope of light."""
    colour = 1 - rng.random((count, 3, 1, 1)) * rng.choice([0.06, 0.15, 0.5], (count, 1, 1, 1))
    slope = rng.uniform(-0.08, 0.08, (count, 1, 1, 1)) * np.linspace(-1, 1, size)[:, None]
    shades = np.where(tinted[:, None, None, None], np.clip(colour + slope, 0, 1), 1.0)
    wide = np.broadcast_to(shades, (count, 3, size, size)) if shades.shape[3] == 1 else shades
    return (
        torch.from_numpy(np.ascontiguousarray(wide)).float().expand(count, 3, size, size).clone()
    )


def _photographed(
    composed: torch.Tensor, options: Augmentation, rng: np.random.Generator
) -> torch.Tensor:
    """Vary light, contrast, sharpness and grain; white stays nearly white."""
    count = len(composed)
    shape = (count, 1, 1, 1)

    def factor(most: float) -> torch.Tensor:
        return torch.from_numpy(1 + rng.uniform(-most, most, shape)).float()

    soft = torch.nn.functional.avg_pool2d(composed, 3, 1, 1, count_include_pad=False)
    blurred = torch.from_numpy(rng.random(shape) < options.blurred)
    composed = torch.where(blurred, soft, composed)
    # Light as an exponent leaves white white and black black, as cameras do.
    composed = composed.clamp(1e-3, 1) ** factor(options.light)
    composed = (composed - 1) * factor(options.contrast) + 1
    grain = torch.from_numpy(rng.normal(0, options.noise, composed.shape).astype(np.float32))
    return (composed + grain * torch.from_numpy(rng.random(shape) < 0.3)).clamp(0, 1)
