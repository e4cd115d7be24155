"""The colours of a picture by number: a soft histogram of what is not the white ground.

A network of few convolutions tells a type well and a colour badly, for it has to learn from some
thousand photos what a difference of colour is. CIE L*a*b* says it: near colours are near there.
Each pixel is shared between the bins next to its colour (trilinear), so that a small change of
light is a small change of the histogram. Bins are narrow where little colour is: black, charcoal,
grey and navy differ by a few units of a* and b*, red and pink by dozens.
"""

from __future__ import annotations

import torch
from torch import nn

_PIXELS = 24
"""Side of the smaller picture whose pixels are counted: single threads of cloth do not matter."""

_LIGHTS, _HUES = 8, 7
"""Bins of L*, and of each of a* and b*."""

_FAREST = 60.0
"""Of a* and b*; what is more colourful counts as this."""

_NEUTRAL = 8.0
"""Of a* and b*: below this the bins are even, above it they widen with the logarithm."""

_GROUND = 8.0
"""Difference of colours to white at which a pixel counts by about two thirds."""

_CENTRE = 0.22
"""Spread of the window around the middle, a share of the side: what is sold, not who wears it."""

_LEAST_PIXELS = 4.0
_TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
_D65 = (0.9505, 1.0, 1.089)
COLOUR_BINS = 2 * _LIGHTS * _HUES**2


class ColourPart(nn.Module):  # type: ignore[misc]
    """Pictures [n, 3, size, size] to learned features of their colours, [n, width], 0 or more."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self._step = max(1, size // _PIXELS)
        self.register_buffer("to_xyz", torch.tensor(_TO_XYZ) / torch.tensor(_D65)[:, None])
        self.register_buffer("window", _window(size // self._step))
        self.register_buffer("lights", torch.linspace(0.0, 100.0, _LIGHTS))
        farthest = torch.asinh(torch.tensor(_FAREST / _NEUTRAL)).item()
        self.register_buffer("hues", torch.linspace(-farthest, farthest, _HUES))
        self.norm = nn.BatchNorm1d(COLOUR_BINS)
        self.hidden = nn.Linear(COLOUR_BINS, width)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return features of pictures, -2 (black) to 0 (white)."""
        with torch.no_grad():
            counted = self.histogram(pictures)
        features: torch.Tensor = torch.relu(self.hidden(self.norm(counted)))
        return features

    def histogram(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return square roots of the shares, [n, COLOUR_BINS]: of the picture, of its middle."""
        small = nn.functional.avg_pool2d(pictures, self._step)
        lab = self._lab(small.flatten(2).transpose(1, 2) * 0.5 + 1.0)  # [n, pixels, 3]
        light, hue = lab[..., 0], torch.asinh(lab[..., 1:] / _NEUTRAL)
        away = (100.0 - light).square() + lab[..., 1:].square().sum(dim=2)
        matter = 1.0 - torch.exp(away / -(_GROUND**2))  # [n, pixels]
        lights = _shared(light, self.lights)
        reds, yellows = _shared(hue[..., 0], self.hues), _shared(hue[..., 1], self.hues)
        tints = (reds[..., :, None] * yellows[..., None, :]).flatten(2)  # [n, pixels, hues²]
        weights = torch.stack([matter, matter * self.window], dim=2)  # [n, pixels, 2]
        weighted = (weights[..., :, None] * lights[..., None, :]).flatten(2)
        shares = (weighted.transpose(1, 2) @ tints).unflatten(1, (2, _LIGHTS))
        total = weights.sum(dim=1)[..., None, None] + _LEAST_PIXELS
        return (shares / total).flatten(1).sqrt()

    def _lab(self, colours: torch.Tensor) -> torch.Tensor:
        """Return sRGB colours [..., 3] from 0 to 1 in CIE L*a*b* with the white of D65."""
        colours = colours.clamp(0.0, 1.0)
        linear = torch.where(
            colours > 0.04045, ((colours + 0.055) / 1.055) ** 2.4, colours / 12.92
        )
        xyz = linear @ self.to_xyz.T
        root = torch.where(xyz > 0.008856, xyz.clamp(min=1e-6) ** (1 / 3), 7.787 * xyz + 16 / 116)
        x, y, z = root.unbind(-1)
        return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=-1)


def _shared(values: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """Return how much of each value [...] is of each evenly spaced bin, [..., bins]; sums to 1."""
    within = values.clamp(centres[0], centres[-1])[..., None]
    step = centres[1] - centres[0]
    return (1.0 - (within - centres).abs() / step).clamp(min=0.0)


def _window(side: int) -> torch.Tensor:
    """Return the weights of the pixels [side²], 1 in the middle."""
    places = (torch.arange(side) + 0.5) / side - 0.5
    line = torch.exp(-((places / _CENTRE) ** 2) / 2)
    return (line[:, None] * line[None, :]).flatten()
