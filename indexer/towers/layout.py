"""The layout part of a tower's embeddings: a small grey picture, in directions texts leave free.

Catalogue photos are aligned, so a 16 x 16 grey picture of one finds others of its type. Vectors of
product words use few of the 384 directions of MiniLM's space (192 hold 99.4 % of their variance);
the others can hold that small picture, and a query of words hardly notices: its cosines with all
photos shrink by the same factor.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from indexer.towers.tower import ImageTower


def free_directions(text_vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return orthonormal rows [count, dims] along which the texts vary least.

    text_vectors: unit rows [n, dims]. They are not centred: the mean is a direction in use.
    """
    _, directions = np.linalg.eigh(text_vectors.T.astype(np.float64) @ text_vectors)
    return np.ascontiguousarray(directions[:, :count].T, dtype=np.float32)  # least first


def layout_map(pictures: torch.Tensor, side: int, count: int) -> torch.Tensor:
    """Return the linear map [count, 3 * side * side] from a small picture to its layout.

    It takes the grey of each pixel, less the picture's mean, and keeps the `count` principal
    components of the pictures [n, 3, size, size]; their cosines are nearly those of the greys.
    """
    small = torch.nn.functional.adaptive_avg_pool2d(pictures, side)
    greys = small.mean(dim=1).flatten(1).double()
    greys = greys - greys.mean(dim=1, keepdim=True)
    _, components = torch.linalg.eigh(greys.T @ greys)
    components = components.flip(1)[:, :count].T  # [count, side²], largest first
    components = components - components.mean(dim=1, keepdim=True)
    return (components / 3).repeat(1, 3).float()


def set_layout(
    tower: ImageTower, pictures: torch.Tensor, text_vectors: NDArray[np.float32]
) -> None:
    """Fill in a tower's layout part from pictures [n, 3, size, size] and the texts' vectors."""
    config = tower.config
    directions = free_directions(text_vectors, config.layout_dims)
    weights = layout_map(pictures, config.layout_size, config.layout_dims)
    with torch.no_grad():
        tower.layout.weight.copy_(weights)
        tower.layout.bias.zero_()
        tower.layout_directions.copy_(torch.from_numpy(directions))
