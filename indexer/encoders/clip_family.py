"""Any CLIP-like model by hub name or path: torch for the worker, ONNX Runtime for the service.

CLIP and SigLIP, and what is built like them: photos and words each have a tower of their own,
and the vectors of both are in one space.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from indexer.encoders.base import ImageEncoder, LoadOptions, TextEncoder
from indexer.encoders.clip_folder import identify_clip, locate_clip
from indexer.encoders.image_export import (
    find_photo_export,
    open_photo_export,
    open_words_export,
    read_photo_export,
)
from indexer.encoders.model_export import make_current
from indexer.encoders.model_family import is_path
from indexer.encoders.model_folder import ModelFolder
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

if TYPE_CHECKING:
    from indexer.encoders.clip_model import ClipModel


class ClipFamily:
    """The registry's line for CLIP-like models. See ImageEncoderFamily."""

    what = "A CLIP-like model (CLIP, SigLIP), by hub name or path, with words of its own"
    licence = "the model's own"
    needs = "worker: shelfwise[models]; service: an export"

    def spec(self, name: str, *, model_directory: Path) -> EncoderSpec:
        """Return the identity from the model's files, else from its export."""
        here = identify_clip(name)
        if here is not None:
            return _spec(here)
        return read_photo_export(_find(name, None, model_directory)).spec

    def load_image_encoder(self, name: str, *, options: LoadOptions) -> ImageEncoder:
        """Return the photos' tower in torch, in the fastest precision that keeps its vectors."""
        clip = _load(name, locate_clip(name))
        from indexer.encoders.image_torch import TorchImageEncoder

        return TorchImageEncoder.load(
            clip.photo_tower, spec=_spec(clip.folder), prepare=clip.prepare, options=options
        )

    def load_query_image_encoder(
        self, name: str, *, model_directory: Path, threads: int
    ) -> ImageEncoder:
        """Return the export of the photos' tower."""
        return open_photo_export(_exported(name, model_directory), threads=threads)

    def load_words_encoder(
        self, name: str, *, model_directory: Path, threads: int
    ) -> TextEncoder | None:
        """Return the export of the words' tower."""
        return open_words_export(_exported(name, model_directory), threads=threads)

    def export(self, name: str, *, model_directory: Path) -> Path:
        """Write both towers as ONNX unless this revision is there."""
        folder = locate_clip(name)
        try:
            exported = find_photo_export(model_directory, folder.name, revision=folder.revision)
        except EncoderUnavailable:
            clip = _load(name, folder)
            from indexer.encoders.clip_export import export_clip

            return export_clip(clip, spec=_spec(folder), model_directory=model_directory)
        make_current(exported)
        return exported


def _spec(folder: ModelFolder) -> EncoderSpec:
    return folder.spec("")  # no template: photos are not made of fields


def _exported(name: str, model_directory: Path) -> Path:
    """Return the export of the revision that is here when one is."""
    here = identify_clip(name)
    return _find(name, here.revision if here else None, model_directory)


def _find(name: str, revision: str | None, model_directory: Path) -> Path:
    """Return an export by the name that the index keeps: of a path its last part."""
    kept = Path(name).expanduser().resolve().name if is_path(name) else name
    return find_photo_export(model_directory, kept, revision=revision)


def _load(name: str, folder: ModelFolder) -> ClipModel:
    try:
        from indexer.encoders.clip_model import load_clip
    except ModuleNotFoundError as error:
        raise EncoderUnavailable(
            f"encoder {name!r} needs {error.name}; run pip install 'shelfwise[models]'"
        ) from error
    return load_clip(folder)


FAMILY = ClipFamily()
