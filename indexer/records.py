"""Reads JSON lines and CSV one record at a time; what cannot be read is said, never raised."""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import orjson

from mappings.errors import InvalidQuery

MAX_LINE_BYTES = 16 * 1024 * 1024  # the greatest product that the record's limits allow
MAX_DEPTH = 200
MAX_RAW_CHARACTERS = 20_000
"""Of a record that is shown in the file of rejects."""

_SPACE_AFTER_KEY = re.compile(rb'"[ \t\r]+:')
_BOM = b"\xef\xbb\xbf"
_DELIMITERS = ",;\t|"
_CSV_SUFFIXES = (".csv", ".tsv")
_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True)
class SourceRecord:
    """One record of a file.

    line: where it begins, from 1. value: its columns; None when it cannot be read, for
    `problem`. raw: its text, cut after MAX_RAW_CHARACTERS.
    """

    line: int
    raw: str
    value: Mapping[str, Any] | None
    problem: str = ""


class RecordFile:
    """A file of records: `.jsonl` or `.csv`, also with `.gz`; a context manager.

    Raises InvalidQuery for a name that says neither, OSError when it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        name = path.name.lower().removesuffix(".gz")
        self.is_csv = name.endswith(_CSV_SUFFIXES)
        if not self.is_csv and not name.endswith(_JSON_SUFFIXES):
            raise InvalidQuery(
                f"{path.name}: cannot tell the format; the name should end in "
                f"{', '.join(_JSON_SUFFIXES + _CSV_SUFFIXES)}, also with .gz",
                field="file",
            )
        self.size_bytes = path.stat().st_size
        self._file = path.open("rb")
        zipped = path.name.lower().endswith(".gz")
        self._lines: IO[bytes] = (
            gzip.GzipFile(fileobj=self._file) if zipped else self._file  # type: ignore[assignment]
        )

    def __enter__(self) -> RecordFile:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lines.close()
        self._file.close()

    @property
    def fraction_read(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return self._file.tell() / self.size_bytes if self.size_bytes else 1.0

    def __iter__(self) -> Iterator[SourceRecord]:
        """Yield every record in order; a file that is cut off ends with a record that says so."""
        line = 0
        try:
            for record in _csv_records(self._lines) if self.is_csv else _json_records(self._lines):
                line = record.line
                yield record
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            yield SourceRecord(line + 1, "", None, f"the file is damaged from here on: {error}")


def _json_records(file: IO[bytes]) -> Iterator[SourceRecord]:
    line = 0
    while raw := file.readline(MAX_LINE_BYTES + 1):
        line += 1
        if line == 1:
            raw = raw.removeprefix(_BOM)
        if len(raw) > MAX_LINE_BYTES:
            _skip_line(file, raw)
            yield SourceRecord(
                line, _shown(raw), None, f"the line is longer than {MAX_LINE_BYTES} bytes"
            )
        elif raw := raw.strip():
            yield _json_record(line, raw)


def _skip_line(file: IO[bytes], raw: bytes) -> None:
    while raw and not raw.endswith(b"\n"):
        raw = file.readline(MAX_LINE_BYTES)


def _json_record(line: int, raw: bytes) -> SourceRecord:
    try:
        value = orjson.loads(raw)
        if not isinstance(value, dict):
            problem = f"should be a JSON object, not {type(value).__name__}"
        elif not (problem := _repeated_key(raw, value)):
            return SourceRecord(line, raw.decode()[:MAX_RAW_CHARACTERS], value)
    except orjson.JSONDecodeError as error:
        problem = _json_problem(raw, error)
    except RecursionError:
        problem = "is nested too deeply"
    return SourceRecord(line, _shown(raw), None, problem)


def _json_problem(raw: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as broken:
        return f"is not UTF-8: byte {raw[broken.start]:#04x} at position {broken.start}"
    return f"is not JSON: {error}"


def _repeated_key(raw: bytes, value: Mapping[str, Any]) -> str:
    """Return what to say of a key that stands twice in one object, else "".

    orjson keeps the last of two equal keys without a word. As every key ends in `":`, as many
    of these as keys in the result mean that none was lost; only a record with more of them,
    or with a space between, is read once more by the slower parser.
    """
    if raw.count(b'":') == _count_keys(value) and not _SPACE_AFTER_KEY.search(raw):
        return ""
    repeated: list[str] = []

    def check(pairs: list[tuple[str, Any]]) -> None:
        if len(pairs) != len({name for name, _ in pairs}):
            names = [name for name, _ in pairs]
            repeated.extend(name for name in dict.fromkeys(names) if names.count(name) > 1)

    json.loads(raw, object_pairs_hook=check)
    return f"has the key {repeated[0]!r} more than once" if repeated else ""


def _count_keys(value: object, depth: int = 0) -> int:
    # What no product is: said at a depth that does not hang on who calls.
    if depth > MAX_DEPTH:
        raise RecursionError
    count = 0
    inner: Iterable[object] = ()
    if isinstance(value, dict):
        count, inner = len(value), value.values()
    elif isinstance(value, list):
        inner = value
    for item in inner:
        # A record has dozens of values and hardly ever one that holds others.
        if item.__class__ is dict or item.__class__ is list:
            count += _count_keys(item, depth + 1)
    return count


def _csv_records(file: IO[bytes]) -> Iterator[SourceRecord]:
    text = _text_lines(file)
    first = next(text, "")
    if not first:
        return
    delimiter = max(_DELIMITERS, key=first.count)
    header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
    if problem := _header_problem(header):
        raise InvalidQuery(f"the header {problem}", field="file")
    csv.field_size_limit(MAX_LINE_BYTES)
    reader = csv.reader(text, delimiter=delimiter)
    while True:
        line = reader.line_num + 2
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield SourceRecord(line, "", None, f"is not CSV: {error}")
            continue
        if any(row):
            yield _csv_record(line, header, row, delimiter)


def _text_lines(file: IO[bytes]) -> Iterator[str]:
    # surrogateescape keeps a broken byte in its own row instead of ending the whole file.
    before = _BOM
    while raw := file.readline(MAX_LINE_BYTES):
        yield raw.removeprefix(before).decode("utf-8", "surrogateescape")
        before = b""


def _csv_record(
    line: int, header: Sequence[str], row: Sequence[str], delimiter: str
) -> SourceRecord:
    raw = delimiter.join(row)
    shown = _shown(raw.encode("utf-8", "surrogateescape"))
    if len(row) != len(header):
        problem = f"has {len(row)} columns where the header has {len(header)}"
        return SourceRecord(line, shown, None, problem)
    if not _is_text(raw):
        return SourceRecord(line, shown, None, "is not UTF-8")
    return SourceRecord(line, shown, dict(zip(header, row, strict=True)))


def _header_problem(header: Sequence[str]) -> str:
    if not _is_text("".join(header)):
        return "is not UTF-8"
    repeated = next((name for name in header if header.count(name) > 1), None)
    return "" if repeated is None else f"has the column {repeated!r} more than once"


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(raw: bytes) -> str:
    return raw[: MAX_RAW_CHARACTERS * 4].decode("utf-8", "replace")[:MAX_RAW_CHARACTERS]
