"""A CLIP-like model as fine-tuning trains it: frozen, with low-rank maps in its photo tower."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from indexer.encoders.clip_folder import locate_clip, read_clip_folder
from indexer.encoders.clip_model import ClipModel, load_clip
from indexer.encoders.image_preparation import PhotoPreparation
from indexer.finetune.bases import Base
from indexer.finetune.lora import freeze_and_adapt, merge
from indexer.finetune.output import SPEC_FILE
from indexer.finetune.photo_model import Outputs, PhotoModel
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

_PHOTO_PARTS = ("vision", "visual")
"""In the names of what belongs to the photo tower, in CLIP, SigLIP and their like."""


class ClipPhotoModel(PhotoModel):
    """The photo tower of a CLIP-like model; its words stay as they are."""

    def __init__(self, clip: ClipModel, preparation: PhotoPreparation, *, dims: int) -> None:
        super().__init__(input_size=preparation.height, dims=dims, feature_width=dims)
        self.tower = clip.photo_tower
        factor = torch.tensor([255 * preparation.scale / std for std in preparation.std])
        shift = torch.tensor(
            [mean / std for mean, std in zip(preparation.mean, preparation.std, strict=True)]
        )
        self.register_buffer("factor", factor.view(3, 1, 1), persistent=False)
        self.register_buffer("shift", shift.view(3, 1, 1), persistent=False)

    def forward(self, photos: torch.Tensor) -> Outputs:
        """See PhotoModel; the features are the embeddings."""
        embeddings = self.tower(photos * self.factor - self.shift)
        return embeddings, embeddings


def clip_base(name: str, *, seed: int) -> Base:
    """Return a CLIP-like model to train, by path or hub name.

    Raises EncoderUnavailable when there is none, or its photos are prepared in a way that is not
    known.
    """
    clip = load_clip(locate_clip(name))
    plain = clip.preparation
    if plain is None or plain.width != plain.height:
        reason = clip.reason or "its photos are not square"
        raise EncoderUnavailable(f"base {name!r} cannot be fine-tuned: {reason}")
    torch.manual_seed(seed)
    model = ClipPhotoModel(clip, plain, dims=clip.folder.dims)
    freeze_and_adapt(model, chosen=_is_of_photos)
    return Base(
        name=clip.folder.name,
        model=model,
        # Without the scaling of values, which the network does by itself here.
        prepare=partial(
            _pixels,
            preparation=replace(plain, scale=1.0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
        ),
        words=clip.encode_words,
        words_revision=clip.folder.revision,
        save=_save_clip,
    )


def _is_of_photos(name: str) -> bool:
    return any(part in name for part in _PHOTO_PARTS)


def _pixels(image: Image.Image, *, preparation: PhotoPreparation) -> NDArray[np.uint8]:
    values = preparation([image])[0]  # [3, size, size]
    pixels: NDArray[np.uint8] = values.transpose(1, 2, 0).astype(np.uint8)
    return pixels


def _save_clip(model: nn.Module, folder: Path) -> EncoderSpec:
    """Write the model with what was learned merged into it, as sentence-transformers does."""
    merge(model)
    model.cpu().tower.model.save_pretrained(str(folder), safe_serialization=True)
    spec = read_clip_folder(folder.resolve().name, folder).spec("")
    (folder / SPEC_FILE).write_text(json.dumps(spec.to_meta(), indent=2) + "\n", "utf-8")
    return spec
