"""What wrote a data directory, so that it is never opened by something that would harm it."""

from __future__ import annotations

import json
from pathlib import Path

from embedded.errors import DataDirectoryMismatch

_RECORD = "shelfwise.json"


def check(
    directory: Path, *, product: str = "Elasticsearch", version: str, nodes: int = 1
) -> bool:
    """Tell whether no server has come up on this directory yet; writes nothing.

    Raises DataDirectoryMismatch where a newer server wrote the data, which an older one cannot
    read, or where more nodes did, so that fewer would lack shards and a quorum.
    """
    record_path = directory / _RECORD
    if not record_path.exists():
        return True
    written_by = json.loads(record_path.read_text(encoding="utf-8"))
    _refuse_older(directory, product, written_by=written_by["version"], version=version)
    _refuse_fewer(directory, written_by=written_by["nodes"], nodes=nodes)
    return not written_by.get("has_come_up", False)


def record(directory: Path, *, version: str, nodes: int = 1, has_come_up: bool = False) -> None:
    """Note in the directory, making it if need be, what writes there."""
    directory.mkdir(parents=True, exist_ok=True)
    fields = {"version": version, "nodes": nodes, "has_come_up": has_come_up}
    text = json.dumps(fields) + "\n"
    (directory / _RECORD).write_text(text, encoding="utf-8")


def _refuse_older(directory: Path, product: str, *, written_by: str, version: str) -> None:
    if _as_numbers(version) < _as_numbers(written_by):
        raise DataDirectoryMismatch(
            f"{directory} was written by {product} {written_by}; {version} cannot read it.",
            f"Use version {written_by}, or another directory.",
        )


def _refuse_fewer(directory: Path, *, written_by: int, nodes: int) -> None:
    if nodes < written_by:
        raise DataDirectoryMismatch(
            f"{directory} holds the data of {written_by} nodes; {nodes} would lack some of it.",
            f"Start {written_by} nodes, or use another directory.",
        )


def _as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
