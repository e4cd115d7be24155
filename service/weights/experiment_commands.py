"""`shelfwise weights experiment`: two versions side by side on live traffic."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime, timedelta
from typing import cast, get_args

import click

from mappings.cluster import connect
from mappings.errors import InvalidQuery
from service.events.commands import age
from service.events.event_key import find_event_key
from service.events.event_store import EventStore
from service.experiments_report import report_experiment
from service.experiments_words import in_words
from service.settings import ServiceSettings
from service.weights.console import (
    describe,
    index_option,
    json_option,
    open_store,
    require_usable,
    write_json,
)
from service.weights.experiments import Experiment, Kind
from service.weights.query_ids import QueryIds

_MAX_AGE = "30d"
"""As old as an event may be when it comes."""

_SLOW_CLOCKS = timedelta(hours=1)
"""Events have the times of browsers; an earlier page than the experiment has no id of it."""


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
    running = open_store().state(index).experiment
    if since is None and running is not None and experiment_id in (None, running.id):
        begin = datetime.fromisoformat(running.started_at) - _SLOW_CLOCKS
    else:
        begin = datetime.now(UTC) - age(since or _MAX_AGE)
    found = report_experiment(
        index,
        EventStore(connect(settings)).read(index=index, since=begin),
        QueryIds(find_event_key(settings)),
        running=running,
        experiment_id=experiment_id,
    )
    if as_json:
        write_json(found.to_json())
    else:
        click.echo(in_words(found))
