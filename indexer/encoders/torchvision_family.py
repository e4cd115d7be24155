"""Folders with a torchvision backbone: torch for the worker, ONNX Runtime for the service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from indexer.encoders.base import ImageEncoder, LoadOptions, TextEncoder
from indexer.encoders.image_export import PHOTOS_FOLDER, find_photo_export, open_photo_export
from indexer.encoders.model_export import make_current, publish_export, unfinished_export
from indexer.encoders.torchvision_folder import TorchvisionConfig, preparation, read_torchvision
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

if TYPE_CHECKING:
    from indexer.encoders.torchvision_model import TorchvisionTower


class TorchvisionFamily:
    """The registry's line for torchvision backbones. See ImageEncoderFamily."""

    what = "A torchvision backbone with a projection into a text encoder's space, by path"
    licence = "that of its weights"
    needs = "worker: shelfwise[models]; service: an export"

    def spec(self, name: str, *, model_directory: Path) -> EncoderSpec:
        """Return the identity from the folder's files."""
        return read_torchvision(name)[2]

    def load_image_encoder(self, name: str, *, options: LoadOptions) -> ImageEncoder:
        """Return the model in torch, in the fastest precision that keeps its vectors."""
        folder, config, spec = read_torchvision(name)
        tower = _load(name, folder, config)
        from indexer.encoders.image_torch import TorchImageEncoder

        return TorchImageEncoder.load(
            tower, spec=spec, prepare=preparation(config.input_size), options=options
        )

    def load_query_image_encoder(
        self, name: str, *, model_directory: Path, threads: int
    ) -> ImageEncoder:
        """Return the export of the revision that is here."""
        spec = read_torchvision(name)[2]
        folder = find_photo_export(model_directory, spec.name, revision=spec.revision)
        return open_photo_export(folder, threads=threads)

    def load_words_encoder(
        self, name: str, *, model_directory: Path, threads: int
    ) -> TextEncoder | None:
        """Return None: it has no words of its own, it is in a text encoder's space."""
        return None

    def export(self, name: str, *, model_directory: Path) -> Path:
        """Write the ONNX form unless this revision is there."""
        folder, config, spec = read_torchvision(name)
        try:
            exported = find_photo_export(model_directory, spec.name, revision=spec.revision)
        except EncoderUnavailable:
            tower = _load(name, folder, config)
            from indexer.encoders.image_onnx_export import write_photo_tower

            with unfinished_export(model_directory / PHOTOS_FOLDER, spec.name) as unfinished:
                write_photo_tower(
                    tower,
                    spec=spec,
                    preparation=preparation(config.input_size),
                    folder=unfinished,
                )
                return publish_export(unfinished, revision=spec.revision)
        make_current(exported)
        return exported


def _load(name: str, folder: Path, config: TorchvisionConfig) -> TorchvisionTower:
    try:
        from indexer.encoders.torchvision_model import load_torchvision
    except ModuleNotFoundError as error:
        raise EncoderUnavailable(
            f"encoder {name!r} needs {error.name}; run pip install 'shelfwise[models]'"
        ) from error
    return load_torchvision(folder, config)


FAMILY = TorchvisionFamily()
