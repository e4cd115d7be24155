"""The command `shelfwise sync`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

from indexer.connectors.states import SourceState, SourceStates
from indexer.settings import IndexerSettings
from mappings import cluster
from mappings.errors import InvalidQuery
from mappings.logs import configure_logging


@click.command()
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with a table [sources.NAME] for each source.",
)
@click.option("--source", "names", multiple=True, help="Only this source; may be repeated.")
@click.option("--once", is_flag=True, help="End when every source has been read to its present.")
@click.option(
    "--max-delete",
    type=click.FloatRange(0, 1),
    help="With --once: most products to delete that a source lacks, as a share of the index, in "
    "the place of the sources' max_delete.",
)
@click.option("--status", is_flag=True, help="Show how far each source is, and read none.")
@click.option("--json", "as_json", is_flag=True, help="With --status: as JSON.")
def sync(
    config: Path | None,
    names: tuple[str, ...],
    once: bool,
    max_delete: float | None,
    status: bool,
    as_json: bool,
) -> None:
    """Bring products from files, indexes and databases, and go on where it stopped.

    Without --once it follows every source until Ctrl-C or SIGTERM. Exit status of --once: 0 when
    every product is in the index, 2 when some were rejected, 1 when a source failed.
    """
    settings = IndexerSettings.from_environment(os.environ)
    if status:
        _show(settings, names, as_json=as_json)
        return
    if config is None:
        raise InvalidQuery("--config: is needed: the TOML file of the sources", field="config")
    if max_delete is not None and not once:
        raise InvalidQuery("--max-delete: goes with --once", field="max_delete")
    from indexer.connectors.sync import sync_for_ever, sync_once
    from indexer.connectors.sync_config import read_sources

    sources = read_sources(config, names)
    configure_logging()
    if once:
        sys.exit(sync_once(settings, sources, say=click.echo, max_share=max_delete))
    sync_for_ever(settings, sources)


def _show(settings: IndexerSettings, names: Sequence[str], *, as_json: bool) -> None:
    with cluster.connect(settings) as client:
        states = [one for one in SourceStates(client).list() if not names or one.source in names]
    if as_json:
        click.echo(orjson.dumps([one.to_document() for one in states], option=orjson.OPT_INDENT_2))
        return
    table = Table("source", "index", "records", "indexed", "faults", "rate", "lag", "state")
    now = datetime.now(UTC)
    for one in states:
        counts = one.counts
        rate = one.last_pass.get("records_per_second")
        table.add_row(
            one.source,
            one.index,
            f"{counts.get('records', 0):,}",
            f"{counts.get('indexed', 0):,}",
            f"{counts.get('unread', 0) + counts.get('rejected', 0):,}",
            "" if rate is None else f"{rate:,.0f}/s",
            _lag(one, now),
            _state(one, now),
        )
    Console().print(table)
    for one in states:
        if one.last_error:
            click.echo(f"{one.source}: {one.last_error['at']}: {one.last_error['message']}")
        for record in one.last_unread:
            click.echo(f"{one.source}: {record['place']}: {record['reason']}")


def _lag(state: SourceState, now: datetime) -> str:
    """Return how old the index may be at most, as far as this source goes."""
    if state.complete_as_of is None:
        return "not complete yet"
    return f"{(now - datetime.fromisoformat(state.complete_as_of)).total_seconds():,.0f} s"


def _state(state: SourceState, now: datetime) -> str:
    if state.last_error:
        return "failing"
    is_held = state.lease_until and datetime.fromisoformat(state.lease_until) > now
    return f"being read by {state.owner}" if is_held else "idle"
