"""Encoders by name: the one table, and the four ways to ask it.

Nothing here imports torch; the service imports this module.
To add an encoder: write a module with a `FAMILY` (see base.EncoderFamily) that imports
torch only inside its worker-side functions, and add its line to ENCODERS.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from indexer.encoders.base import EncoderFamily, LoadOptions, TextEncoder
from mappings.encoder_spec import EncoderSpec

ENCODERS = {
    "hashing": "indexer.encoders.hashing:FAMILY",
    "minilm": "indexer.encoders.minilm:FAMILY",
}
"""Name, and where its family is."""

ANY_MODEL = "indexer.encoders.model_family:FAMILY"
"""Where a name that is not in the table is looked up: sentence-transformers, by name or path."""


def encoder_family(name: str) -> EncoderFamily:
    """Return the family of a registered name, or that of sentence-transformers models."""
    module, _, attribute = ENCODERS.get(name, ANY_MODEL).partition(":")
    family: EncoderFamily = getattr(import_module(module), attribute)
    return family


def load_text_encoder(
    name: str,
    *,
    template: str,
    device: str = "auto",
    batch_size: int | None = None,
    precision: str = "auto",
    threads: int | None = None,
) -> TextEncoder:
    """Return the worker's encoder of product texts; the options are those of LoadOptions.

    A model is loaded by torch. Raises EncoderUnavailable when packages or files are not there.
    """
    options = LoadOptions(
        device=device, batch_size=batch_size, precision=precision, threads=threads
    )
    return encoder_family(name).load_text_encoder(name, template=template, options=options)


def load_query_encoder(
    name: str, *, template: str, model_directory: Path, threads: int = 1
) -> TextEncoder:
    """Return the service's encoder of queries: ONNX Runtime or hashing, never torch.

    threads: CPU threads for one call; 1 suits several request threads on few cores.
    Raises EncoderUnavailable, which names the command to run, when the export is not there.
    """
    return encoder_family(name).load_query_encoder(
        name, template=template, model_directory=Path(model_directory), threads=threads
    )


def export_query_encoder(name: str, *, template: str, model_directory: Path) -> Path:
    """Write the ONNX form of the query encoder, checked against torch, and return its folder.

    An export of the same revision is kept. An encoder without a model writes nothing and
    gives `model_directory`. Raises EncoderUnavailable when the model cannot be loaded,
    exported, or disagrees with torch.
    """
    return encoder_family(name).export(
        name, template=template, model_directory=Path(model_directory)
    )


def text_encoder_spec(name: str, *, template: str, model_directory: Path) -> EncoderSpec:
    """Return the identity that both loaders give, without loading a model.

    Raises EncoderUnavailable when neither the model's files nor its export are there.
    """
    return encoder_family(name).spec(
        name, template=template, model_directory=Path(model_directory)
    )
