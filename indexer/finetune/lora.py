"""Low-rank adaptation: a large network stays as it is, and small matrices beside it learn.

After Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models".
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

RANK = 8
SCALE = 2.0
"""Of what the small matrices add; the authors' alpha divided by the rank."""


class LowRankLinear(nn.Module):  # type: ignore[misc]
    """A frozen linear map and a learned one of low rank beside it, which begins as zero."""

    def __init__(self, frozen: nn.Linear, *, rank: int = RANK) -> None:
        super().__init__()
        self.frozen = frozen.requires_grad_(False)
        self.down = nn.Parameter(frozen.weight.new_empty(rank, frozen.in_features))
        self.up = nn.Parameter(frozen.weight.new_zeros(frozen.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return what the frozen map gives and the small ones add."""
        low = nn.functional.linear(nn.functional.linear(values, self.down), self.up)
        result: torch.Tensor = self.frozen(values) + SCALE * low
        return result

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def merged(self) -> nn.Linear:
        """Return one linear map that does the same; the frozen one is not changed."""
        one = nn.Linear(
            self.frozen.in_features, self.frozen.out_features, self.frozen.bias is not None
        ).to(self.frozen.weight)
        one.weight.copy_(self.frozen.weight + SCALE * self.up @ self.down)
        if self.frozen.bias is not None:
            one.bias.copy_(self.frozen.bias)
        return one


def freeze_and_adapt(
    network: nn.Module, *, rank: int = RANK, chosen: Callable[[str], bool] = lambda name: True
) -> list[str]:
    """Freeze the network and put low-rank maps beside its linear ones; return their names.

    chosen: of a linear map's name, whether to adapt it. Raises ValueError when there is none.
    """
    network.requires_grad_(False)
    # MultiheadAttention reads the weights of its inner map itself, past any map beside it.
    closed = tuple(
        f"{name}."
        for name, one in network.named_modules()
        if isinstance(one, nn.MultiheadAttention)
    )
    adapted = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) and chosen(name) and not name.startswith(closed)
    ]
    if not adapted:
        raise ValueError("the network has no linear map to adapt")
    for name in adapted:
        _replace(network, name, LowRankLinear(network.get_submodule(name), rank=rank))
    return adapted


def merge(network: nn.Module) -> None:
    """Put what was learned into plain linear maps, so that the network is of its first kind."""
    found = [name for name, one in network.named_modules() if isinstance(one, LowRankLinear)]
    for name in found:
        _replace(network, name, network.get_submodule(name).merged())


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, module)
