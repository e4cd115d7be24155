"""`shelfwise encoder`: show the registered encoders, check one, export one for the service."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indexer.encoder_checks import check_photos, check_texts, timed
from indexer.encoders.image_registry import (
    IMAGE_ENCODERS,
    export_query_image_encoder,
    image_encoder_family,
    image_encoder_spec,
)
from indexer.encoders.precision import PRECISIONS
from indexer.encoders.registry import (
    ENCODERS,
    encoder_family,
    export_query_encoder,
    text_encoder_spec,
)
from mappings.settings import SharedSettings

ANY_MODEL_ROW = "any other name"


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
@click.option("--photos", is_flag=True, help="NAME is an encoder of photos.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1...")
@click.option("--batch-size", type=click.IntRange(min=1), help="Most texts or photos in a batch.")
@click.option("--precision", default="auto", show_default=True, type=click.Choice(PRECISIONS))
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of torch.")
def check(
    name: str | None,
    photos: bool,
    device: str,
    batch_size: int | None,
    precision: str,
    threads: int | None,
) -> None:
    """Load an encoder, measure its rate, and compare its vectors with its export's.

    NAME is the configured encoder when it is left out. Exits with status 1 when the export
    and the worker's encoder disagree.
    """
    settings = SharedSettings.from_environment(os.environ)
    name = _named(name, settings, photos=photos)
    ask = check_photos if photos else partial(check_texts, template=settings.text_template)
    checked = ask(
        name,
        model_directory=Path(settings.model_directory),
        device=device,
        batch_size=batch_size,
        precision=precision,
        threads=threads,
    )
    table = Table(show_header=False)
    for label, value in checked.rows:
        table.add_row(label, escape(value))
    Console().print(table)
    if not checked.agrees:
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
    name = _named(name, settings, photos=photos)
    if photos:
        _export_photos(name, directory)
        return
    folder, seconds = timed(
        f"exporting {name}",
        lambda: export_query_encoder(
            name, template=settings.text_template, model_directory=directory
        ),
    )
    spec = text_encoder_spec(name, template=settings.text_template, model_directory=directory)
    click.echo(f"{spec.name} revision {spec.revision} is in {folder} ({seconds:.1f} s)")


def _export_photos(name: str, directory: Path) -> None:
    folder, seconds = timed(
        f"exporting {name}", lambda: export_query_image_encoder(name, model_directory=directory)
    )
    spec = image_encoder_spec(name, model_directory=directory)
    if folder == directory:
        click.echo(f"{spec.name} revision {spec.revision} needs no export")
    else:
        click.echo(f"{spec.name} revision {spec.revision} is in {folder} ({seconds:.1f} s)")


def _named(name: str | None, settings: SharedSettings, *, photos: bool) -> str:
    """Return the encoder that was named, else the configured one."""
    name = name or (settings.image_encoder if photos else settings.text_encoder)
    if not name:
        raise click.UsageError("name an encoder of photos, or set SHELFWISE_IMAGE_ENCODER")
    return name
