"""An encoder of photos as fine-tuning trains it, and the image tower as one."""

from __future__ import annotations

import torch
from torch import nn

from indexer.towers.tower import ImageTower

Outputs = tuple[torch.Tensor, torch.Tensor]

FEATURE_DROPOUT = 0.3
"""Of a tower's features, in a step. A few thousand photos are learned by heart else: on fashion
photos held out it gave 0.02 more of colour, and of colour and kind together."""


class PhotoModel(nn.Module):  # type: ignore[misc]
    """A network from photos to features and embeddings.

    input_size: side of the photos in pixels. dims: length of an embedding.
    feature_width: length of the features that the label heads read.
    """

    def __init__(self, *, input_size: int, dims: int, feature_width: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.dims = dims
        self.feature_width = feature_width

    def forward(self, photos: torch.Tensor) -> Outputs:
        """Return features [n, feature_width] and embeddings [n, dims], of any length.

        photos: float32 [n, 3, input_size, input_size], 0 (black) to 1 (white).
        """
        raise NotImplementedError


class TowerModel(PhotoModel):
    """An image tower; what of it is frozen (buffers) stays as it is."""

    def __init__(self, tower: ImageTower) -> None:
        config = tower.config
        super().__init__(
            input_size=config.input_size, dims=config.dims, feature_width=tower.feature_width
        )
        self.tower = tower
        self.dropout = nn.Dropout(FEATURE_DROPOUT)

    def forward(self, photos: torch.Tensor) -> Outputs:
        """See PhotoModel."""
        pictures = photos * 2.0 - 2.0  # as `indexer.towers.preprocessing.normalise` has them
        features = self.dropout(self.tower.features(pictures))
        return features, self.tower.embed(features, pictures)
