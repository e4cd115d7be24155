"""Rows as CSV that no spreadsheet runs as formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a cell begins with that Excel, LibreOffice or Sheets would run; also in full width."""


def csv_text(row_type: type[BaseModel], rows: Sequence[BaseModel]) -> str:
    """Return a heading line and a line a row, with CRLF as RFC 4180 has it.

    A text that a spreadsheet would take for a formula begins with an apostrophe, which
    spreadsheets hide. None is an empty cell.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    names = list(row_type.model_fields)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(getattr(row, name)) for name in names])
    return out.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return value
