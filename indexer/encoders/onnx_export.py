"""From torch to ONNX: one graph from token ids to the unit embedding, checked before it shows."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import structlog
import torch

from indexer.encoders.model_export import (
    MODEL_FILE,
    TOKENIZER_FILE,
    ExportedEncoder,
    publish_export,
    unfinished_export,
    write_description,
)
from indexer.encoders.onnx_text import OnnxTextEncoder
from indexer.encoders.precision import SMALLEST_COSINE
from indexer.encoders.probe_texts import PROBE_TEXTS
from indexer.encoders.sentence_transformer import (
    QUERY_PROMPTS,
    SentenceTransformerEncoder,
    prompt_of,
)
from mappings.errors import EncoderUnavailable

_log = structlog.get_logger(__name__)

OUTPUT = "unit_embedding"
GRAPH_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
HARD_TEXTS = ("", " ", "🙂 ok", "مرحبا بالعالم", "tab\tnew\nline", "word " * 600)
"""What goes wrong first when a tokenizer or a limit was carried over badly."""


class _Graph(torch.nn.Module):  # type: ignore[misc]
    """The model as a function of tensors only; what is not a tensor becomes a constant."""

    def __init__(
        self, model: torch.nn.Module, inputs: tuple[str, ...], constants: dict[str, Any]
    ) -> None:
        super().__init__()
        self.model = model
        self.inputs = inputs
        self.constants = constants

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Return the unit embeddings [batch, dims] of tensors [batch, tokens]."""
        features = dict(zip(self.inputs, tensors, strict=True)) | self.constants
        embedding: torch.Tensor = torch.nn.functional.normalize(
            self.model(features)["sentence_embedding"], dim=1
        )
        return embedding


def export_model(encoder: SentenceTransformerEncoder, *, name: str, model_directory: Path) -> Path:
    """Write model.onnx, tokenizer.json and encoder.json, compare with torch, return the folder.

    encoder: on the CPU in float32. name: as configured; it names the folder.
    Raises EncoderUnavailable when the model cannot be exported, or when a probe text's
    vectors from torch and from ONNX Runtime have a cosine under 0.999.
    """
    prompt = prompt_of(encoder.model, QUERY_PROMPTS)
    with unfinished_export(model_directory, name) as folder:
        inputs = _write_graph(encoder, prompt, folder / MODEL_FILE)
        tokenizer = encoder.model.tokenizer
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise EncoderUnavailable(f"encoder {name!r} has no tokenizer.json; cannot be exported")
        backend.save(str(folder / TOKENIZER_FILE))
        spec = encoder.spec
        described = {
            "name": spec.name,
            "revision": spec.revision,
            "dims": spec.dims,
            "similarity": spec.similarity,
            "max_tokens": encoder.max_tokens,
            "inputs": inputs,
            "prompt": prompt or "",
            "pad_token_id": tokenizer.pad_token_id or 0,
            "padding_side": tokenizer.padding_side,
            "pooling": _pooling(encoder.model),
            "normalise": True,
        }
        write_description(folder, ExportedEncoder(**described, agreement=0.0))
        agreement = _agreement(encoder, folder)
        if not agreement >= SMALLEST_COSINE:  # written so that NaN is refused
            raise EncoderUnavailable(
                f"encoder {name!r}: its ONNX form differs from torch (smallest cosine "
                f"{agreement:.5f}, at least {SMALLEST_COSINE} is needed)"
            )
        write_description(folder, ExportedEncoder(**described, agreement=round(agreement, 6)))
        final = publish_export(folder, revision=spec.revision)
    _log.info("encoder_exported", encoder=name, revision=spec.revision, agreement=agreement)
    return final


def _write_graph(
    encoder: SentenceTransformerEncoder, prompt: str | None, path: Path
) -> tuple[str, ...]:
    """Trace the model into one file and return the names of its inputs."""
    # Two texts of more than one token: a dimension of 1 would be taken for a constant.
    features = encoder.model.preprocess(list(PROBE_TEXTS[5:7]), prompt=prompt)
    inputs = tuple(name for name in GRAPH_INPUTS if name in features)
    others = {
        name: value for name, value in features.items() if not isinstance(value, torch.Tensor)
    }
    unknown = set(features) - set(inputs) - set(others)
    if unknown or "attention_mask" not in inputs:
        raise EncoderUnavailable(
            f"encoder {encoder.spec.name!r} takes {sorted(features)}; only transformers over "
            f"{', '.join(GRAPH_INPUTS)} can be exported for the service"
        )
    batch = torch.export.Dim("batch", min=1)
    tokens = torch.export.Dim("tokens", min=1, max=encoder.max_tokens)
    graph = _Graph(encoder.model, inputs, others).eval()
    try:
        with torch.no_grad(), quiet_exporter():
            torch.onnx.export(
                graph,
                tuple(features[name] for name in inputs),
                str(path),
                dynamo=True,
                external_data=False,
                verbose=False,
                input_names=list(inputs),
                output_names=[OUTPUT],
                dynamic_shapes=(tuple({0: batch, 1: tokens} for _ in inputs),),
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, ValueError) as error:
        raise EncoderUnavailable(
            f"encoder {encoder.spec.name!r} cannot be exported to ONNX: {error}"
        ) from error
    return inputs


@contextmanager
def quiet_exporter() -> Iterator[None]:
    """Hide what the exporter says although nothing is wrong."""
    counter = logging.getLogger("torch.utils.flop_counter")  # speaks of triton's absence
    level = counter.level
    counter.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # All inputs share their two dimensions, so the names of the later ones are dropped.
        warnings.filterwarnings(
            "ignore", message="# The axis name: .* will not be used", category=UserWarning
        )
        try:
            yield
        finally:
            counter.setLevel(level)


def _agreement(encoder: SentenceTransformerEncoder, folder: Path) -> float:
    """Return the smallest cosine between torch and the export, texts in batches and alone."""
    exported = OnnxTextEncoder(folder, template=encoder.spec.template)
    texts = [*PROBE_TEXTS, *HARD_TEXTS]
    expected = encoder.encode_queries(texts)
    batched = exported.encode(texts)
    alone = np.vstack([exported.encode([text]) for text in HARD_TEXTS])
    return float(
        min(
            np.min(np.sum(expected * batched, axis=1)),
            np.min(np.sum(expected[len(PROBE_TEXTS) :] * alone, axis=1)),
        )
    )


def _pooling(model: torch.nn.Module) -> str:
    for module in model.children():
        mode = getattr(module, "pooling_mode", None)
        if mode is not None:
            return mode if isinstance(mode, str) else "+".join(mode)
    return "none"
