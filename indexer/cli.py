"""The commands of the indexer: worker, load, index, encoder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from indexer.encoder_commands import encoder
from indexer.encoders.registry import text_encoder_spec
from indexer.photos.parts import image_spec
from indexer.settings import IndexerSettings
from mappings import cluster
from mappings.confirming import confirm
from mappings.encoder_spec import EncoderSpec, external
from mappings.errors import InvalidQuery
from mappings.index_lifecycle import create_index, drop_index, find_index, list_indexes
from mappings.logs import configure_libraries, configure_logging
from mappings.metrics_folder import shared_metrics
from mappings.product import IMAGE_VECTOR, MAX_VECTOR_DIMS, TEXT_VECTOR, VECTOR_FIELDS

__all__ = ["encoder", "index", "load", "worker"]


@click.command()
@click.option(
    "--lanes",
    metavar="LANES",
    help="Queues to serve, of fast, changes, bulk and photos, divided by commas; `fast` alone "
    "needs no encoder.  [default: all]",
)
def worker(lanes: str | None) -> None:
    """Start a worker that embeds and indexes products and their photos."""
    environ = dict(os.environ)
    if lanes is not None:
        environ["SHELFWISE_INDEXER_LANES"] = lanes
    settings = IndexerSettings.from_environment(environ)
    configure_logging()
    configure_libraries()
    with shared_metrics(
        is_wanted=settings.indexer_pool == "prefork" and settings.indexer_metrics_port > 0
    ):
        # Only now: what counts decides when it is imported whether processes share a folder.
        from indexer.worker import run_worker

        status = run_worker(settings)
    sys.exit(status)


@click.group()
def index() -> None:
    """Create, list and drop indexes."""


@index.command("create")
@click.argument("name")
@click.option("--shards", default=1, show_default=True, help="Primary shards.")
@click.option("--replicas", default=0, show_default=True, help="Copies of each shard.")
@click.option(
    "--own-vectors",
    multiple=True,
    metavar="FIELD=DIMS",
    help="A vector field that the products bring themselves, e.g. image_vector=512; "
    "it replaces the configured encoder.",
)
def create(name: str, shards: int, replicas: int, own_vectors: tuple[str, ...]) -> None:
    """Create an empty index for the configured encoder; one that is there already is kept."""
    settings = IndexerSettings.from_environment(os.environ)
    encoders = dict(_own_vectors(text) for text in own_vectors)
    if TEXT_VECTOR not in encoders:
        encoders[TEXT_VECTOR] = _configured_spec(settings)
    if IMAGE_VECTOR not in encoders and (photos := image_spec(settings)) is not None:
        encoders[IMAGE_VECTOR] = photos
    with cluster.connect(settings) as client:
        live = create_index(client, name, encoders, shards=shards, replicas=replicas)
    click.echo(f"index {live.name!r} is {live.index!r}, filled by {_described(live.encoders)}")


@index.command("list")
def list_command() -> None:
    """List the indexes, what they are, and which encoders fill them."""
    settings = IndexerSettings.from_environment(os.environ)
    table = Table("name", "index", "products", "encoders")
    with cluster.connect(settings) as client:
        for live in list_indexes(client):
            with cluster.cluster_errors(index=live.name):
                count = client.count(index=live.index)["count"]
            table.add_row(live.name, live.index, f"{count:,}", _described(live.encoders))
    Console().print(table)


@index.command("drop")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(name: str, yes: bool) -> None:
    """Delete an index with all its products."""
    settings = IndexerSettings.from_environment(os.environ)
    with cluster.connect(settings) as client:
        live = find_index(client, name)
        if not yes:
            confirm(f"Delete index {live.index!r} with all its products?")
        click.echo(f"deleted {drop_index(client, name)!r}")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--index", "index_name", help="Index to load into; made when it is not there.")
@click.option(
    "--map",
    "map_name",
    help="Field map: a shipped one (icecat, fashion, plain), `identity`, or a file. "
    "Recognised by the first record when not given.",
)
@click.option(
    "--rejects",
    "rejects_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where rejected records go.  [default: FILE.rejects.jsonl]",
)
@click.option(
    "--no-wait-photos",
    is_flag=True,
    help="Do not stay until the photos were tried too; they come in either way.",
)
def load(
    file: Path,
    index_name: str | None,
    map_name: str | None,
    rejects_path: Path | None,
    no_wait_photos: bool,
) -> None:
    """Load a file of products (.jsonl or .csv, also .gz) into an index.

    Exit status: 0 when every product is in the index, 2 when some were rejected, 1 when the
    load failed, 130 when Ctrl-C ended it, which takes back what no worker has begun; then load
    the file again: what is indexed already is found unchanged, fast.
    """
    from indexer.load_command import run_load

    settings = IndexerSettings.from_environment(os.environ)
    rejects = rejects_path or file.with_name(file.name + ".rejects.jsonl")
    sys.exit(
        run_load(settings, file, index_name, map_name, rejects, wait_photos=not no_wait_photos)
    )


def _configured_spec(settings: IndexerSettings) -> EncoderSpec:
    return text_encoder_spec(
        settings.text_encoder,
        template=settings.text_template,
        model_directory=Path(settings.model_directory),
    )


def _own_vectors(text: str) -> tuple[str, EncoderSpec]:
    field, _, dims = text.partition("=")
    if field not in VECTOR_FIELDS or not dims.isdecimal() or not 1 <= int(dims) <= MAX_VECTOR_DIMS:
        raise InvalidQuery(
            f"--own-vectors {text!r}: should be FIELD=DIMS with a field of "
            f"{', '.join(VECTOR_FIELDS)} and 1 to {MAX_VECTOR_DIMS} dims",
            field="own_vectors",
        )
    return field, external(int(dims))


def _described(encoders: Mapping[str, EncoderSpec]) -> str:
    return ", ".join(
        f"{spec.name} ({field}, {spec.dims} dims)" for field, spec in sorted(encoders.items())
    )
