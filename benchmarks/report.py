"""What every part of the benchmark hands back, its tables on the screen and its JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Sheet:
    """A table. rows: cells as they are shown. note: what a reader must know, below it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """A target and what was seen. ok: None when it was not measured, for the reason in `seen`."""

    target: str
    asked: str
    seen: str
    ok: bool | None


@dataclass(frozen=True)
class Part:
    """The outcome of one part of the benchmark. data: all its numbers, for the JSON file."""

    name: str
    sheets: Sequence[Sheet] = ()
    verdicts: Sequence[Verdict] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


def at_most(target: str, seen: float, limit: float, unit: str, note: str = "") -> Verdict:
    """Return the verdict on a number that should not exceed a limit."""
    text = f"{seen:.2f}{unit}{note}"
    return Verdict(target, f"at most {limit:g}{unit}", text, seen <= limit)


def at_least(target: str, seen: float, limit: float, note: str = "") -> Verdict:
    """Return the verdict on a number that should reach a limit."""
    return Verdict(target, f"at least {limit:g}", f"{seen:.2f}{note}", seen >= limit)


def show(parts: Sequence[Part], console: Console) -> None:
    """Print the tables of all parts, then the verdicts together."""
    for part in parts:
        for sheet in part.sheets:
            table = Table(title=sheet.title, caption=sheet.note or None, title_justify="left")
            for number, column in enumerate(sheet.columns):
                table.add_column(column, justify="right" if number else "left")
            for row in sheet.rows:
                table.add_row(*row)
            console.print(table)
    table = Table(title="Targets", title_justify="left")
    for column in ("target", "asked", "seen", ""):
        table.add_column(column)
    words = {True: "[green]ok[/]", False: "[red]missed[/]", None: "not measured"}
    for part in parts:
        for verdict in part.verdicts:
            table.add_row(verdict.target, verdict.asked, verdict.seen, words[verdict.ok])
    console.print(table)


def write(path: Path, machine: Mapping[str, Any], parts: Sequence[Part]) -> None:
    """Write everything as one JSON object."""
    report = {
        "machine": machine,
        "targets": [asdict(verdict) for part in parts for verdict in part.verdicts],
        "parts": {part.name: part.data for part in parts},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    path.write_bytes(orjson.dumps(report, option=options))
