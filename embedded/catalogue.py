"""Which file a stack loads, and into which index."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from embedded import sample_catalogue
from embedded.errors import EmbeddedStackError
from embedded.sample_photos import write_photos

_MAX_INDEX_NAME = 64
_FIRST_LINE_BYTES = 2**20


class CatalogueUnusable(EmbeddedStackError):
    """The file of products cannot be read."""


@dataclass(frozen=True)
class Catalogue:
    """A file of products, the field map that reads it (None: recognised), and its index.

    photos: the folder that its `file:` addresses of photos are relative to, None when that is
    not ours to say.
    """

    path: Path
    map_name: str | None
    index: str
    photos: Path | None = None


def choose_catalogue(
    path: Path | None,
    *,
    map_name: str | None,
    index: str | None,
    sample_directory: Path,
    say: Callable[[str], None] = lambda _: None,
) -> Catalogue:
    """Return what to load: the file, or our own sample, written with its photos, without one.

    say: told how far the drawing of photos is.
    Raises CatalogueUnusable when the file cannot be opened, or the sample not be written.
    """
    if path is None:
        return _sample(index, sample_directory, say)
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise CatalogueUnusable(
            f"The catalogue {str(path)!r} cannot be read: {error.strerror}.",
            "Name a .jsonl or .csv file, also with .gz: make run CATALOGUE=path/to/products.jsonl",
        ) from error
    return Catalogue(path, map_name, index or _index_of_map(path, map_name) or _name_from(path))


def _sample(index: str | None, directory: Path, say: Callable[[str], None]) -> Catalogue:
    photos = directory.absolute() / "photos"
    try:
        path = sample_catalogue.write_sample_catalogue(directory)
        write_photos(sample_catalogue.sample_photos(), photos, say=say)
    except OSError as error:
        raise CatalogueUnusable(
            f"The sample catalogue cannot be written to {str(directory)!r}: {error.strerror}.",
            "Make room there, or choose another folder: make run STATE=.shelfwise-2",
        ) from error
    return Catalogue(path, None, index or sample_catalogue.INDEX_NAME, photos)


def _index_of_map(path: Path, map_name: str | None) -> str | None:
    """Return the index that a shipped field map is for.

    The maps are read as the data files they are: this package starts the loader as a process
    and imports nothing of it.
    """
    columns = _columns(path)
    fitting = [
        item
        for item in _shipped_maps()
        if item.get("index")
        and (item["name"] == map_name if map_name else columns.issuperset(item["detect"]))
    ]
    best = max(fitting, key=lambda item: (len(item["detect"]), item["name"]), default=None)
    return str(best["index"]) if best else None


def _shipped_maps() -> Iterator[dict[str, Any]]:
    for file in files("mappings.feeds").joinpath("field_maps").iterdir():
        if file.name.endswith(".json"):
            yield json.loads(file.read_text(encoding="utf-8"))


def _columns(path: Path) -> set[str]:
    """Return the columns of the first record, none when it cannot be read: the loader says why."""
    try:
        opened = gzip.open(path) if path.suffix == ".gz" else path.open("rb")
        with opened as file:
            line = file.readline(_FIRST_LINE_BYTES).decode("utf-8-sig")
        if line.lstrip().startswith("{"):
            return set(json.loads(line))
    except (OSError, EOFError, ValueError):
        return set()
    delimiter = max(",;\t|", key=line.count)
    return set(next(csv.reader([line], delimiter=delimiter), []))


def _name_from(path: Path) -> str:
    """Return an index name made of the file's name: `My Shop.csv.gz` becomes `my-shop`."""
    stem = path.name.split(".")[0].lower()
    name = re.sub(r"[^a-z0-9_]+", "-", stem).strip("-_")[:_MAX_INDEX_NAME]
    # The sample's own index is not for others, and `-write` and `-v1` are for aliases.
    taken = name in ("", sample_catalogue.INDEX_NAME) or re.search(r"-(write|v\d+)$", name)
    return "catalogue" if taken else name
