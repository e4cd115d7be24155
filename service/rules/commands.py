"""`shelfwise rules`: rules and synonyms of an index, their versions, and which are in force."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mappings.audit import operator
from mappings.cluster import connect
from mappings.confirming import confirm
from mappings.errors import InvalidQuery
from service.rules.editing import merge
from service.rules.querqy import Format, read_querqy
from service.rules.querqy_blocks import Remark
from service.rules.rule import RuleSet
from service.rules.signal import RulesSignal, connect_signal
from service.rules.store import MAX_RULES_BYTES, RulesStore
from service.settings import ServiceSettings
from service.versions.console import (
    file_argument,
    json_option,
    read_file,
    read_json,
    write_json,
)
from service.versions.state import VersionState

MAX_FILE_BYTES = 4 * MAX_RULES_BYTES
"""Rules as large as may be, written with as many blanks as an editor makes."""
_SIGNAL_TIMEOUT_SECONDS = 2.0

index_option = click.option("--index", required=True, help="Index whose searches they hold for.")
draft_option = click.option("--draft", is_flag=True, help="Keep it without letting it hold yet.")
note_option = click.option("--note", default="", help="Why, for the list of versions.")


@click.group("rules")
def rules() -> None:
    """List, change, import and switch rules and synonyms; searches follow at once."""


@rules.command("list")
@index_option
@json_option
def list_command(index: str, as_json: bool) -> None:
    """List the versions, newest first, and which is in force."""
    store = _open_store()
    versions, state = store.list(index), store.state(index)
    if as_json:
        write_json({"active": state.active, "versions": versions})
        return
    table = Table("", "version", "created", "rules", "synonyms", "who", "note")
    table.columns[1].no_wrap = True  # it is copied into other commands
    for one in versions:
        cells = (
            one["version"],
            one["created_at"][:16].replace("T", " "),
            f"{one['rules_count']:,}",
            f"{one['synonyms_count']:,}",
            one["who"],
            one["note"],
        )
        mark = "active" if one["version"] == state.active else ""
        table.add_row(mark, *(escape(_printable(cell)) for cell in cells))
    Console().print(table)
    click.echo(_describe(state))


@rules.command("show")
@click.argument("version", required=False)
@index_option
def show(version: str | None, index: str) -> None:
    """Write the rules in force, or those of VERSION, as JSON that `set` reads."""
    store = _open_store()
    chosen = version or store.state(index).active
    write_json(store.get_set(index, chosen).to_json())


@rules.command("set")
@file_argument
@index_option
@note_option
@draft_option
def set_command(file: Path, index: str, note: str, draft: bool) -> None:
    """Let the rules of a JSON FILE take the place of all that are there."""
    raw = read_json(file, most=MAX_FILE_BYTES)
    _keep(_open_store(), index, RuleSet.parse(raw), replaces=True, note=note, draft=draft)


@rules.command("import")
@file_argument
@index_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(get_args(Format)),
    default="querqy",
    show_default=True,
    help="Querqy's common rules, or those of its replace rewriter.",
)
@click.option("--replace", "replaces", is_flag=True, help="Instead of adding to what is there.")
@click.option("--strict", is_flag=True, help="Take nothing when a line cannot be taken.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of it.")
@note_option
@draft_option
def import_command(
    file: Path,
    index: str,
    format_: Format,
    replaces: bool,
    strict: bool,
    dry_run: bool,
    note: str,
    draft: bool,
) -> None:
    """Take in a FILE of Querqy's rules, and name each line that cannot be taken."""
    try:
        text = read_file(file, most=MAX_FILE_BYTES).decode()
    except UnicodeDecodeError as error:
        raise InvalidQuery(f"{file}: no UTF-8: {error}", field="file") from error
    read = read_querqy(text, format_)
    _tell(file, read.remarks)
    left_out = sum(not remark.taken for remark in read.remarks)
    click.echo(
        f"rules: {len(read.rules.rules):,}, synonyms: {len(read.rules.synonyms):,}, "
        f"lines left out: {left_out:,}"
    )
    if strict and left_out:
        raise InvalidQuery(f"{file}: {left_out} lines cannot be taken, so nothing was kept")
    if dry_run or not (read.rules.rules or read.rules.synonyms):
        return
    note = note or f"import of {file.name}"[:200]
    _keep(_open_store(), index, read.rules, replaces=replaces, note=note, draft=draft)


@rules.command("activate")
@click.argument("version")
@index_option
def activate(version: str, index: str) -> None:
    """Let VERSION hold from the next search on."""
    click.echo(_describe(_open_store().activate(index, version, who=operator())))


@rules.command("rollback")
@index_option
def rollback(index: str) -> None:
    """Go back to the rules that held before."""
    click.echo(_describe(_open_store().rollback(index, who=operator())))


@rules.command("deactivate")
@index_option
def deactivate(index: str) -> None:
    """Let no rules hold."""
    click.echo(_describe(_open_store().deactivate(index, who=operator())))


@rules.command("delete")
@click.argument("version")
@index_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(version: str, index: str, yes: bool) -> None:
    """Forget VERSION for good; the one in force is kept."""
    if not yes:
        confirm(f"Forget {version!r} for good?")
    _open_store().delete(index, version)
    click.echo(f"forgot {version!r}")


def _open_store() -> RulesStore:
    settings = ServiceSettings.from_environment(os.environ)
    url = settings.redis_url.get_secret_value()
    signal = RulesSignal(connect_signal(url, timeout_seconds=_SIGNAL_TIMEOUT_SECONDS))
    return RulesStore(connect(settings), on_change=signal.send)


def _keep(
    store: RulesStore, index: str, given: RuleSet, *, replaces: bool, note: str, draft: bool
) -> None:
    def change(known: RuleSet) -> RuleSet:
        return given if replaces else merge(known, given)

    if not draft:
        click.echo(_describe(store.edit(index, change, note=note, who=operator())))
        return
    known = store.get_set(index, store.state(index).active)
    version = store.save(index, change(known), note=note, who=operator())
    click.echo(f"kept {version!r}, which holds once it is activated")


def _tell(file: Path, remarks: Sequence[Remark]) -> None:
    for one in remarks:
        how = "taken, but" if one.taken else "left out:"
        text = _printable(one.text if len(one.text) <= 80 else f"{one.text[:79]}…")
        click.echo(f"{file.name}:{one.line}: {how} {_printable(one.reason)}: {text}", err=True)


def _describe(state: VersionState) -> str:
    if state.active is None:
        return f"no rules hold for {state.index!r}"
    return f"{state.active} holds for {state.index!r}"


def _printable(text: str) -> str:
    """Return a text without what would move the cursor, or the words around it."""
    kept = text.encode(errors="backslashreplace").decode()
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in kept)
