"""The layout part of a tower's embeddings: where things are, in directions texts leave free.

Catalogue photos are aligned, so where their edges run and where they are dark finds others of
their type, also of types that the tower has no words for. Vectors of product words use few of the
384 directions of MiniLM's space (192 hold 99.4 % of their variance); the others can hold the
layout, and a query of words hardly notices: its cosines with all photos shrink by one factor.

Edges are counted by direction in fields, as in histograms of oriented gradients (Dalal and
Triggs, 2005); darkness is a small grey picture. Nothing here is learned by gradients: the
directions and the principal components are computed once.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

DIRECTIONS = 4
_SHARPNESS = 4
"""Power of the cosine between an edge and a direction; higher counts fewer edges twice."""
_FINER = 2
"""The grey picture has this many times the fields a side."""
_SMALLEST = 1e-6


class LayoutPart(nn.Module):  # type: ignore[misc]
    """Pictures [n, 3, size, size] to unit vectors [n, dims] in `count` directions of the space.

    fields: a side, for counting edges; it and its double divide the pictures' size. Before
    `set_layout` it is of no use.
    """

    def __init__(self, fields: int, count: int, dims: int) -> None:
        super().__init__()
        self.fields = fields
        edges, greys = DIRECTIONS * fields**2, (_FINER * fields) ** 2
        self.register_buffer("gradients", _gradient_kernels())
        self.register_buffer("edge_mean", torch.zeros(edges))
        self.register_buffer("components", torch.eye(count, edges + greys))
        self.register_buffer("directions", torch.eye(count, dims))

    def described(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return edges and greys [n, DIRECTIONS * fields² + 4 * fields²], each of length 1."""
        grey = pictures.mean(dim=1, keepdim=True)
        edges = (self.edges(grey) - self.edge_mean).flatten(1)
        small = _fields(grey, _FINER * self.fields).flatten(1)
        small = small - small.mean(dim=1, keepdim=True)
        return torch.cat([_unit(edges), _unit(small)], dim=1)

    def edges(self, grey: torch.Tensor) -> torch.Tensor:
        """Return how much of an edge each field has by direction, [n, DIRECTIONS * fields²]."""
        both = nn.functional.conv2d(grey, self.gradients, padding=1)  # [n, DIRECTIONS + 2, ...]
        squared = both[:, DIRECTIONS:].square().sum(dim=1, keepdim=True) + _SMALLEST
        along = both[:, :DIRECTIONS].abs() ** _SHARPNESS / squared ** ((_SHARPNESS - 1) / 2)
        return _fields(along, self.fields).flatten(1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the layout of each picture, [n, dims], of length 1 (0 for an empty one)."""
        layout: torch.Tensor = _unit(self.described(pictures) @ self.components.T)
        return layout @ self.directions


def free_directions(text_vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return orthonormal rows [count, dims] along which the texts vary least.

    text_vectors: unit rows [n, dims]. They are not centred: the mean is a direction in use.
    """
    _, directions = np.linalg.eigh(text_vectors.T.astype(np.float64) @ text_vectors)
    return np.ascontiguousarray(directions[:, :count].T, dtype=np.float32)  # least first


def set_layout(
    layout: LayoutPart, pictures: torch.Tensor, text_vectors: NDArray[np.float32]
) -> None:
    """Compute a layout part from pictures [n, 3, size, size] and the texts' vectors."""
    count = len(layout.directions)
    with torch.no_grad():
        layout.edge_mean.copy_(layout.edges(pictures.mean(dim=1, keepdim=True)).mean(dim=0))
        described = layout.described(pictures).double()
        _, components = torch.linalg.eigh(described.T @ described)  # smallest first
        layout.components.copy_(components.flip(1)[:, :count].T)
        layout.directions.copy_(torch.from_numpy(free_directions(text_vectors, count)))


def _gradient_kernels() -> torch.Tensor:
    """Return kernels [DIRECTIONS + 2, 1, 3, 3]: along each direction, then across and down."""
    across = torch.tensor([[0.0, 0.0, 0.0], [-1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    angles = [math.pi * number / DIRECTIONS for number in range(DIRECTIONS)]
    along = [math.cos(angle) * across + math.sin(angle) * across.T for angle in angles]
    return torch.stack([*along, across, across.T])[:, None]


def _fields(maps: torch.Tensor, fields: int) -> torch.Tensor:
    """Return the mean of each of fields x fields parts of maps [n, channels, size, size]."""
    return nn.functional.avg_pool2d(maps, maps.shape[2] // fields)


def _unit(rows: torch.Tensor) -> torch.Tensor:
    return nn.functional.normalize(rows, dim=1)
