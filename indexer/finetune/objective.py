"""The training objective: which losses a batch has, and how they add up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional

from indexer.finetune.losses import image_image_loss, image_text_loss, label_loss

FIRST_TEMPERATURE = 0.07
LARGEST_SCALE = 100.0
"""1 / temperature; CLIP's limit, beyond which training becomes unstable."""

PHOTO_TEMPERATURE = 0.1

LOSSES = ("titles", "phrases", "photos", "kind", "colour")


@dataclass(frozen=True)
class LossWeights:
    """How much each loss counts; 0 leaves it out.

    titles, phrases: photo to text and back, for titles and for phrases of labels. photos: photos
    of one kind and colour near each other. kind, colour: heads that name a photo's labels.
    """

    titles: float = 1.0
    phrases: float = 1.0
    photos: float = 0.5
    kind: float = 0.3
    colour: float = 0.3


@dataclass(frozen=True)
class Candidates:
    """Texts of one bank for a batch: vectors [m, dims], which are right [n, m], which ask [m]."""

    vectors: torch.Tensor
    right: torch.Tensor
    asked: torch.Tensor


@dataclass(frozen=True)
class Batch:
    """What the losses of n photos need. photos: float32 [n, 3, side, side], 0 to 1.

    titles, phrases: None when the catalogue has none. kinds, colours: int64 [n].
    """

    photos: torch.Tensor
    titles: Candidates | None
    phrases: Candidates | None
    kinds: torch.Tensor
    colours: torch.Tensor


@dataclass(frozen=True)
class LossValues:
    """The weighted sum, and each loss by itself as it is before its weight."""

    total: torch.Tensor
    each: Mapping[str, torch.Tensor] = field(default_factory=dict)


class Objective(nn.Module):  # type: ignore[misc]
    """Learned temperatures and label heads; they are thrown away after training."""

    def __init__(
        self, *, feature_width: int, kinds: int, colours: int, weights: LossWeights
    ) -> None:
        super().__init__()
        first = math.log(1 / FIRST_TEMPERATURE)
        self.weights = weights
        self.title_scale = nn.Parameter(torch.tensor(first))
        self.phrase_scale = nn.Parameter(torch.tensor(first))
        self.kind_head = nn.Linear(feature_width, kinds) if kinds > 1 else None
        self.colour_head = nn.Linear(feature_width, colours) if colours > 1 else None

    def forward(
        self,
        model: nn.Module,
        batch: Batch,
        shortened: Callable[[], AbstractContextManager[object]],
    ) -> LossValues:
        """Return the losses of a batch, all in float32. model: see PhotoModel."""
        with shortened():
            features, embeddings = model(
                batch.photos.contiguous(memory_format=torch.channels_last)
            )
        features, photos = features.float(), functional.normalize(embeddings.float(), dim=1)
        each: dict[str, torch.Tensor] = {}
        for name, texts, log_scale in (
            ("titles", batch.titles, self.title_scale),
            ("phrases", batch.phrases, self.phrase_scale),
        ):
            if texts is not None and getattr(self.weights, name):
                each[name] = image_text_loss(
                    photos,
                    texts.vectors,
                    texts.right,
                    log_scale.clamp(max=math.log(LARGEST_SCALE)).exp(),
                    asked=texts.asked,
                )
        if self.weights.photos and self.kind_head is not None:
            each["photos"] = image_image_loss(
                photos, batch.kinds, batch.colours, 1 / PHOTO_TEMPERATURE
            )
        for name, head, labels in (
            ("kind", self.kind_head, batch.kinds),
            ("colour", self.colour_head, batch.colours),
        ):
            if head is not None and getattr(self.weights, name):
                each[name] = label_loss(head(features), labels)
        total = sum(
            (getattr(self.weights, name) * value for name, value in each.items()),
            start=features.new_zeros(()),
        )
        return LossValues(total, {name: value.detach() for name, value in each.items()})
