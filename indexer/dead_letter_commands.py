"""`shelfwise dead-letters`: what was given up, why, and once more."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from datetime import timedelta

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from indexer.celery_app import create_app, publisher
from indexer.settings import IndexerSettings
from mappings import task_records
from mappings.confirming import confirm
from mappings.dead_letters import DeadLetters, Submit
from mappings.errors import InvalidQuery
from mappings.outbox import Outbox, Outgoing
from mappings.product_changes import ProductChange

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[smhdw])")


@click.group("dead-letters")
def dead_letters() -> None:
    """List, show, retry and purge changes that were given up."""


@dead_letters.command("list")
@click.option("--index", help="Only those of this index.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the change.")
def list_command(index: str | None, limit: int, as_json: bool) -> None:
    """List what was given up, newest first."""
    letters = _letters(_settings())
    found = letters.list(index, limit=limit)
    if as_json:
        for letter in found:
            click.echo(json.dumps(letter.to_json()))
        return
    table = Table("id", "time", "index", "product", "reason")
    table.columns[0].no_wrap = True  # it is copied into other commands
    for letter in found:
        at = letter.at.partition(".")[0].replace("T", " ")
        cells = (letter.index, str(letter.change.product_id), letter.reason)
        table.add_row(letter.id, at, *(escape(_printable(cell)) for cell in cells))
    Console().print(table)
    click.echo(f"{len(found):,} of {letters.count(index):,}")


@dead_letters.command("show")
@click.argument("letter_id", metavar="ID")
def show(letter_id: str) -> None:
    """Show one letter with the whole change, as JSON."""
    click.echo(json.dumps(_letters(_settings()).get(letter_id).to_json(), indent=2))


@dead_letters.command("retry")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="All letters.")
@click.option("--index", help="With --all: only those of this index.")
def retry(ids: Sequence[str], every: bool, index: str | None) -> None:
    """Queue the changes again, as they were.

    They keep their version and their place in the order of arrival, so what is newer in the
    index stays. A letter goes when its change is queued, and comes back if it fails again.
    """
    if bool(ids) == every or (index and not every):
        raise click.UsageError("name letters, or all with --all [--index NAME]")
    settings = _settings()
    letters = _letters(settings)
    wanted = letters.list(index, limit=None) if every else [letters.get(one) for one in set(ids)]
    tasks = letters.retry(wanted, _submit_with(settings))
    for name, task_id in tasks.items():
        count = sum(letter.index == name for letter in wanted)
        click.echo(f"queued {count:,} of {name!r}: task {task_id}")
    if not tasks:
        click.echo("there is nothing to retry")


@dead_letters.command("purge")
@click.option("--index", help="Only those of this index.")
@click.option("--older-than", metavar="AGE", help="Only older ones: 90s, 30m, 12h, 7d, 2w.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(index: str | None, older_than: str | None, yes: bool) -> None:
    """Forget letters and their changes for good."""
    age = None if older_than is None else _age(older_than)
    letters = _letters(_settings())
    if not yes:
        of_index = f" of {index!r}" if index else ""
        older = f" that are older than {older_than}" if older_than else ""
        what = f"dead letters{of_index}{older}"
        confirm(f"Forget {what} ({letters.count(index):,}{of_index} in all)?")
    click.echo(f"forgot {letters.purge(index, age):,} dead letters")


def _settings() -> IndexerSettings:
    return IndexerSettings.from_environment(os.environ)


def _letters(settings: IndexerSettings) -> DeadLetters:
    return DeadLetters(task_records.connect(settings.redis_url.get_secret_value()))


def _submit_with(settings: IndexerSettings) -> Submit:
    outbox = Outbox(
        task_records.connect(settings.redis_url.get_secret_value()),
        publisher(create_app(settings)),
        ttl_seconds=settings.task_ttl_seconds,
    )

    def submit(index: str, changes: Sequence[ProductChange]) -> str:
        size = settings.indexer_products_per_task
        cuts = [changes[start : start + size] for start in range(0, len(changes), size)]
        batches = [
            Outgoing(number, "changes", cut, range(number * size, number * size + len(cut)))
            for number, cut in enumerate(cuts)
        ]
        return outbox.submit(index, batches)

    return submit


def _age(text: str) -> timedelta:
    match = _AGE.fullmatch(text)
    if match is None:
        raise InvalidQuery(
            f"--older-than {text[:40]!r}: should be a number with s, m, h, d or w, such as 7d",
            field="older_than",
        )
    return timedelta(**{_UNITS[match["unit"]]: int(match["number"])})


def _printable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
