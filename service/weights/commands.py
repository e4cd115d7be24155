"""`shelfwise weights`: versions of the ranking weights, and which of them answers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import orjson
from rich.console import Console

from mappings.audit import operator
from mappings.confirming import confirm
from service.versions.console import file_argument, json_option, write_json
from service.weights.console import (
    describe,
    index_option,
    open_store,
    read_document,
    refusals,
)
from service.weights.difference import compare
from service.weights.experiment_commands import experiment
from service.weights.switching import activate_version, import_version
from service.weights.tables import difference_table, history_table, versions_table


@click.group("weights")
def weights() -> None:
    """List, switch, compare and move versions of the ranking weights."""


weights.add_command(experiment)


@weights.command("list")
@index_option
@json_option
def list_command(index: str, as_json: bool) -> None:
    """List the versions, newest first, and what is active."""
    store = open_store()
    versions, state = store.list(index), store.state(index)
    if as_json:
        write_json({"active": state.active, "versions": versions})
        return
    Console().print(versions_table(versions, state))
    click.echo(describe(state))


@weights.command("show")
@click.argument("version", required=False)
@index_option
@json_option
def show(version: str | None, index: str, as_json: bool) -> None:
    """Show what is active and how it came to be; with VERSION, that version as JSON."""
    store = open_store()
    if version is not None:
        write_json(store.get(index, version))
        return
    state = store.state(index)
    if as_json:
        write_json(state.to_json())
        return
    Console().print(history_table(state))
    click.echo(describe(state))


@weights.command("activate")
@click.argument("version")
@index_option
def activate(version: str, index: str) -> None:
    """Let VERSION rank the index; services follow within seconds.

    Refused with exit status 2 when its model cannot be used.
    """
    with refusals():
        state = activate_version(open_store(), index, version, who=operator())
    click.echo(describe(state))


@weights.command("rollback")
@index_option
def rollback(index: str) -> None:
    """Go back to what was active before; an experiment ends."""
    click.echo(describe(open_store().rollback(index, who=operator())))


@weights.command("deactivate")
@index_option
def deactivate(index: str) -> None:
    """Rank by the weights that are shipped; an experiment ends."""
    click.echo(describe(open_store().deactivate(index, who=operator())))


@weights.command("diff")
@click.argument("first")
@click.argument("second")
@index_option
@json_option
def diff(first: str, second: str, index: str, as_json: bool) -> None:
    """Show what differs between two versions."""
    store = open_store()
    found = compare(store.get(index, first), store.get(index, second))
    if as_json:
        write_json(asdict(found))
    else:
        Console().print(difference_table(found))


@weights.command("import")
@file_argument
@index_option
@click.option("--activate", "activates", is_flag=True, help="Let it rank the index at once.")
def import_command(file: Path, index: str, activates: bool) -> None:
    """Keep a weights document from a JSON FILE, for this index, as a new version.

    Without `training` it counts as made by hand. A model that cannot be used is said to be, and
    with --activate refused with exit status 2 before anything is kept.
    """
    document = read_document(file)
    with refusals():
        kept = import_version(
            open_store(), index, document, activates=activates, who=operator(), name=str(file)
        )
    click.echo(f"kept {kept.version!r}")
    if kept.problem:
        click.echo(f"it cannot become active: {kept.problem}", err=True)
    if activates:
        click.echo(describe(kept.state))


@weights.command("export")
@click.argument("version")
@index_option
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="File to write instead of the standard output.",
)
def export(version: str, index: str, output: Path | None) -> None:
    """Write VERSION as a JSON document that `import` reads."""
    document = open_store().get(index, version)
    if output is None:
        write_json(document)
        return
    output.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    click.echo(f"wrote {version!r} to {output}", err=True)


@weights.command("delete")
@click.argument("version")
@index_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(version: str, index: str, yes: bool) -> None:
    """Forget VERSION for good; one that is active or in an experiment is kept."""
    if not yes:
        confirm(f"Forget {version!r} for good?")
    open_store().delete(index, version)
    click.echo(f"forgot {version!r}")
