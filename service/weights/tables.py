"""Versions of the weights, and what differs between them, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from service.weights.difference import Pair, WeightsDifference
from service.weights.documents import WeightsDocument
from service.weights.state import WeightsState


def versions_table(versions: Sequence[WeightsDocument], state: WeightsState) -> Table:
    """Return the versions of an index, the active one and those of an experiment marked."""
    table = Table(
        "", "version", "created", "fusion", "from", "queries", "pairs", "metrics", "note"
    )
    table.columns[1].no_wrap = True  # it is copied into other commands
    for one in versions:
        training = one["training"]
        numbers = [
            f"{name} {_number(value)}"
            for name, value in one["metrics"].items()
            if _is_number(value)
        ]
        cells = (
            one["version"],
            _minute(one["created_at"]),
            one["fusion"],
            training["source"],
            _count(training.get("queries")),
            _count(training.get("pairs")),
            ", ".join(numbers[:3]),
            one["note"],
        )
        table.add_row(_mark(one["version"], state), *(escape(_printable(cell)) for cell in cells))
    return table


def history_table(state: WeightsState) -> Table:
    """Return the changes of what is active, newest first."""
    table = Table("time", "what", "active since then", "who")
    for change in reversed(state.history):
        cells = (
            _minute(change.at),
            change.action,
            change.version or "default",
            change.who,
        )
        table.add_row(*(escape(_printable(cell)) for cell in cells))
    return table


def difference_table(found: WeightsDifference) -> Table:
    """Return two versions side by side; numbers with what the second has more."""
    table = Table("", *(escape(version) for version in found.versions), "change")
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("fusion", *(escape(name) for name in found.fusion), "", end_section=True)
    for name in found.added:
        table.add_row(escape(_printable(name)), "", "feature", "added")
    for name in found.removed:
        table.add_row(escape(_printable(name)), "feature", "", "removed")
    table.add_section()
    _add_pairs(table, "weight", found.weights)
    table.add_section()
    _add_pairs(table, "metric", found.metrics)
    return table


def _add_pairs(table: Table, kind: str, pairs: Mapping[str, Pair]) -> None:
    for name, (first, second) in pairs.items():
        change = ""
        if _is_number(first) and _is_number(second):
            change = f"{second - first:+.4g}" if second != first else "="
        cells = (f"{kind} {name}", _number(first), _number(second), change)
        table.add_row(*(escape(_printable(cell)) for cell in cells))


def _mark(version: str, state: WeightsState) -> str:
    arms = () if state.experiment is None else state.experiment.versions
    marks = ["active"] if version == state.active else []
    marks += [team for team, arm in zip("AB", arms, strict=False) if version == arm]
    return " ".join(marks)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else ""


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _printable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
