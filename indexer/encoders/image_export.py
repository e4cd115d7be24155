"""Exported encoders of photo queries on disk, beside those of words (see model_export).

<model_directory>/photos/<name>/<revision>-f<format>/photos.onnx, photos.json
    and model.onnx, tokenizer.json, encoder.json, where the model has words of its own
<model_directory>/photos/<name>/current
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from indexer.encoders.image_onnx import OnnxImageEncoder
from indexer.encoders.image_preparation import PhotoPreparation
from indexer.encoders.model_export import DESCRIPTION_FILE, find_export
from indexer.encoders.onnx_text import OnnxTextEncoder
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

PHOTOS_FILE = "photos.onnx"
PHOTOS_DESCRIPTION_FILE = "photos.json"
PHOTOS_FOLDER = "photos"
WORDS_TEMPLATE = ""
"""Of the words' encoder: it encodes queries alone, never products."""

ADVICE = "delete its folder and run `shelfwise encoder export --photos`"


@dataclass(frozen=True)
class ExportedPhotos:
    """What photos.json says.

    name, revision, dims, text_space: as in EncoderSpec. preparation: photos to the graph's
    input. agreement: smallest cosine with torch on drawn pictures.
    """

    name: str
    revision: str
    dims: int
    text_space: str
    preparation: PhotoPreparation
    agreement: float

    @property
    def spec(self) -> EncoderSpec:
        """Return the encoder identity."""
        return EncoderSpec(
            name=self.name,
            revision=self.revision,
            dims=self.dims,
            template="",
            text_space=self.text_space,
        )


def find_photo_export(model_directory: Path, name: str, *, revision: str | None) -> Path:
    """Return the folder of a revision, or of the last written one when that is None.

    name: the encoder's, of a folder given by path its last part.
    Raises EncoderUnavailable, which names the command to run, when it is not there.
    """
    try:
        return find_export(model_directory / PHOTOS_FOLDER, name, revision=revision)
    except EncoderUnavailable as error:
        which = f"revision {revision} of " if revision else ""
        raise EncoderUnavailable(
            f"the encoder of photo queries of {which}{name!r} is not exported in "
            f"{str(model_directory)!r}; run `shelfwise encoder export --photos {name}` where the "
            "model is installed"
        ) from error


def write_photo_description(folder: Path, exported: ExportedPhotos) -> None:
    """Write photos.json."""
    text = json.dumps(asdict(exported), indent=2)
    (folder / PHOTOS_DESCRIPTION_FILE).write_text(text + "\n", "utf-8")


def read_photo_export(folder: Path) -> ExportedPhotos:
    """Read photos.json; raises EncoderUnavailable when it is not readable."""
    path = folder / PHOTOS_DESCRIPTION_FILE
    try:
        values = json.loads(path.read_text("utf-8"))
        return ExportedPhotos(**values | {"preparation": _preparation(values["preparation"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderUnavailable(f"{str(path)!r} is not readable: {error}; {ADVICE}") from error


def open_photo_export(folder: Path, *, threads: int = 1) -> OnnxImageEncoder:
    """Return the encoder of photo queries; raises EncoderUnavailable when a file is broken."""
    exported = read_photo_export(folder)
    return OnnxImageEncoder(
        folder / PHOTOS_FILE,
        spec=exported.spec,
        prepare=exported.preparation,
        advice=ADVICE,
        threads=threads,
    )


def open_words_export(folder: Path, *, threads: int = 1) -> OnnxTextEncoder | None:
    """Return the encoder of words into the photos' space, None when the model has none."""
    if not (folder / DESCRIPTION_FILE).is_file():
        return None
    return OnnxTextEncoder(folder, template=WORDS_TEMPLATE, threads=threads)


def _preparation(values: Mapping[str, Any]) -> PhotoPreparation:
    triples = {key: tuple(values[key]) for key in ("mean", "std")}
    return PhotoPreparation(**dict(values) | triples)
