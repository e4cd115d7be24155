"""A torchvision backbone and a linear projection, in torch: built, saved, loaded.

    make_torchvision_encoder(folder, photos=..., text_vectors=..., text_space=...)

makes a folder that the registry of image encoders takes by path.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from indexer.encoders.torchvision_folder import (
    CONFIG_FILE,
    PARAMETERS_FILE,
    TorchvisionConfig,
    preparation,
)
from indexer.encoders.torchvision_projection import RIDGE, Projection, fit_projection
from mappings.errors import EncoderUnavailable

FEATURE_BATCH = 32


class Backbone(torch.nn.Module):  # type: ignore[misc]
    """A classifier of torchvision without its last layer. width: length of its features."""

    def __init__(self, name: str) -> None:
        super().__init__()
        known = torchvision.models.list_models(module=torchvision.models)
        if name not in known:
            raise EncoderUnavailable(
                f"backbone: {name!r} is no classifier of torchvision; there are {', '.join(known)}"
            )
        self.model = torchvision.models.get_model(name, weights=None)
        linear = [
            (path, module)
            for path, module in self.model.named_modules()
            if isinstance(module, torch.nn.Linear)
        ]
        if not linear:
            raise EncoderUnavailable(f"backbone: {name!r} does not end in a linear layer")
        path, last = linear[-1]
        self.head, self.width = path, int(last.in_features)
        self.model.set_submodule(path, torch.nn.Identity())

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return features [photos, width] of prepared photos [photos, 3, side, side]."""
        features: torch.Tensor = self.model(pixels)
        return features


class TorchvisionTower(torch.nn.Module):  # type: ignore[misc]
    """A backbone and a projection: prepared photos to embeddings of any length."""

    def __init__(self, config: TorchvisionConfig) -> None:
        super().__init__()
        self.backbone = Backbone(config.backbone)
        self.projection = torch.nn.Linear(self.backbone.width, config.dims)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return embeddings [photos, dims] of prepared photos [photos, 3, side, side]."""
        embedding: torch.Tensor = self.projection(self.backbone(pixels))
        return embedding


def load_backbone(name: str, *, weights: str | Path | None, download: bool = False) -> Backbone:
    """Return a backbone in evaluation mode.

    weights: a file of parameters (.safetensors, or a .pth of tensors alone), the name of weights
    of torchvision such as "IMAGENET1K_V1" or "DEFAULT", or None for random ones.
    download: whether weights of torchvision may be fetched; else they must be in torch's cache.
    Raises EncoderUnavailable when they are not there or do not fit.
    """
    backbone = Backbone(name)
    if weights is not None:
        path = Path(weights)
        file = path if path.is_file() else _published(name, str(weights), download=download)
        parameters = _read_parameters(file)
        of_head = tuple(f"{backbone.head}.{part}" for part in ("weight", "bias"))
        kept = {key: value for key, value in parameters.items() if key not in of_head}
        try:
            backbone.model.load_state_dict(kept)
        except RuntimeError as error:
            raise EncoderUnavailable(
                f"weights: {str(file)!r} are not of {name!r}: {str(error)[:300]}"
            ) from error
    backbone.eval()
    return backbone


def photo_features(
    backbone: Backbone, photos: Sequence[Image.Image], *, input_size: int
) -> NDArray[np.float32]:
    """Return the backbone's features of photos, float32 [photos, width]."""
    prepare = preparation(input_size)
    features = np.empty((len(photos), backbone.width), dtype=np.float32)
    for start in range(0, len(photos), FEATURE_BATCH):
        rows = slice(start, start + FEATURE_BATCH)
        with torch.inference_mode():
            features[rows] = backbone(torch.from_numpy(prepare(photos[rows]))).numpy()
    return features


def make_torchvision_encoder(
    folder: Path,
    *,
    photos: Sequence[Image.Image],
    text_vectors: NDArray[np.floating],
    text_space: str,
    backbone: str = "mobilenet_v3_small",
    weights: str | Path | None = "DEFAULT",
    input_size: int = 224,
    ridge: float = RIDGE,
    download: bool = False,
) -> TorchvisionConfig:
    """Learn a projection from photos and the vectors of their texts, and write the folder.

    text_vectors: [photos, dims], of the text encoder whose revision is `text_space`. The folder
    appears in one step and replaces none. Errors as load_backbone and fit_projection;
    FileExistsError when there is such a folder.
    """
    if folder.exists():
        raise FileExistsError(f"there is {str(folder)!r} already")
    loaded = load_backbone(backbone, weights=weights, download=download)
    features = photo_features(loaded, photos, input_size=input_size)
    projection = fit_projection(features, text_vectors, ridge=ridge)
    config = TorchvisionConfig(backbone, int(text_vectors.shape[1]), text_space, input_size)
    _write(folder, config, loaded, projection)
    return config


def load_torchvision(folder: Path, config: TorchvisionConfig) -> TorchvisionTower:
    """Return the tower of a folder, on the CPU, in evaluation mode.

    Raises EncoderUnavailable when its parameters are not those of its configuration.
    """
    tower = TorchvisionTower(config)
    try:
        tower.load_state_dict(_read_parameters(folder / PARAMETERS_FILE))
    except RuntimeError as error:
        raise EncoderUnavailable(
            f"{str(folder / PARAMETERS_FILE)!r} is not what {CONFIG_FILE} says: {str(error)[:300]}"
        ) from error
    tower.eval()
    return tower


def _write(
    folder: Path, config: TorchvisionConfig, backbone: Backbone, projection: Projection
) -> None:
    tower = TorchvisionTower(config)
    tower.backbone.load_state_dict(backbone.state_dict())
    tower.projection.weight.data = torch.from_numpy(projection.weight)
    tower.projection.bias.data = torch.from_numpy(projection.bias)
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}")
    unfinished.mkdir(parents=True)
    state = {name: value.contiguous() for name, value in tower.state_dict().items()}
    save_file(state, unfinished / PARAMETERS_FILE)
    (unfinished / CONFIG_FILE).write_text(json.dumps(config.to_json(), indent=2) + "\n", "utf-8")
    unfinished.rename(folder)


def _published(name: str, weights: str, *, download: bool) -> Path:
    """Return the file of weights that torchvision publishes, from torch's cache or fetched."""
    try:
        published = torchvision.models.get_model_weights(name)[weights]
    except KeyError as error:
        known = ", ".join(torchvision.models.get_model_weights(name).__members__)
        raise EncoderUnavailable(
            f"weights: {weights!r} is neither a file nor weights of {name!r}; there are {known}"
        ) from error
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(published.url).name
    if not file.is_file():
        if not download:
            raise EncoderUnavailable(
                f"weights: {weights!r} of {name!r} are not in {str(file)!r} and may not be "
                f"downloaded; fetch {published.url} there"
            )
        try:
            # Its name ends in the first digits of its SHA-256, which are compared.
            torch.hub.load_state_dict_from_url(published.url, progress=False, check_hash=True)
        except (OSError, RuntimeError) as error:
            raise EncoderUnavailable(f"weights: {published.url}: {error}") from error
    return file


def _read_parameters(file: Path) -> dict[str, torch.Tensor]:
    """Read a file of tensors; no other objects are made, whatever the file holds."""
    try:
        if file.suffix == ".safetensors":
            return dict(load_file(file))
        return dict(torch.load(file, map_location="cpu", weights_only=True))
    except (OSError, SafetensorError, RuntimeError, ValueError, EOFError) as error:
        raise EncoderUnavailable(f"{str(file)!r} is not readable: {error}") from error
    except Exception as error:  # pickle's own error is that of whatever the file holds
        raise EncoderUnavailable(f"{str(file)!r} is no file of tensors: {error}") from error
