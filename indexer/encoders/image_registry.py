"""Encoders of photos by name: the one table, and the five ways to ask it.

Nothing here imports torch; the service imports this module.
To add an encoder: write a module with a `FAMILY` (see base.ImageEncoderFamily) that imports
torch only inside its worker-side functions, and add its line to IMAGE_ENCODERS, or to
FOLDER_KINDS when it is a folder that its user makes.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

from indexer.encoders.base import (
    ImageEncoder,
    ImageEncoderFamily,
    LoadOptions,
    TextEncoder,
)
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

IMAGE_ENCODERS = {
    "hashing-image": "indexer.encoders.image_hashing:FAMILY",
    "tower": "indexer.encoders.image_tower:FAMILY",
}
"""Name, and where its family is."""

FOLDER_KINDS = {
    "tower": "indexer.encoders.image_tower:FAMILY",
    "torchvision": "indexer.encoders.torchvision_family:FAMILY",
}
"""`kind` in a folder's config.json, and where the family of such folders is."""

ANY_MODEL = "indexer.encoders.clip_family:FAMILY"
"""Where any other name is looked up: sentence-transformers, CLIP-like models by name or path."""

_CONFIG_FILE = "config.json"


def image_encoder_family(name: str) -> ImageEncoderFamily:
    """Return the family of a registered name, of a folder of ours, or of CLIP-like models.

    Raises EncoderUnavailable for a folder whose config.json is not readable.
    """
    line = IMAGE_ENCODERS.get(name) or FOLDER_KINDS.get(_folder_kind(name), ANY_MODEL)
    module, _, attribute = line.partition(":")
    family: ImageEncoderFamily = getattr(import_module(module), attribute)
    return family


def load_image_encoder(
    name: str,
    *,
    device: str = "auto",
    batch_size: int | None = None,
    precision: str = "auto",
    threads: int | None = None,
) -> ImageEncoder:
    """Return the worker's encoder of product photos; the options are those of LoadOptions.

    Raises EncoderUnavailable when packages or files are not there.
    """
    options = LoadOptions(
        device=device, batch_size=batch_size, precision=precision, threads=threads
    )
    return image_encoder_family(name).load_image_encoder(name, options=options)


def load_query_image_encoder(
    name: str, *, model_directory: Path, threads: int = 1
) -> ImageEncoder:
    """Return the service's encoder of photo queries: ONNX Runtime or hashing, never torch.

    threads: CPU threads for one call; 1 suits several request threads on few cores.
    Raises EncoderUnavailable, which names the command to run, when the export is not there.
    """
    return image_encoder_family(name).load_query_image_encoder(
        name, model_directory=Path(model_directory), threads=threads
    )


def load_words_encoder(
    name: str, *, model_directory: Path, threads: int = 1
) -> TextEncoder | None:
    """Return the service's encoder of words into the space of the photos, without torch.

    None when the spec's `text_space` names the text encoder whose vectors already are in that
    space, or when no words can be compared with the photos. Errors as load_query_image_encoder.
    """
    return image_encoder_family(name).load_words_encoder(
        name, model_directory=Path(model_directory), threads=threads
    )


def export_query_image_encoder(name: str, *, model_directory: Path) -> Path:
    """Write what the service's loaders read, checked against torch, and return its folder.

    An export of the same revision is kept. An encoder that the service can load as it is
    writes nothing and gives `model_directory`. Raises EncoderUnavailable when the model cannot
    be loaded, exported, or disagrees with torch.
    """
    return image_encoder_family(name).export(name, model_directory=Path(model_directory))


def image_encoder_spec(name: str, *, model_directory: Path) -> EncoderSpec:
    """Return the identity that all loaders give, without loading a model.

    Raises EncoderUnavailable when neither the model's files nor its export are there.
    """
    return image_encoder_family(name).spec(name, model_directory=Path(model_directory))


def _folder_kind(name: str) -> str:
    """Return the `kind` of a folder of ours; empty for every other name."""
    config = Path(name).expanduser() / _CONFIG_FILE
    if not config.is_file():
        return ""
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderUnavailable(f"encoder {name!r}: {_CONFIG_FILE}: {error}") from error
    return str(content.get("kind", "")) if isinstance(content, dict) else ""
