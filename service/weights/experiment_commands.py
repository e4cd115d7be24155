"""`shelfwise weights experiment`: two versions side by side on live traffic."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import get_args

import click

from mappings.cluster import connect
from service.events.commands import age
from service.events.event_key import find_event_key
from service.events.event_store import EventStore
from service.experiments_reading import read_experiment
from service.settings import ServiceSettings
from service.versions.console import json_option, write_json
from service.weights.console import (
    describe,
    index_option,
    open_store,
    refusals,
)
from service.weights.experiments import Kind
from service.weights.query_ids import QueryIds
from service.weights.switching import start_experiment


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
    with refusals():
        state = start_experiment(open_store(), index, kind, versions.split(","), share)
    click.echo(describe(state))


@experiment.command("stop")
@index_option
def stop(index: str) -> None:
    """End it; what was active before answers all searches again."""
    store = open_store()
    ended = store.stop_experiment(index)
    click.echo(describe(store.state(index)))
    click.echo(f"its report: weights experiment report --index {index} --experiment {ended.id}")


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
        click.echo(f"its id is {state.experiment.id}")


@experiment.command("report")
@index_option
@click.option(
    "--experiment",
    "experiment_id",
    metavar="ID",
    help="By default the one that runs, else the last one.",
)
@click.option(
    "--since",
    metavar="AGE",
    help="Events of the last 12h, 7d or 8w; by default since it began, of an ended one 30d.",
)
@json_option
def report(index: str, experiment_id: str | None, since: str | None, as_json: bool) -> None:
    """Say what clients did with the two versions, and how sure that is."""
    settings = ServiceSettings.from_environment(os.environ)
    now = datetime.now(UTC)
    found = read_experiment(
        index,
        EventStore(connect(settings)),
        QueryIds(find_event_key(settings)),
        running=open_store().state(index).experiment,
        now=now,
        experiment_id=experiment_id,
        since=None if since is None else now - age(since),
    )
    if as_json:
        write_json(found.to_json())
    else:
        click.echo(found.in_words())
