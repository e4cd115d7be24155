"""A CLIP-like model in torch: its two towers, and how photos and words reach them.

Photos are prepared by our own code wherever that gives the model's own vectors, since the
service has to prepare them without torch and transformers, and worker and service must agree.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sentence_transformers import SentenceTransformer

from indexer.encoders.base import Embeddings, unit_rows
from indexer.encoders.clip_open_clip import read_open_clip, write_transformers_folder
from indexer.encoders.image_onnx import Prepare
from indexer.encoders.image_preparation import PhotoPreparation, preparation_of
from indexer.encoders.image_probes import probe_photos
from indexer.encoders.model_folder import ModelFolder
from indexer.encoders.precision import SMALLEST_COSINE
from indexer.encoders.sentence_transformer import load_model, without_progress_bars
from mappings.errors import EncoderUnavailable

PIXELS = "pixel_values"
_PADDED_TO_THE_END = ("siglip", "siglip2")
"""Model types whose words were always filled up in training; they read the last place."""

_UNLIMITED_TOKENS = 512


class PhotoTower(torch.nn.Module):  # type: ignore[misc]
    """The photos' side as a function of tensors only."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return embeddings [photos, dims] of prepared photos [photos, 3, height, width]."""
        output: torch.Tensor = self.model({PIXELS: pixels, "modality": "image"})[
            "sentence_embedding"
        ]
        return output


@dataclass(frozen=True)
class ClipModel:
    """A loaded model, on the CPU and in float32.

    folder: its identity. model: of sentence-transformers. prepare: photos to the tower's input.
    preparation: the same as data, for the export; else `reason` says why there is none.
    """

    folder: ModelFolder
    model: SentenceTransformer
    prepare: Prepare
    preparation: PhotoPreparation | None
    reason: str

    @property
    def photo_tower(self) -> PhotoTower:
        """Return the photos' side."""
        tower: PhotoTower = PhotoTower(self.model).eval()
        return tower

    @property
    def max_tokens(self) -> int:
        """Return the longest text, special tokens counted."""
        return int(min(self.model.max_seq_length or _UNLIMITED_TOKENS, _UNLIMITED_TOKENS))

    @property
    def pad_to(self) -> int:
        """Return the number of tokens that every text is filled up to; 0 for none."""
        kind = getattr(self.model[0].config, "model_type", "")
        return self.max_tokens if kind in _PADDED_TO_THE_END else 0

    def tokenize(self, texts: Sequence[str]) -> dict[str, Any]:
        """Return the words' features, as the model was trained to read them."""
        text: dict[str, Any] = {"truncation": True, "max_length": self.max_tokens}
        text["padding"] = "max_length" if self.pad_to else True
        features: dict[str, Any] = self.model.preprocess(
            list(texts), processing_kwargs={"text": text}
        )
        return features

    def encode_words(self, texts: Sequence[str]) -> Embeddings:
        """Return one unit vector a text, float32 [texts, dims]."""
        with torch.inference_mode():
            output = self.model(dict(self.tokenize(texts)))["sentence_embedding"]
        return unit_rows(output.float().numpy())

    def encode_photos(self, images: Sequence[Image.Image]) -> Embeddings:
        """Return one unit vector a photo, float32 [photos, dims]."""
        with torch.inference_mode():
            output = self.photo_tower(torch.from_numpy(self.prepare(images)))
        return unit_rows(output.float().numpy())


def load_clip(folder: ModelFolder) -> ClipModel:
    """Load the model, and find out whether our preparation gives its own vectors.

    Raises EncoderUnavailable when it cannot be loaded, takes no photos, or takes them in a form
    other than pixel values.
    """
    model = _load(folder)
    own = _OwnPreparation(folder, model)
    told = preparation_of(own.settings())
    if isinstance(told, str):
        return ClipModel(folder, model, own, None, told)
    agreement = _agreement(model, own, told)
    if not agreement >= SMALLEST_COSINE:  # written so that NaN is refused
        reason = f"its photos are prepared in a way of their own (smallest cosine {agreement:.5f})"
        return ClipModel(folder, model, own, None, reason)
    return ClipModel(folder, model, told, told, "")


def _load(folder: ModelFolder) -> SentenceTransformer:
    """Load the model; one of open_clip by way of a temporary folder of transformers."""
    found = read_open_clip(folder.path)
    if found is None:
        return load_model(folder, "cpu")
    with TemporaryDirectory(prefix="shelfwise-clip-") as temporary:
        converted = Path(temporary)
        with without_progress_bars():
            write_transformers_folder(found, folder.path, converted)
        return load_model(replace(folder, path=converted), "cpu")


class _OwnPreparation:
    """The model's own preparation of photos."""

    def __init__(self, folder: ModelFolder, model: SentenceTransformer) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._folder = folder
        features = self._features([Image.new("RGB", (8, 8))])
        others = sorted(
            name
            for name, value in features.items()
            if isinstance(value, torch.Tensor) and name != PIXELS
        )
        if PIXELS not in features or others:
            raise EncoderUnavailable(
                f"encoder {folder.name!r} takes photos as {', '.join([*others]) or 'nothing'}; "
                f"only models of {PIXELS} alone can be used"
            )

    def __call__(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        pixels: NDArray[np.float32] = self._features(images)[PIXELS].float().numpy()
        return pixels

    def settings(self) -> dict[str, Any]:
        """Return the settings of the transformers image processor; empty when it has none."""
        processor = getattr(self._model[0], "processor", None)
        of_images = getattr(processor, "image_processor", processor)
        to_dict = getattr(of_images, "to_dict", dict)
        return dict(to_dict())

    def _features(self, images: Sequence[Image.Image]) -> Mapping[str, Any]:
        try:
            with self._lock:
                features: Mapping[str, Any] = self._model.preprocess(list(images))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise EncoderUnavailable(
                f"encoder {self._folder.name!r} takes no photos: {error}"
            ) from error
        return features


def _agreement(model: SentenceTransformer, own: Prepare, ours: Prepare) -> float:
    """Return the smallest cosine between the vectors of drawn pictures, prepared both ways."""
    tower, photos = PhotoTower(model).eval(), probe_photos()
    vectors = []
    for prepare in (own, ours):
        pixels = torch.from_numpy(prepare(photos))
        with torch.inference_mode():
            vectors.append(unit_rows(tower(pixels).float().numpy()))
    return float(np.min(np.sum(vectors[0] * vectors[1], axis=1)))
