"""Photos varied as a photographer would vary them; colours stay, as words name them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Augmentation:
    """How far a photo may be changed.

    smallest, largest: scale of what is seen; under 1 enlarges the middle. shift: share of a
    side. degrees: turn to either way. flip: chance of a mirror image. light: how far brightness
    and contrast may be off 1. erased: chance that a rectangle is covered, at most `erased_share`
    of each side.
    """

    smallest: float = 0.75
    largest: float = 1.1
    shift: float = 0.06
    degrees: float = 6.0
    flip: float = 0.5
    light: float = 0.06
    erased: float = 0.25
    erased_share: float = 0.35

    def apply(self, photos: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return varied photos, float32 [n, 3, side, side] from 0 (black) to 1 (white).

        photos: float32 of the same shape, on any device; what moves into sight is white.
        generator: of the CPU, so that every device sees the same variants.
        """
        grid = functional.affine_grid(
            self._views(len(photos), generator).to(photos.device),
            list(photos.shape),
            align_corners=False,
        )
        # Zeros move into sight, so that darkness is what is moved: white is 0.
        dark = functional.grid_sample(1.0 - photos, grid, mode="bilinear", align_corners=False)
        seen = 1.0 - dark
        light, contrast = self._factors(len(photos), generator).to(photos.device)
        mean = seen.mean(dim=(1, 2, 3), keepdim=True)
        seen = ((seen - mean) * contrast + mean) * light
        return self._cover(seen, generator).clamp_(0.0, 1.0)

    def _views(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Return affine maps [n, 2, 3] from places of the result to places of the photo."""
        spread = torch.rand((5, count), generator=generator)
        scale = self.smallest + (self.largest - self.smallest) * spread[0]
        angle = math.radians(self.degrees) * (2 * spread[1] - 1)
        mirror = torch.where(spread[2] < self.flip, -1.0, 1.0)
        cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
        shifts = 2 * self.shift * (2 * spread[3:] - 1)  # a side is 2 long
        rows = [cosine * mirror, -sine, shifts[0], sine * mirror, cosine, shifts[1]]
        return torch.stack(rows, dim=1).view(count, 2, 3)

    def _factors(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Return brightness and contrast, float32 [2, n, 1, 1, 1]."""
        spread = 2 * torch.rand((2, count, 1, 1, 1), generator=generator) - 1
        return 1 + self.light * spread

    def _cover(self, photos: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Cover a rectangle of some photos with grey."""
        side = photos.shape[-1]
        spread = torch.rand((5, len(photos)), generator=generator)
        sizes = self.erased_share * spread[1:3] * (spread[0] < self.erased)
        starts = spread[3:5] * (1 - sizes)
        places = (torch.arange(side) + 0.5) / side
        begin, end = starts[..., None], (starts + sizes)[..., None]
        inside = (places >= begin) & (places < end)  # [2, n, side]
        covered = inside[0][:, None, :, None] & inside[1][:, None, None, :]
        return photos.masked_fill(covered.to(photos.device), 0.5)
