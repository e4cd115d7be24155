"""From torch to ONNX for photo queries: one graph from pixels to the unit vector, checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from indexer.encoders.base import Embeddings, ImageEncoder, unit_rows
from indexer.encoders.image_export import (
    PHOTOS_FILE,
    ExportedPhotos,
    open_photo_export,
    write_photo_description,
)
from indexer.encoders.image_preparation import PhotoPreparation
from indexer.encoders.image_probes import probe_photos
from indexer.encoders.onnx_export import quiet_exporter
from indexer.encoders.precision import SMALLEST_COSINE
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

INPUT = "photos"
OUTPUT = "unit_embedding"


class _UnitTower(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, tower: torch.nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        embedding: torch.Tensor = torch.nn.functional.normalize(self.tower(photos), dim=1)
        return embedding


def write_photo_tower(
    tower: torch.nn.Module, *, spec: EncoderSpec, preparation: PhotoPreparation, folder: Path
) -> float:
    """Write photos.onnx and photos.json, and return the smallest cosine with torch.

    tower: on the CPU in float32; prepared photos [photos, 3, height, width] to embeddings.
    Raises EncoderUnavailable when it cannot be exported, or when a drawn picture's vectors from
    torch and from ONNX Runtime have a cosine under 0.999.
    """
    photos = probe_photos()
    pixels = torch.from_numpy(preparation(photos))
    try:
        with torch.no_grad(), quiet_exporter():
            torch.onnx.export(
                _UnitTower(tower).eval(),
                (pixels[:2],),
                str(folder / PHOTOS_FILE),
                dynamo=True,
                external_data=False,
                verbose=False,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            )
            expected = unit_rows(tower(pixels).numpy())
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, ValueError) as error:
        raise EncoderUnavailable(
            f"encoder {spec.name!r} cannot be exported to ONNX: {error}"
        ) from error
    exported = ExportedPhotos(
        name=spec.name,
        revision=spec.revision,
        dims=spec.dims,
        text_space=spec.text_space,
        preparation=preparation,
        agreement=0.0,
    )
    write_photo_description(folder, exported)
    agreement = _agreement(expected, open_photo_export(folder))
    if not agreement >= SMALLEST_COSINE:  # written so that NaN is refused
        raise EncoderUnavailable(
            f"encoder {spec.name!r}: its ONNX form differs from torch (smallest cosine "
            f"{agreement:.5f}, at least {SMALLEST_COSINE} is needed)"
        )
    write_photo_description(folder, _with_agreement(exported, agreement))
    return agreement


def _with_agreement(exported: ExportedPhotos, agreement: float) -> ExportedPhotos:
    return ExportedPhotos(**vars(exported) | {"agreement": round(agreement, 6)})


def _agreement(expected: Embeddings, exported: ImageEncoder) -> float:
    """Return the smallest cosine with what torch gave, the photos in batches and alone."""
    photos = probe_photos()
    batched = exported.encode_images(photos)
    alone = np.vstack([exported.encode_images([photo]) for photo in photos])
    return float(min((expected * batched).sum(1).min(), (expected * alone).sum(1).min()))
