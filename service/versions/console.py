"""What the commands of versioned documents share: options, files of JSON, the answer as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson

from mappings.errors import InvalidQuery

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")
file_argument = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


def read_file(file: Path, *, most: int) -> bytes:
    """Return what is in a file; raises InvalidQuery that names it when it is over `most` bytes."""
    if (size := file.stat().st_size) > most:
        raise InvalidQuery(f"{file}: {size:,} bytes, at most {most:,}", field="file")
    return file.read_bytes()


def read_json(file: Path, *, most: int) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return what a JSON file holds; raises InvalidQuery that names the file and the place."""
    try:
        return orjson.loads(read_file(file, most=most))
    except orjson.JSONDecodeError as error:
        raise InvalidQuery(f"{file}: no JSON: {error}", field="file") from error


def write_json(value: object) -> None:
    """Write a value as JSON to the standard output."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
