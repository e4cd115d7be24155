"""Convolutional networks that a tower can be built on, by name, with weights drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torchvision
from torch import nn


@dataclass(frozen=True)
class Backbone:
    """A network from pictures [n, 3, size, size] to feature maps [n, width, size/s, size/s].

    width: channels of the map. stride: s, by how much the map is smaller than the picture.
    """

    layers: nn.Module
    width: int
    stride: int


def build_backbone(name: str) -> Backbone:
    """Return a fresh backbone; nothing is downloaded.

    Raises ValueError naming the known ones when there is none of this name.
    """
    try:
        return BACKBONES[name]()
    except KeyError:
        known = ", ".join(sorted(BACKBONES))
        raise ValueError(f"backbone {name!r} is not known; there are {known}") from None


def _mobilenet_v3_small() -> Backbone:
    return Backbone(torchvision.models.mobilenet_v3_small(weights=None).features, 576, 32)


def _mobilenet_v3_large() -> Backbone:
    return Backbone(torchvision.models.mobilenet_v3_large(weights=None).features, 960, 32)


def _resnet18() -> Backbone:
    network = torchvision.models.resnet18(weights=None)
    layers = nn.Sequential(*list(network.children())[:-2])  # without pooling and classes
    return Backbone(layers, 512, 32)


class _Residual(nn.Module):  # type: ignore[misc]
    """Two 3 x 3 convolutions beside a shortcut; the first may halve the map."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = (
            nn.Identity()
            if (inputs, stride) == (outputs, 1)
            else nn.Sequential(
                nn.AvgPool2d(stride) if stride > 1 else nn.Identity(),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        inner = torch.relu(self.first_norm(self.first(maps)))
        return torch.relu(self.second_norm(self.second(inner)) + self.shortcut(maps))


def _slim_resnet(widths: tuple[int, ...]) -> Callable[[], Backbone]:
    """Return what makes a residual network of one block a stage: small, and quick on a CPU."""

    def build() -> Backbone:
        stem = widths[0]
        layers: list[nn.Module] = [
            nn.Conv2d(3, stem, 4, 4, bias=False),  # 4 x 4 patches: most of the time is saved here
            nn.BatchNorm2d(stem),
            nn.ReLU(),
            _Residual(stem, stem, 1),
        ]
        for inputs, outputs in zip(widths, widths[1:], strict=False):
            layers.append(_Residual(inputs, outputs, 2))
        return Backbone(nn.Sequential(*layers), widths[-1], 4 * 2 ** (len(widths) - 1))

    return build


BACKBONES: dict[str, Callable[[], Backbone]] = {
    "mobilenet_v3_small": _mobilenet_v3_small,
    "mobilenet_v3_large": _mobilenet_v3_large,
    "resnet18": _resnet18,
    "slim_resnet": _slim_resnet((48, 96, 192, 384)),
    "tiny": _slim_resnet((8, 16)),  # for tests
}
"""What makes each backbone. Those of torchvision have its layers' names in their state."""
