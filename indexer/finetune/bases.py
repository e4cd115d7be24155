"""What fine-tuning begins from: the shipped tower, a tower's folder, or a CLIP-like model."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from indexer.encoders.base import TextEncoder
from indexer.finetune.photo_model import PhotoModel, TowerModel
from indexer.finetune.text_bank import Vectors
from indexer.towers.preprocessing import fit
from indexer.towers.tower import CONFIG_FILE, ImageTower, TowerConfig, load_tower, with_colours
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

SHIPPED = "tower"
FRESH = "fresh"
"""Name of a tower from random parameters, for who has enough photos of their own."""

COLOUR_WIDTH = 96
"""Features of colours that every tower gets which has none: words name colours, and some thousand
photos are too few for a network to learn from pixels what a difference of colour is."""

FRESH_TOWER = TowerConfig(backbone="slim_resnet", input_size=96, grid=3, colour_width=COLOUR_WIDTH)
"""Where there is no better one to begin from."""


@dataclass(frozen=True)
class Base:
    """A photo encoder to train, and how it is prepared for, spoken to and kept.

    name: for the report. model: see PhotoModel. prepare: a photo to its pixels, uint8
    [size, size, 3], as the finished encoder will do it. words: texts to unit vectors of the space
    that the photos are brought into. words_revision: of what encodes them. save: writes the
    trained model as an encoder's folder. is_fresh: nothing has been learned yet.
    """

    name: str
    model: PhotoModel
    prepare: Callable[[Image.Image], NDArray[np.uint8]]
    words: Callable[[Sequence[str]], Vectors]
    words_revision: str
    save: Callable[[nn.Module, Path], EncoderSpec]
    is_fresh: bool = False


def open_base(name: str, *, load_words: Callable[[], TextEncoder], seed: int) -> Base:
    """Return what a name or path stands for.

    load_words: gives the shop's encoder of text, whose space a tower is trained into; a CLIP-like
    model brings its own. Raises EncoderUnavailable when there is no such encoder.
    """
    if name in (SHIPPED, FRESH):
        found = _shipped_tower() if name == SHIPPED else None
        return _tower_base(SHIPPED, found, load_words(), seed)
    folder = Path(name).expanduser()
    if _kind(folder) == "tower":
        return _tower_base(str(folder.name), _tower_in(folder), load_words(), seed)
    from indexer.finetune.clip_model import clip_base

    return clip_base(name, seed=seed)


def _tower_base(
    name: str, found: tuple[ImageTower, str] | None, words: TextEncoder, seed: int
) -> Base:
    """found: the tower and the revision of the texts that it was trained with, None for none."""
    revision, dims = words.spec.revision, words.spec.dims
    torch.manual_seed(seed)
    if found is None:
        tower = ImageTower(replace(FRESH_TOWER, dims=dims))
    else:
        tower, space = found
        if (space, tower.config.dims) != (revision, dims):
            tower = _with_new_projection(tower, dims)
        if not tower.config.colour_width:
            tower = with_colours(tower, COLOUR_WIDTH)
    return Base(
        name=name if found else f"{name} with random parameters",
        model=TowerModel(tower),
        prepare=partial(fit, size=tower.config.input_size),
        words=words.encode,
        words_revision=revision,
        save=partial(_save_tower, text_space=revision),
        is_fresh=found is None,
    )


def _with_new_projection(tower: ImageTower, dims: int) -> ImageTower:
    """Return a tower with the same trunk, whose way into another space is still to be learned."""
    fresh = ImageTower(replace(tower.config, dims=dims, layout_dims=0, layout_share=0.0))
    kept = {
        name: value
        for name, value in tower.state_dict().items()
        if not name.startswith(("projection.", "layout"))
    }
    fresh.load_state_dict(kept, strict=False)
    return fresh


def _save_tower(model: nn.Module, folder: Path, *, text_space: str) -> EncoderSpec:
    """Write config.json, model.safetensors, model.onnx and spec.json."""
    from indexer.encoders.image_tower import KIND, MODEL_FILE, write_tower_spec
    from indexer.towers.export import export_onnx
    from indexer.towers.tower import save_tower

    tower = model.tower.cpu()
    save_tower(tower, folder)
    config = folder / CONFIG_FILE
    content = json.loads(config.read_text("utf-8")) | {"kind": KIND}
    config.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    export_onnx(tower, folder / MODEL_FILE)
    return write_tower_spec(folder, dims=tower.config.dims, text_space=text_space)


def _shipped_tower() -> tuple[ImageTower, str] | None:
    """Return the tower of the package, None where this installation has none to train."""
    try:
        shipped = import_module("indexer.towers.shipped")
        return load_tower(shipped.checkpoint_path()), shipped.TEXT_SPACE
    except (ModuleNotFoundError, FileNotFoundError):
        return None


def _tower_in(folder: Path) -> tuple[ImageTower, str]:
    from indexer.encoders.image_tower import SPEC_FILE

    try:
        spec = json.loads((folder / SPEC_FILE).read_text("utf-8"))
        return load_tower(folder), str(spec["text_space"])
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise EncoderUnavailable(
            f"base: {str(folder)!r} is no tower that can be trained further: {error}"
        ) from error


def _kind(folder: Path) -> str:
    try:
        content = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    return str(content.get("kind", "")) if isinstance(content, dict) else ""
