"""The `files` connector: JSON lines and CSV, one file or many, as they come and change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.connectors.base import Cursor, Page, RecordReader, SourceContext, SourceOptions
from indexer.connectors.product_ids import ProductIds
from indexer.records import RecordFile
from mappings.errors import MissingSetting, RequestError
from mappings.feeds.sources_file import Seconds
from mappings.product_changes import ProductChange

_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")


class FilesOptions(SourceOptions):
    """path: a file, a folder, or a pattern such as `feeds/*.csv.gz`.

    full: each file is the whole catalogue; the newest one counts, and products that it lacks
    are deleted. settle: how long a file must have rested before it is read.
    """

    path: str
    full: bool = False
    settle: Seconds = 2.0

    @property
    def identity(self) -> str:
        """Return what the cursor hangs on."""
        return f"{super().identity} {self.path}"

    @property
    def deletes_what_is_absent(self) -> bool:
        """Return whether products that the newest file lacks are deleted."""
        return self.full


@dataclass(frozen=True)
class _Found:
    """A file as it was when it was looked at."""

    path: Path
    name: str
    size: int
    modified_ns: int

    @property
    def stamp(self) -> list[int]:
        """Return what changes when the file does."""
        return [self.size, self.modified_ns]


class FilesConnector:
    """Reads files that are new or have changed, by name, size and time; oldest first.

    The cursor has the stamp of each file that was read, and the line within the one under way.
    """

    def __init__(
        self,
        options: FilesOptions,
        context: SourceContext,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._options = options
        self._folder = context.folder
        self._reader = RecordReader(context.mapping, versions=options.versions)
        self._sleep = sleep
        self._now = now

    def changes(self, cursor: Cursor | None) -> Iterator[Page]:
        """Yield the records of files that are new or have changed since."""
        found = self._files()
        before = (cursor or {}).get("files", {})
        under_way = (cursor or {}).get("under_way") or {}
        done = {file.name: before[file.name] for file in found if file.name in before}
        if self._options.full:
            found = found[-1:]
        for file in found:
            if done.get(file.name) == file.stamp:
                continue
            is_resumed = under_way.get("name") == file.name and under_way["stamp"] == file.stamp
            yield from self._read(file, done, under_way["line"] if is_resumed else 0)

    def close(self) -> None:
        """Nothing is kept open between pages of different files."""

    def _read(self, file: _Found, done: dict[str, Any], first_line: int) -> Iterator[Page]:
        """Yield a file's pages, and put it among those that are done, as the last one has it."""
        self._let_settle(file)
        self._reader.has_nameless = False
        ids = ProductIds() if self._options.full else None
        changes: list[ProductChange] = []
        line = first_line
        try:
            with RecordFile(file.path) as records:
                for record in records:
                    line = record.line
                    place = f"{file.name}, line {line}"
                    # Lines that were sent before are read again: their products are no less there.
                    change, known = self._change(record.value, record.problem, place)
                    if ids is not None and known is not None:
                        ids.add([known])
                    if line <= first_line:
                        self._reader.take_unread()
                    elif change is not None:
                        changes.append(change)
                    if len(changes) + len(self._reader.unread) >= self._options.page_size:
                        at = {"name": file.name, "stamp": file.stamp, "line": line}
                        yield self._page(changes, {"files": dict(done), "under_way": at})
                        changes = []
            done[file.name] = file.stamp
        except RequestError as error:
            # Of one file alone: those behind it are read, and it is when it has changed.
            self._reader.reject(file.name, str(error))
            done[file.name] = file.stamp
        except OSError as error:
            # Of the disk or of rights, which may be mended without a change of the file: the next
            # pass tries it again.
            self._reader.reject(file.name, str(error))
        # One that changed while it was read has another stamp, by which it is read again.
        is_same = self._stamp_of(file.path) == file.stamp
        cursor = {"files": dict(done)}
        if ids is not None and self._reader.has_nameless:
            self._reader.reject(
                file.name, "records without a readable id: so nothing was deleted for this file"
            )
            ids = None
        yield self._page(changes, cursor, ids if is_same else None)

    def _change(
        self, value: Mapping[str, Any] | None, problem: str, place: str
    ) -> tuple[ProductChange | None, str | None]:
        """Return a record's change and its product's id, None for what it does not say."""
        if value is None:
            return None, self._reader.reject(place, problem)
        change = self._reader.upsert(value, place)
        if change is not None:
            return change, change.product_id
        return None, self._reader.unread[-1].product_id

    def _page(
        self, changes: Sequence[ProductChange], cursor: Cursor, ids: ProductIds | None = None
    ) -> Page:
        return Page(changes, cursor, self._reader.take_unread(), ids)

    def _files(self) -> list[_Found]:
        """Return the files that the path means, oldest first.

        Raises MissingSetting when it is a file or folder that is not there.
        """
        path = self._folder / self._options.path
        if path.is_dir():
            paths = [item for item in path.iterdir() if _is_feed(item)]
            base = path
        elif any(sign in self._options.path for sign in "*?["):
            pattern = Path(self._options.path)
            base = Path(pattern.anchor) if pattern.is_absolute() else self._folder
            relative = str(pattern.relative_to(pattern.anchor))
            paths = [item for item in base.glob(relative) if item.is_file()]
        elif path.is_file():
            paths, base = [path], path.parent
        else:
            raise MissingSetting(f"path {self._options.path!r}: there is no such file or folder")
        found = []
        for item in paths:
            stamp = self._stamp_of(item)
            if stamp is not None:
                found.append(_Found(item, str(item.relative_to(base)), *stamp))
        return sorted(found, key=lambda file: (file.modified_ns, file.name))

    def _let_settle(self, file: _Found) -> None:
        age = self._now() - file.modified_ns / 1e9
        if 0 <= age < self._options.settle:
            self._sleep(self._options.settle - age)

    def _stamp_of(self, path: Path) -> list[int] | None:
        try:
            status = path.stat()
        except OSError:  # it was taken away meanwhile
            return None
        return [status.st_size, status.st_mtime_ns]


def _is_feed(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return not name.startswith(".") and name.endswith(_SUFFIXES) and path.is_file()


options = FilesOptions
make = FilesConnector
