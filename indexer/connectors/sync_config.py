"""The sources of a TOML file, checked before any of them is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from indexer.connectors.base import Connector, SourceContext, SourceOptions
from indexer.connectors.registry import find_connector
from mappings.errors import MissingSetting
from mappings.feeds.field_map import IDENTITY, read_map, shipped_maps
from mappings.feeds.sources_file import SOURCES, check_table, read_tables


@dataclass(frozen=True)
class Source:
    """One table of the file."""

    name: str
    options: SourceOptions
    context: SourceContext

    def open(self) -> Connector:
        """Return a connector for one pass."""
        return find_connector(self.options.connector).make(self.options, self.context)


def read_sources(path: Path, names: Collection[str] = ()) -> list[Source]:
    """Return the sources of a file. names: only these; all when there are none.

    Raises MissingSetting that names what is wrong, also with sources that were not asked for.
    """
    tables = read_tables(path, SOURCES)
    if not tables:
        raise MissingSetting(f"{path.name}: has no table [{SOURCES}.NAME]")
    if unknown := sorted(set(names) - set(tables)):
        raise MissingSetting(
            f"{path.name}: no source {unknown[0]!r}; there are {', '.join(tables)}"
        )
    folder = path.resolve().parent
    sources = []
    for name, table in tables.items():
        where = f"{path.name}: {SOURCES}.{name}"
        try:
            kind = find_connector(table.get("connector"))
            options = check_table(kind.options, table, where=where)
            mapping = read_map(place_of_map(options.map, folder))
        except MissingSetting as error:
            raise (
                error if where in error.message else MissingSetting(f"{where}: {error.message}")
            ) from error
        sources.append(Source(name, options, SourceContext(name, mapping, folder)))
    _check_deletes(path, sources)
    return [source for source in sources if not names or source.name in names]


def place_of_map(name: str, folder: Path) -> str:
    """Return a map's name, or its path from the folder of the file that names it."""
    return name if name == IDENTITY or name in shipped_maps() else str(folder / name)


def _check_deletes(path: Path, sources: list[Source]) -> None:
    """Refuse a source that would delete what another one brings."""
    shared = Counter(source.options.index for source in sources)
    for source in sources:
        index = source.options.index
        if source.options.deletes_what_is_absent and shared[index] > 1:
            raise MissingSetting(
                f"{path.name}: {SOURCES}.{source.name}: would delete the products that other "
                f"sources bring into index {index!r}: give each an index, or leave out `full` "
                "and `compare_ids_every`"
            )
