"""`shelfwise encoder`: show the registered encoders, check one, export one for the service."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indexer.encoders.base import TextEncoder
from indexer.encoders.image_registry import (
    IMAGE_ENCODERS,
    export_query_image_encoder,
    image_encoder_family,
    image_encoder_spec,
)
from indexer.encoders.precision import PRECISIONS, SMALLEST_COSINE
from indexer.encoders.probe_texts import PROBE_TEXTS
from indexer.encoders.registry import (
    ENCODERS,
    encoder_family,
    export_query_encoder,
    load_query_encoder,
    load_text_encoder,
    text_encoder_spec,
)
from mappings.errors import EncoderUnavailable
from mappings.settings import SharedSettings

ANY_MODEL_ROW = "any other name"
RATE_SECONDS = 2.0
"""How long `check` measures the rate."""

_Result = TypeVar("_Result")


@click.group()
def encoder() -> None:
    """Show, check and export encoders."""


@encoder.command("list")
def list_encoders() -> None:
    """List the registered encoders, those of words and those of photos."""
    settings = SharedSettings.from_environment(os.environ)
    table = Table("name", "of", "what", "dims", "licence", "needs")
    for name in [*ENCODERS, ANY_MODEL_ROW]:
        family = encoder_family(name)
        dims = "the model's"
        if name in ENCODERS:
            spec = family.spec(
                name,
                template=settings.text_template,
                model_directory=Path(settings.model_directory),
            )
            dims = str(spec.dims)
        table.add_row(name, "words", family.what, dims, family.licence, escape(family.needs))
    for name in [*IMAGE_ENCODERS, ANY_MODEL_ROW]:
        photos = image_encoder_family(name)
        dims = "the model's"
        if name in IMAGE_ENCODERS:
            directory = Path(settings.model_directory)
            dims = str(image_encoder_spec(name, model_directory=directory).dims)
        table.add_row(name, "photos", photos.what, dims, photos.licence, escape(photos.needs))
    Console().print(table)


@encoder.command()
@click.argument("name", required=False)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1...")
@click.option("--batch-size", type=click.IntRange(min=1), help="Most texts in one batch.")
@click.option("--precision", default="auto", show_default=True, type=click.Choice(PRECISIONS))
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of torch.")
def check(
    name: str | None, device: str, batch_size: int | None, precision: str, threads: int | None
) -> None:
    """Load an encoder, measure its rate, and compare its vectors with its export's.

    NAME is the configured encoder when it is left out. Exits with status 1 when the export
    and the worker's encoder disagree.
    """
    settings = SharedSettings.from_environment(os.environ)
    name = name or settings.text_encoder
    template, directory = settings.text_template, Path(settings.model_directory)
    loaded, seconds = _timed(
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
    rate, _ = _timed("measuring", lambda: _texts_per_second(loaded))
    spec = loaded.spec
    chosen = getattr(loaded, "precision", None)
    rows = [
        ("encoder", spec.name),
        ("revision", spec.revision),
        ("dims", str(spec.dims)),
        ("device", getattr(loaded, "device", "cpu")),
        ("precision", f"{chosen.name} ({chosen.reason})" if chosen else "float32"),
        ("loaded in", f"{seconds:.1f} s"),
        ("rate", f"{rate:.0f} product texts/s"),
    ]
    try:
        exported = load_query_encoder(name, template=template, model_directory=directory)
        smallest = _smallest_cosine(loaded, exported)
        # Reduced precision and the export may each cost that much against float32.
        agrees = smallest >= SMALLEST_COSINE**2 and exported.spec == spec
        rows.append(("query encoder", f"smallest cosine {smallest:.5f} with the worker's"))
    except EncoderUnavailable as error:
        agrees = True
        rows.append(("query encoder", str(error)))
    table = Table(show_header=False)
    for label, value in rows:
        table.add_row(label, escape(value))
    Console().print(table)
    if not agrees:
        raise click.ClickException("the export is not of this encoder; export it again")


@encoder.command()
@click.argument("name", required=False)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write; SHELFWISE_MODEL_DIRECTORY when left out.",
)
@click.option("--photos", is_flag=True, help="NAME is an encoder of photos.")
def export(name: str | None, directory: Path | None, photos: bool) -> None:
    """Export an encoder for the service, checked against torch.

    NAME is the configured encoder when it is left out. An export of the same revision is kept.
    """
    settings = SharedSettings.from_environment(os.environ)
    directory = directory or Path(settings.model_directory)
    if photos:
        _export_photos(name or settings.image_encoder, directory)
        return
    name = name or settings.text_encoder
    folder, seconds = _timed(
        f"exporting {name}",
        lambda: export_query_encoder(
            name, template=settings.text_template, model_directory=directory
        ),
    )
    spec = text_encoder_spec(name, template=settings.text_template, model_directory=directory)
    click.echo(f"{spec.name} revision {spec.revision} is in {folder} ({seconds:.1f} s)")


def _export_photos(name: str, directory: Path) -> None:
    if not name:
        raise click.UsageError("name an encoder of photos, or set SHELFWISE_IMAGE_ENCODER")
    folder, seconds = _timed(
        f"exporting {name}", lambda: export_query_image_encoder(name, model_directory=directory)
    )
    spec = image_encoder_spec(name, model_directory=directory)
    if folder == directory:
        click.echo(f"{spec.name} revision {spec.revision} needs no export")
    else:
        click.echo(f"{spec.name} revision {spec.revision} is in {folder} ({seconds:.1f} s)")


def _timed(what: str, call: Callable[[], _Result]) -> tuple[_Result, float]:
    """Return a call's result and seconds; a terminal shows what is under way."""
    started = time.perf_counter()
    with Console(stderr=True).status(f"{what}..."):
        result = call()
    return result, time.perf_counter() - started


def _texts_per_second(loaded: TextEncoder) -> float:
    """Return the rate over the probe texts, the first round left out."""
    texts = list(PROBE_TEXTS) * 4
    loaded.encode(texts)
    started, encoded = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < RATE_SECONDS:
        loaded.encode(texts)
        encoded += len(texts)
    return encoded / elapsed


def _smallest_cosine(loaded: TextEncoder, exported: TextEncoder) -> float:
    """Return the smallest cosine of the two encoders' query vectors of the probe texts."""
    encode_queries = getattr(loaded, "encode_queries", loaded.encode)
    return float(
        np.min(np.sum(encode_queries(PROBE_TEXTS) * exported.encode(PROBE_TEXTS), axis=1))
    )
