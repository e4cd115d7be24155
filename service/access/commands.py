"""`shelfwise keys`: make, list, replace and revoke API keys."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta

import click
import orjson
from rich.console import Console
from rich.table import Table

from mappings.audit import operator
from mappings.cluster import connect
from mappings.errors import InvalidQuery
from mappings.validation_faults import shorten
from service.access.key_store import KeyStore
from service.access.keys import ApiKey, NewKey, make_key
from service.access.patterns import ALL
from service.access.scopes import Scope
from service.settings import ServiceSettings

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE = re.compile(r"(?P<number>[0-9]{1,4})(?P<unit>[mhdw])")

_WIDTH = 160
"""Of a table that is no terminal's, so that no id is cut."""

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")


@click.group("keys")
def keys() -> None:
    """Make, list, replace and revoke the API keys of the service."""


@keys.command("create")
@click.option("--name", required=True, help="Whose it is, for lists and the audit log.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it may be used for; may be repeated. `admin` includes the others.",
)
@click.option(
    "--index",
    "indexes",
    multiple=True,
    default=(ALL,),
    help="Index, or pattern such as 'shop-*'; may be repeated  [all]",
)
@click.option("--expires", metavar="AGE", help="When it ends: 30m, 12h, 90d, 52w  [never]")
@json_option
def create(
    name: str,
    scopes: tuple[str, ...],
    indexes: tuple[str, ...],
    expires: str | None,
    as_json: bool,
) -> None:
    """Make a key, and show it: this once, as only a hash of it is kept."""
    until = None if expires is None else datetime.now(UTC) + age(expires, "expires")
    made = make_key(name, scopes, indexes, created_by=operator(), expires_at=until)
    _store().add(made.key)
    _show_new(made, as_json=as_json)


@keys.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """List the keys, newest first, without their secrets."""
    now = datetime.now(UTC)
    found = _store().list()
    if as_json:
        _write_json([key.to_json(now) for key in found])
        return
    table = Table("id", "name", "state", "scopes", "indexes", "created", "expires", box=None)
    for key in found:
        table.add_row(
            key.id,
            key.name,
            key.state(now),
            " ".join(sorted(key.scopes)),
            " ".join(key.indexes),
            _day(key.created_at),
            _day(key.expires_at),
        )
    console = Console(width=None if Console().is_terminal else _WIDTH)
    console.print(table if found else "there are no keys")


@keys.command("revoke")
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Let a key open nothing any more; the service knows within seconds."""
    key = _store().revoke(id_of(key_id))
    click.echo(f"{key.id} ({key.name}) is revoked; services know it within some seconds")


@keys.command("rotate")
@click.argument("key_id")
@click.option(
    "--grace", default="7d", show_default=True, metavar="AGE", help="How long both keys work."
)
@json_option
def rotate(key_id: str, grace: str, as_json: bool) -> None:
    """Make a key like another, which ends after a while."""
    now, store = datetime.now(UTC), _store()
    old = store.get(id_of(key_id))
    if old.state(now) != "active":
        raise InvalidQuery(f"key_id: {old.id} is {old.state(now)}", field="key_id")
    lasted = None if old.expires_at is None else old.expires_at - old.created_at
    made = make_key(
        old.name,
        old.scopes,
        old.indexes,
        created_by=operator(),
        expires_at=None if lasted is None else now + lasted,
    )
    store.add(made.key)
    ended = store.expire(old.id, now + age(grace, "grace"))
    _show_new(made, as_json=as_json)
    click.echo(f"{old.id} works until {_day(ended.expires_at)}", err=True)


@keys.command("purge")
def purge() -> None:
    """Forget the keys that are revoked or expired."""
    click.echo(f"forgot {_store().purge():,} keys")


def age(text: str, field: str) -> timedelta:
    """Return how long `90d` is; raises InvalidQuery that names the option."""
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise InvalidQuery(
            f"{field}: should be a number with m, h, d or w, such as 90d, got {shorten(text)}",
            field=field,
        )
    return timedelta(**{_UNITS[match["unit"]]: int(match["number"])})


def id_of(text: str) -> str:
    """Return the id of what is an id, or the whole key that somebody has found somewhere."""
    return text.split("_")[1] if text.startswith("sw_") and text.count("_") > 1 else text


def _store() -> KeyStore:
    return KeyStore(connect(ServiceSettings.from_environment(os.environ)))


def _show_new(made: NewKey, *, as_json: bool) -> None:
    key: ApiKey = made.key
    if as_json:
        _write_json({"key": made.text, **key.to_json(datetime.now(UTC))})
        return
    click.echo(made.text)
    click.echo(
        f"id {key.id}, {', '.join(sorted(key.scopes))} of {', '.join(key.indexes)}, ends "
        f"{_day(key.expires_at)}; it is not shown again",
        err=True,
    )


def _day(at: datetime | None) -> str:
    return "never" if at is None else at.isoformat(" ", "minutes")


def _write_json(value: object) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
