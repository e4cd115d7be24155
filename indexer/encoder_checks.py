"""What `shelfwise encoder check` finds out about an encoder: rate, number format, agreement."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image
from rich.console import Console

from indexer.encoders.base import Embeddings, ImageEncoder, TextEncoder
from indexer.encoders.image_probes import probe_photos
from indexer.encoders.image_registry import load_image_encoder, load_query_image_encoder
from indexer.encoders.precision import SMALLEST_COSINE
from indexer.encoders.probe_texts import PROBE_TEXTS
from indexer.encoders.registry import load_query_encoder, load_text_encoder
from mappings.errors import EncoderUnavailable

RATE_SECONDS = 2.0
"""How long a rate is measured."""

_ROUNDS = 4
"""Times that the probes are repeated in a call, to fill batches."""

_Result = TypeVar("_Result")
_Probe = TypeVar("_Probe", str, Image.Image)


@dataclass(frozen=True)
class Checked:
    """What a check shows: label and value in order, and whether export and worker agree."""

    rows: Sequence[tuple[str, str]]
    agrees: bool


def check_texts(
    name: str,
    *,
    template: str,
    model_directory: Path,
    device: str,
    batch_size: int | None,
    precision: str,
    threads: int | None,
) -> Checked:
    """Check an encoder of texts. Raises EncoderUnavailable when it cannot be loaded."""
    loaded, seconds = timed(
        f"loading {name}",
        lambda: load_text_encoder(
            name,
            template=template,
            device=device,
            batch_size=batch_size,
            precision=precision,
            threads=threads,
        ),
    )
    rate, _ = timed("measuring", lambda: _rate(loaded.encode, PROBE_TEXTS))
    said, agrees = _agreement(
        loaded,
        lambda: load_query_encoder(name, template=template, model_directory=model_directory),
        lambda exported: _smallest_cosine(
            getattr(loaded, "encode_queries", loaded.encode), exported.encode, PROBE_TEXTS
        ),
    )
    return Checked([*_rows(loaded, seconds, f"{rate:.0f} product texts/s"), said], agrees)


def check_photos(
    name: str,
    *,
    model_directory: Path,
    device: str,
    batch_size: int | None,
    precision: str,
    threads: int | None,
) -> Checked:
    """Check an encoder of photos. Raises EncoderUnavailable when it cannot be loaded."""
    loaded, seconds = timed(
        f"loading {name}",
        lambda: load_image_encoder(
            name, device=device, batch_size=batch_size, precision=precision, threads=threads
        ),
    )
    photos = probe_photos()
    rate, _ = timed("measuring", lambda: _rate(loaded.encode_images, photos))
    said, agrees = _agreement(
        loaded,
        lambda: load_query_image_encoder(name, model_directory=model_directory),
        lambda exported: _smallest_cosine(loaded.encode_images, exported.encode_images, photos),
    )
    return Checked([*_rows(loaded, seconds, f"{rate:.0f} decoded photos/s"), said], agrees)


def timed(what: str, call: Callable[[], _Result]) -> tuple[_Result, float]:
    """Return a call's result and seconds; a terminal shows what is under way."""
    started = time.perf_counter()
    with Console(stderr=True).status(f"{what}..."):
        result = call()
    return result, time.perf_counter() - started


def _rows(loaded: TextEncoder | ImageEncoder, seconds: float, rate: str) -> list[tuple[str, str]]:
    spec, chosen = loaded.spec, getattr(loaded, "precision", None)
    return [
        ("encoder", spec.name),
        ("revision", spec.revision),
        ("dims", str(spec.dims)),
        ("device", getattr(loaded, "device", "cpu")),
        ("precision", f"{chosen.name} ({chosen.reason})" if chosen else "float32"),
        ("loaded in", f"{seconds:.1f} s"),
        ("rate", rate),
    ]


_Loaded = TypeVar("_Loaded", TextEncoder, ImageEncoder)


def _agreement(
    loaded: _Loaded, load_exported: Callable[[], _Loaded], cosine: Callable[[_Loaded], float]
) -> tuple[tuple[str, str], bool]:
    """Return the row on the service's encoder, and whether it is the worker's."""
    try:
        exported = load_exported()
    except EncoderUnavailable as error:
        return ("query encoder", str(error)), True
    smallest = cosine(exported)
    # Reduced precision and the export may each cost that much against float32.
    agrees = smallest >= SMALLEST_COSINE**2 and exported.spec == loaded.spec
    return ("query encoder", f"smallest cosine {smallest:.5f} with the worker's"), agrees


def _rate(encode: Callable[[Sequence[_Probe]], Embeddings], probes: Sequence[_Probe]) -> float:
    """Return probes a second, the first round left out."""
    many = list(probes) * _ROUNDS
    encode(many)
    started, encoded = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < RATE_SECONDS:
        encode(many)
        encoded += len(many)
    return encoded / elapsed


def _smallest_cosine(
    one: Callable[[Sequence[_Probe]], Embeddings],
    other: Callable[[Sequence[_Probe]], Embeddings],
    probes: Sequence[_Probe],
) -> float:
    """Return the smallest cosine of two encoders' vectors of the same probes."""
    return float(np.min(np.sum(one(probes) * other(probes), axis=1)))
