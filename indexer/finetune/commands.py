"""`shelfwise finetune`: encoders of photos and of text, trained on a shop's own products."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from indexer.finetune.options import FinetuneOptions
from indexer.settings import IndexerSettings
from mappings.errors import EncoderUnavailable

EXIT_INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--catalogue", type=_FILE, help="File of products, as for `shelfwise load`.")
@click.option("--map", "map_name", help="Field map of the file; recognised when not given.")
@click.option("--index", help="Index to take the products from, and to name in what comes next.")
@click.option(
    "--what",
    type=click.Choice(["photos", "text"]),
    default="photos",
    show_default=True,
    help="The encoder to train: of photos, by titles and labels; or of text, by --judgements.",
)
@click.option("--out", type=_FOLDER, required=True, help="Folder for the new encoder.")
@click.option(
    "--base",
    help="What to begin from: `tower` (the shipped one), `fresh` (random parameters), a "
    "fine-tuned folder, or a model by name or path.  "
    "[default: tower for photos, the configured encoder for text]",
)
@click.option(
    "--photos",
    "photos_folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of photos that are paths.  [default: the catalogue's folder]",
)
@click.option("--kind", help="Attribute that says what a product is.  [its last category]")
@click.option("--colour", help="Attribute with the colour.  [recognised by its name]")
@click.option("--judgements", type=_FILE, help="Graded queries (query, product_id, grade).")
@click.option(
    "--minutes",
    type=click.FloatRange(0.1, 10_000),
    default=15.0,
    show_default=True,
    help="Time for all of it; how much is trained follows from the measured rate.",
)
@click.option("--epochs", type=click.IntRange(1, 10_000), help="Most passes over the photos.")
@click.option("--batch-size", type=click.IntRange(2, 65_536), help="Photos or pairs at once.")
@click.option(
    "--accumulate",
    type=click.IntRange(1, 1_024),
    default=1,
    show_default=True,
    help="Batches that make one step, where memory is short.",
)
@click.option("--learning-rate", type=click.FloatRange(0, 1, min_open=True))
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("--resume", is_flag=True, help="Go on where an interrupted training stopped.")
@click.option("--overwrite", is_flag=True, help="Replace the encoder that is in --out.")
def finetune(
    catalogue: Path | None,
    map_name: str | None,
    index: str | None,
    what: str,
    out: Path,
    base: str | None,
    photos_folder: Path | None,
    kind: str | None,
    colour: str | None,
    judgements: Path | None,
    minutes: float,
    epochs: int | None,
    batch_size: int | None,
    accumulate: int,
    learning_rate: float | None,
    device: str,
    seed: int,
    resume: bool,
    overwrite: bool,
) -> None:
    """Train an encoder on your own products and say what it gains on products held out.

    A fifth of the products, with all their variants, is held out for the table of before and
    after. Exit status 130 when Ctrl-C ended it: give the same command with --resume to go on.
    """
    if catalogue is None and index is None:
        raise click.UsageError("name the products: --catalogue FILE or --index NAME")
    if (what == "text") != (judgements is not None):
        raise click.UsageError("--judgements and --what text belong together")
    options = FinetuneOptions(
        catalogue=catalogue,
        map_name=map_name,
        index=index,
        out=out,
        base=base,
        photos_folder=photos_folder,
        kind=kind,
        colour=colour,
        judgements=judgements,
        minutes=minutes,
        epochs=epochs,
        batch_size=batch_size,
        accumulate=accumulate,
        learning_rate=learning_rate,
        device=device,
        seed=seed,
        resume=resume,
        overwrite=overwrite,
    )
    settings = IndexerSettings.from_environment(os.environ)
    try:
        if what == "photos":
            from indexer.finetune.photo_command import run_photos

            run_photos(settings, options)
        else:
            from indexer.finetune.text_command import run_text

            run_text(settings, options)
    except ModuleNotFoundError as error:
        raise EncoderUnavailable(
            f"finetune needs {error.name}; run pip install 'shelfwise[indexer,models,minilm]'"
        ) from error
    except KeyboardInterrupt:
        click.echo("interrupted; give the same command with --resume to go on", err=True)
        sys.exit(EXIT_INTERRUPTED)
