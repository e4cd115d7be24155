"""What wrote a data directory, so that it is never opened by something that would harm it."""

from __future__ import annotations

import json
from pathlib import Path

from embedded.errors import DataDirectoryMismatch

_RECORD = "shelfwise.json"


def check_and_record(
    directory: Path, *, product: str = "Elasticsearch", version: str, nodes: int = 1
) -> bool:
    """Note the version and node count in the directory; return whether it was new.

    Raises DataDirectoryMismatch where a newer server wrote the data, which an older one
    cannot read, or where more nodes did, so that fewer would lack shards and a quorum.
    """
    record_path = directory / _RECORD
    directory.mkdir(parents=True, exist_ok=True)
    is_new = not record_path.exists()
    if not is_new:
        record = json.loads(record_path.read_text(encoding="utf-8"))
        _refuse_older(directory, product, written_by=record["version"], version=version)
        _refuse_fewer(directory, written_by=record["nodes"], nodes=nodes)
    text = json.dumps({"version": version, "nodes": nodes}) + "\n"
    record_path.write_text(text, encoding="utf-8")
    return is_new


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
