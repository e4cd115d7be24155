"""`shelfwise weights experiment`: two versions side by side on live traffic."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import cast, get_args

import click

from mappings.errors import InvalidQuery
from service.weights.console import (
    describe,
    index_option,
    json_option,
    open_store,
    require_usable,
    write_json,
)
from service.weights.experiments import Experiment, Kind


@click.group("experiment")
def experiment() -> None:
    """Compare two versions on live traffic."""


@experiment.command("start")
@index_option
@click.option(
    "--kind",
    type=click.Choice(get_args(Kind)),
    required=True,
    help="ab: a share of the clients gets B. interleave: it gets one list drawn from both.",
)
@click.option("--versions", required=True, metavar="A,B", help="A is what all others get.")
@click.option(
    "--share", type=float, default=0.1, show_default=True, help="Of the clients, above 0 to 1."
)
def start(index: str, kind: str, versions: str, share: float) -> None:
    """Begin; refused with exit status 2 when a model cannot be used."""
    names = [name.strip() for name in versions.split(",")]
    if len(names) != 2:
        raise InvalidQuery(f"versions {versions[:160]!r}: should be two, A,B", field="versions")
    started = Experiment(
        kind=cast(Kind, kind),
        versions=(names[0], names[1]),
        share=share,
        salt=secrets.token_hex(8),
        started_at=datetime.now(UTC).isoformat("T", "seconds"),
    )
    store = open_store()
    for name in names:
        require_usable(store.get(index, name))
    click.echo(describe(store.start_experiment(index, started)))


@experiment.command("stop")
@index_option
def stop(index: str) -> None:
    """End it; what was active before answers all searches again."""
    store = open_store()
    store.stop_experiment(index)
    click.echo(describe(store.state(index)))


@experiment.command("show")
@index_option
@json_option
def show(index: str, as_json: bool) -> None:
    """Show the experiment that runs."""
    state = open_store().state(index)
    if as_json:
        write_json(None if state.experiment is None else state.experiment.to_json())
    elif state.experiment is None:
        click.echo(f"no experiment runs on {index!r}")
    else:
        click.echo(describe(state))
