"""`shelfwise events`: how much is stored, and what is to be forgotten."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta

import click
import orjson
from rich.console import Console
from rich.table import Table

from mappings.cluster import connect
from mappings.errors import InvalidQuery
from service.events.event_key import find_event_key
from service.events.event_store import EventStats, EventStore
from service.events.pseudonyms import Pseudonyms
from service.settings import ServiceSettings

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_AGE = re.compile(r"(?P<number>[0-9]{1,5})(?P<unit>[hdw])")


@click.group("events")
def events() -> None:
    """Count, purge and erase what shoppers did."""


@events.command("stats")
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of tables.")
def stats(as_json: bool) -> None:
    """Say what is stored."""
    found = _store(_settings()).stats()
    if as_json:
        click.echo(orjson.dumps(found.to_json(), option=orjson.OPT_INDENT_2))
        return
    click.echo(f"{found.events:,} events of about {found.clients:,} clients")
    if found.events:
        click.echo(f"from {found.oldest} to {found.newest}")
        Console().print(_table(found))
    if len(found.keys) > 1:
        click.echo(f"they were stored under {len(found.keys)} keys")


@events.command("purge")
@click.option("--older-than", required=True, metavar="AGE", help="Such as 12h, 90d or 8w.")
def purge(older_than: str) -> None:
    """Delete events that are older than AGE."""
    before = datetime.now(UTC) - age(older_than)
    click.echo(f"deleted {_store(_settings()).purge(before):,} events")


@events.command("erase")
@click.option("--client", "client_id", required=True, metavar="ID", help="As the shop sent it.")
def erase(client_id: str) -> None:
    """Delete every event of one client."""
    settings = _settings()
    pseudonyms = Pseudonyms(find_event_key(settings))
    erased = _store(settings).erase(pseudonyms.client(client_id), key_id=pseudonyms.key_id)
    click.echo(f"deleted {erased.deleted:,} events")
    if erased.under_other_keys:
        click.echo(
            f"{erased.under_other_keys:,} events were stored under another key, which this "
            "command cannot look through; set that key and run it again",
            err=True,
        )


def _settings() -> ServiceSettings:
    return ServiceSettings.from_environment(os.environ)


def _store(settings: ServiceSettings) -> EventStore:
    return EventStore(connect(settings))


def age(text: str) -> timedelta:
    """Return the time that text such as 12h, 90d or 8w means. Raises InvalidQuery."""
    match = _AGE.fullmatch(text)
    if match is None:
        raise InvalidQuery(
            f"age {text[:40]!r}: should be a number with h, d or w, such as 90d",
            field="age",
        )
    return timedelta(**{_UNITS[match["unit"]]: int(match["number"])})


def _table(found: EventStats) -> Table:
    table = Table("", "events")
    table.columns[1].justify = "right"
    for name, count in (*found.actions.items(), *found.months.items()):
        table.add_row(name, f"{count:,}")
    return table
