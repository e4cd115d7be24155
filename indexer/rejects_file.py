"""The file of a load's rejects: one JSON line for each record that was not indexed."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import IO

import orjson

from indexer.records import SourceRecord


class RejectsFile:
    """Written only when there is something to write; the file of an earlier load is removed.

    count: the rejects so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: IO[bytes] | None = None

    def __enter__(self) -> RejectsFile:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(
        self, record: SourceRecord, *, product_id: str | None, field: str | None, reason: str
    ) -> None:
        """Write one reject."""
        if self._file is None:
            self._file = self.path.open("wb")
        value = {
            "line": record.line,
            "id": product_id,
            "field": field,
            "reason": reason,
            "record": record.raw,
        }
        self._file.write(orjson.dumps(value) + b"\n")
        self._file.flush()
        self.count += 1
