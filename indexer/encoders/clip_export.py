"""A CLIP-like model for the service: two ONNX graphs, photos and words, each checked on torch."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import torch

from indexer.encoders.clip_folder import transformer_folder
from indexer.encoders.clip_model import ClipModel
from indexer.encoders.image_export import PHOTOS_FOLDER, WORDS_TEMPLATE
from indexer.encoders.image_onnx_export import write_photo_tower
from indexer.encoders.model_export import (
    MODEL_FILE,
    TOKENIZER_FILE,
    ExportedEncoder,
    publish_export,
    unfinished_export,
    write_description,
)
from indexer.encoders.onnx_export import GRAPH_INPUTS, HARD_TEXTS, OUTPUT, quiet_exporter
from indexer.encoders.onnx_text import OnnxTextEncoder
from indexer.encoders.precision import SMALLEST_COSINE
from indexer.encoders.probe_texts import PROBE_TEXTS
from indexer.encoders.text_cleaning import clean_text
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

_log = structlog.get_logger(__name__)


class _Words(torch.nn.Module):  # type: ignore[misc]
    """The words' side as a function of tensors only."""

    def __init__(self, model: torch.nn.Module, inputs: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.inputs = inputs

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Return the unit embeddings [batch, dims] of tensors [batch, tokens]."""
        features: dict[str, Any] = dict(zip(self.inputs, tensors, strict=True))
        output = self.model(features | {"modality": "text"})["sentence_embedding"]
        embedding: torch.Tensor = torch.nn.functional.normalize(output, dim=1)
        return embedding


def export_clip(clip: ClipModel, *, spec: EncoderSpec, model_directory: Path) -> Path:
    """Write both towers, compare each with torch, and return the folder.

    Raises EncoderUnavailable, naming the model and the reason, when a tower cannot be exported,
    its input cannot be made without torch, or a probe's vectors have a cosine under 0.999.
    """
    if clip.preparation is None:
        raise EncoderUnavailable(
            f"encoder {spec.name!r} cannot be exported for the service: {clip.reason}"
        )
    with unfinished_export(model_directory / PHOTOS_FOLDER, spec.name) as folder:
        photos = write_photo_tower(
            clip.photo_tower, spec=spec, preparation=clip.preparation, folder=folder
        )
        words = _write_words(clip, spec, folder)
        final = publish_export(folder, revision=spec.revision)
    _log.info(
        "image_encoder_exported",
        encoder=spec.name,
        revision=spec.revision,
        photos_agreement=photos,
        words_agreement=words,
    )
    return final


def _write_words(clip: ClipModel, spec: EncoderSpec, folder: Path) -> float:
    """Write the words' tower, tokenizer and description; return the smallest cosine."""
    inputs = _write_graph(clip, spec, folder / MODEL_FILE)
    tokenizer = clip.model.tokenizer
    _write_tokenizer(clip, spec, folder / TOKENIZER_FILE)
    described: dict[str, Any] = {
        "name": spec.name,
        "revision": spec.revision,
        "dims": spec.dims,
        "similarity": spec.similarity,
        "max_tokens": clip.max_tokens,
        "inputs": inputs,
        "prompt": "",
        "pad_token_id": tokenizer.pad_token_id or 0,
        "padding_side": tokenizer.padding_side,
        "pooling": "the model's",
        "normalise": True,
        "pad_to": clip.pad_to,
    }
    write_description(folder, ExportedEncoder(**described, agreement=0.0))
    agreement = _agreement(clip, OnnxTextEncoder(folder, template=WORDS_TEMPLATE))
    if not agreement >= SMALLEST_COSINE:  # written so that NaN is refused
        raise EncoderUnavailable(
            f"encoder {spec.name!r}: the ONNX form of its words differs from torch (smallest "
            f"cosine {agreement:.5f}, at least {SMALLEST_COSINE} is needed)"
        )
    write_description(folder, ExportedEncoder(**described, agreement=round(agreement, 6)))
    return agreement


def _write_tokenizer(clip: ClipModel, spec: EncoderSpec, path: Path) -> None:
    """Write tokenizer.json: the one in use, else the one beside a tokenizer written in Python.

    Whether that one cuts words alike is seen when the vectors are compared.
    """
    backend = getattr(clip.model.tokenizer, "backend_tokenizer", None)
    beside = transformer_folder(clip.folder.path) / TOKENIZER_FILE
    if backend is not None:
        backend.save(str(path))
    elif beside.is_file():
        shutil.copyfile(beside, path)
    else:
        raise EncoderUnavailable(
            f"encoder {spec.name!r} cannot be exported for the service: it has no {TOKENIZER_FILE}"
        )


def _write_graph(clip: ClipModel, spec: EncoderSpec, path: Path) -> tuple[str, ...]:
    """Trace the words' tower into one file and return the names of its inputs."""
    # Two texts of more than one token: a dimension of 1 would be taken for a constant.
    features = clip.tokenize(PROBE_TEXTS[5:7])
    inputs = tuple(name for name in GRAPH_INPUTS if name in features)
    unknown = {name for name, value in features.items() if isinstance(value, torch.Tensor)} - set(
        inputs
    )
    if unknown or "input_ids" not in inputs:
        raise EncoderUnavailable(
            f"encoder {spec.name!r} takes {sorted(features)} for words; only "
            f"{', '.join(GRAPH_INPUTS)} can be exported for the service"
        )
    shape: dict[int, Any] = {0: torch.export.Dim("batch", min=1)}
    if not clip.pad_to:
        shape[1] = torch.export.Dim("tokens", min=1, max=clip.max_tokens)
    try:
        with torch.no_grad(), quiet_exporter():
            torch.onnx.export(
                _Words(clip.model, inputs).eval(),
                tuple(features[name] for name in inputs),
                str(path),
                dynamo=True,
                external_data=False,
                verbose=False,
                input_names=list(inputs),
                output_names=[OUTPUT],
                dynamic_shapes=(tuple(shape for _ in inputs),),
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, ValueError) as error:
        raise EncoderUnavailable(
            f"encoder {spec.name!r}: its words cannot be exported to ONNX: {error}"
        ) from error
    return inputs


def _agreement(clip: ClipModel, exported: OnnxTextEncoder) -> float:
    """Return the smallest cosine between torch and the export, texts in batches and alone."""
    texts = [*PROBE_TEXTS, *HARD_TEXTS]
    cleaned = [clean_text(text, max_tokens=clip.max_tokens) for text in texts]
    expected = clip.encode_words(cleaned)
    batched = exported.encode(texts)
    alone = np.vstack([exported.encode([text]) for text in HARD_TEXTS])
    return float(
        min(
            np.min(np.sum(expected * batched, axis=1)),
            np.min(np.sum(expected[len(PROBE_TEXTS) :] * alone, axis=1)),
        )
    )
