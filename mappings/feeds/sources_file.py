"""The TOML file of the sources and webhooks that bring products, and the kinds of its values."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from mappings.errors import InvalidQuery, MissingSetting
from mappings.index_names import check_index_name
from mappings.validation_faults import shorten

SOURCES = "sources"
WEBHOOKS = "webhooks"
_TABLES = (SOURCES, WEBHOOKS)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}

_Model = TypeVar("_Model", bound=BaseModel)


def _duration(value: object) -> object:
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            raise ValueError("should be a time such as '30s', '5m', '2h' or '1d'")
        return float(match[1]) * _SECONDS[match[2]]
    return value


def _index(name: str) -> str:
    try:
        return check_index_name(name)
    except InvalidQuery as error:
        raise ValueError(error.message) from error


Seconds = Annotated[float, BeforeValidator(_duration), Field(ge=0, le=366 * 86_400)]
"""A time such as "30s" or "1d", or a number of seconds."""

IndexName = Annotated[str, AfterValidator(_index)]


def read_tables(path: Path, kind: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the tables of one kind, SOURCES or WEBHOOKS, by name; none when there are none.

    Raises MissingSetting that names what is wrong with the file.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MissingSetting(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MissingSetting(f"{path.name}: is not TOML: {error}") from error
    if unknown := sorted(set(raw) - set(_TABLES)):
        raise MissingSetting(
            f"{path.name}: unknown table {unknown[0]!r}; known are {', '.join(_TABLES)}"
        )
    tables = raw.get(kind, {})
    if not isinstance(tables, dict):
        raise MissingSetting(f"{path.name}: {kind}: should be tables, [{kind}.NAME] each")
    for name, table in tables.items():
        if not _NAME.fullmatch(name):
            raise MissingSetting(
                f"{path.name}: {kind}.{shorten(name)}: a name has 1 to 64 of a-z, 0-9, '_', '-'"
            )
        if not isinstance(table, dict):
            raise MissingSetting(f"{path.name}: {kind}.{name}: should be a table")
    return tables


def check_table(model: type[_Model], table: Mapping[str, Any], *, where: str) -> _Model:
    """Return a table as its model; `where` is its name, for messages.

    Raises MissingSetting that names every key at fault, and no value: it may be a secret.
    """
    try:
        return model.model_validate(dict(table))
    except ValidationError as error:
        faults = [
            f"{where}.{'.'.join(map(str, item['loc']))}: "
            + item["msg"].removeprefix("Value error, ")
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise MissingSetting("\n  ".join(faults)) from error
